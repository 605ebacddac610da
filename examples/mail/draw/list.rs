//! The list: marks, date, sender, subject.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row as Line_, Table};

use super::text::{clean, fit, short_date};
use super::{block, chosen};
use crate::app::{App, Focus, Role, Row, Source};

/// Columns of the sender.
const FROM: u16 = 20;
/// Conversations are indented no deeper.
const MAX_DEPTH: u32 = 8;

pub(super) fn draw(app: &mut App, frame: &mut Frame<'_>, area: Rect) {
    let is_focused = app.focus == Focus::List && app.dialog.is_none();
    let block = block(title(app), is_focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    app.list.show(usize::from(inner.height));
    if app.list.rows.is_empty() {
        let text = Line::from(empty(app)).style(Style::new().add_modifier(Modifier::DIM));
        frame.render_widget(Paragraph::new(text), inner);
        return;
    }
    let is_search = app.search.is_some();
    let is_sent = app.current().is_some_and(|folder| matches!(folder.role, Some(Role::Sent | Role::Drafts)));
    let height = usize::from(inner.height);
    let rows = app.list.rows.iter().enumerate().skip(app.list.top).take(height).map(|(at, row)| {
        let cells = cells(app, row, is_sent && !is_search);
        let line = Line_::new(cells).style(style(row));
        if at == app.list.at { line.style(chosen(is_focused).patch(bold(row))) } else { line }
    });
    let columns =
        [Constraint::Length(4), Constraint::Length(7), Constraint::Length(FROM), Constraint::Fill(1)];
    frame.render_widget(Table::new(rows.collect::<Vec<_>>(), columns).column_spacing(1), inner);
}

fn title(app: &App) -> String {
    let count = app.list.rows.len();
    match app.source() {
        Some(Source::Search { text, .. }) => {
            let more = if app.list.is_all { "" } else { "+" };
            let is_joined = app.joined.as_ref().is_some_and(|(known, _)| *known == text);
            let by = if is_joined { ", by the server too" } else { "" };
            format!(" {count}{more} found{by}: {} ", fit(&clean(&text), 30))
        }
        _ => {
            let Some(folder) = app.current() else { return " mail ".to_owned() };
            let how = if app.by_thread { "by conversation" } else { "by date" };
            format!(" {}, {how} ", clean(&folder.name))
        }
    }
}

fn empty(app: &App) -> &'static str {
    let is_listed = app.list.source.is_some();
    match (app.source(), is_listed) {
        (Some(Source::Search { .. }), true) => {
            " nothing found (of messages that are not on this machine, the text is unknown: S asks the server)"
        }
        (Some(_), true) if app.progress.is_syncing() => " on its way",
        (Some(_), true) => " no messages",
        _ => "",
    }
}

fn bold(row: &Row) -> Style {
    if row.is_seen { Style::new() } else { Style::new().add_modifier(Modifier::BOLD) }
}

fn style(row: &Row) -> Style {
    let style = bold(row);
    if row.is_flagged { style.fg(Color::Yellow) } else { style }
}

fn cells<'a>(app: &App, row: &Row, is_sent: bool) -> [Line<'a>; 4] {
    let mark = |is: bool, mark: &'static str, color: Color| {
        if is { Span::styled(mark, Style::new().fg(color)) } else { Span::raw(" ") }
    };
    let state = match row {
        row if row.is_pending => Span::styled("~", Style::new().fg(Color::Yellow)),
        row if row.is_answered => Span::raw("↩"),
        _ => Span::raw(" "),
    };
    let marks = Line::from(vec![
        mark(app.list.marked.contains(&row.id), "▶", Color::Magenta),
        mark(!row.is_seen, "●", Color::Blue),
        mark(row.is_flagged, "★", Color::Yellow),
        state,
    ]);
    let person = if is_sent { &row.to } else { &row.from };
    let indent = match row.depth {
        0 => String::new(),
        depth => "  ".repeat(depth.min(MAX_DEPTH) as usize - 1) + "└ ",
    };
    let mut subject = vec![Span::raw(indent)];
    let is_elsewhere = match app.source() {
        Some(Source::Folder { id, .. }) => id != row.folder,
        _ => true,
    };
    if is_elsewhere {
        let name = format!("{}: ", clean(app.folder_name(row.folder)));
        subject.push(Span::styled(name, Style::new().add_modifier(Modifier::DIM)));
    }
    let text = if row.subject.is_empty() { "(no subject)".to_owned() } else { clean(&row.subject) };
    subject.push(Span::raw(text));
    if !row.attachments.is_empty() {
        subject.push(Span::styled("  +", Style::new().fg(Color::Magenta)));
    }
    [
        marks,
        Line::from(format!("{:>7}", short_date(row.date, app.now))),
        Line::from(fit(&clean(person), FROM.into())),
        Line::from(subject),
    ]
}
