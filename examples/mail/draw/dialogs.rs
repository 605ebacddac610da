//! What lies on top: help, the queue, the choice of a folder, a question, a reply.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::text::{clean, fit, width, wrap};
use super::{ACCENT, block, chosen};
use crate::app::{App, Compose, Dialog, Editor, Field, Queued, Row};

const HELP: [(&str, &str); 21] = [
    ("↑ ↓ j k", "up and down; page up, page down, home, end"),
    ("← → tab", "between folders, list and message"),
    ("enter", "open a message; n and p open the next and the one before"),
    ("space", "mark a message: what follows is done to all that are marked"),
    ("f", "flag, or take the flag away"),
    ("u", "unread, or read"),
    ("a", "archive"),
    ("d", "delete: into the trash; what is there, for good"),
    ("m", "move; a name that no folder has makes one"),
    ("r", "reply; the reply is kept among the drafts"),
    ("c", "write a new message, kept among the drafts"),
    ("e", "write on a draft; what is kept takes its place"),
    ("v", "what is attached, to be saved into files"),
    ("/", "search while you type: words, \"a phrase\", from:ann,"),
    ("", "subject:lunch since:2026-03-01 is:unread has:attachment"),
    ("S", "the same search at the server, which knows all texts"),
    ("t", "by date, or by conversation"),
    ("w", "what waits to be sent, and what the server has refused"),
    ("s", "look for new mail now"),
    ("o", "go offline, or online again"),
    ("q", "quit; what is queued is sent the next time"),
];

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    match &app.dialog {
        Some(Dialog::Help) => help(frame, area),
        Some(Dialog::Queue(at)) => queue(app, *at, frame, area),
        Some(Dialog::Move { typed, chosen }) => choice(app, typed, *chosen, frame, area),
        Some(Dialog::Attachments { row, chosen }) => attachments(row, *chosen, frame, area),
        Some(Dialog::Delete(rows)) => {
            let what = match rows.as_slice() {
                [row] => format!("Delete \"{}\" for good?", fit(&clean(&row.subject), 40)),
                rows => format!("Delete {} messages for good?", rows.len()),
            };
            let inner = window(frame, area, " delete ", 60, 3);
            frame.render_widget(Paragraph::new(what), inner);
        }
        Some(Dialog::Compose(..)) | None => {}
    }
}

/// A window in the middle; its inside.
fn window(frame: &mut Frame<'_>, area: Rect, title: &str, columns: u16, lines: u16) -> Rect {
    let (columns, lines) = (columns.min(area.width), lines.min(area.height));
    let place = Rect {
        x: area.x + (area.width - columns) / 2,
        y: area.y + (area.height - lines) / 2,
        width: columns,
        height: lines,
    };
    let block = block(title.to_owned(), true);
    let inner = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let lines = HELP.map(|(key, what)| {
        Line::from(vec![Span::styled(format!("{key:<10}"), Style::new().fg(ACCENT)), Span::raw(what)])
    });
    let inner = window(frame, area, " keys ", 76, 23);
    frame.render_widget(Paragraph::new(lines.to_vec()), inner);
}

fn queue(app: &App, at: usize, frame: &mut Frame<'_>, area: Rect) {
    let inner = window(frame, area, " what the server does not know yet ", 90, area.height.saturating_sub(4));
    if app.queue.is_empty() {
        frame.render_widget(Paragraph::new("Nothing is queued."), inner);
        return;
    }
    let columns = usize::from(inner.width);
    let (mut lines, mut end) = (Vec::new(), 0);
    for (number, queued) in app.queue.iter().enumerate() {
        lines.extend(queued_lines(queued, columns, number == at));
        if number <= at {
            end = lines.len();
        }
    }
    let top = end.saturating_sub(inner.height.into());
    let top = u16::try_from(top).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines).scroll((top, 0)), inner);
}

fn queued_lines(queued: &Queued, columns: usize, is_chosen: bool) -> Vec<Line<'static>> {
    let (mark, color) = if queued.parked.is_some() { ("✗", Color::Red) } else { ("~", Color::Yellow) };
    let line = Line::from(vec![
        Span::styled(format!("{mark} "), Style::new().fg(color)),
        Span::raw(fit(&clean(&queued.what), columns.saturating_sub(2))),
    ]);
    let mut lines = vec![if is_chosen { line.style(chosen(true)) } else { line }];
    let reason = queued.parked.iter().flat_map(|reason| wrap(reason, columns.saturating_sub(4)));
    lines.extend(reason.map(|line| Line::styled(format!("    {line}"), Style::new().fg(Color::Red))));
    lines
}

fn choice(app: &App, typed: &str, at: usize, frame: &mut Frame<'_>, area: Rect) {
    let found = app.matching(typed);
    let count = app.targets().len();
    let title = if count == 1 { " move to ".to_owned() } else { format!(" move {count} messages to ") };
    let inner = window(frame, area, &title, 44, area.height.min(16));
    let [above, below] = Layout::vertical([Constraint::Length(2), Constraint::Min(1)]).areas(inner);
    let line = format!("{}▏", clean(typed));
    frame.render_widget(Paragraph::new(line).style(Style::new().fg(ACCENT)), above);
    if found.is_empty() {
        frame.render_widget(Paragraph::new(format!("enter makes the folder {}", clean(typed.trim()))), below);
        return;
    }
    let at = at.min(found.len() - 1);
    let height = usize::from(below.height);
    let top = (at + 1).saturating_sub(height);
    let lines = found.iter().enumerate().skip(top).take(height).map(|(number, folder)| {
        let line = Line::from(fit(&clean(&folder.name), below.width.into()));
        if number == at { line.style(chosen(true)) } else { line }
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), below);
}

fn attachments(row: &Row, at: usize, frame: &mut Frame<'_>, area: Rect) {
    let count = u16::try_from(row.attachments.len()).unwrap_or(u16::MAX);
    let inner = window(frame, area, " save what is attached ", 60, count.saturating_add(2).min(16));
    let top = (at + 1).saturating_sub(inner.height.into());
    let shown = row.attachments.iter().enumerate().skip(top).take(inner.height.into());
    let lines = shown.map(|(number, name)| {
        let line = Line::from(fit(&clean(name), inner.width.into()));
        if number == at { line.style(chosen(true)) } else { line }
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}

pub(super) fn compose(compose: &mut Compose, frame: &mut Frame<'_>, area: Rect) {
    let block = block(" write ".to_owned(), true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [to, subject, _, text] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
    ])
    .areas(Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner });
    field("To", &compose.to, compose.field == Field::To, frame, to);
    field("Subject", &compose.subject, compose.field == Field::Subject, frame, subject);
    compose.show(text.height.into());
    lines(&compose.text, compose.top, compose.field == Field::Text, frame, text);
}

fn field(name: &str, editor: &Editor, is_focused: bool, frame: &mut Frame<'_>, area: Rect) {
    let name_style =
        if is_focused { Style::new().fg(ACCENT) } else { Style::new().add_modifier(Modifier::DIM) };
    frame.render_widget(Paragraph::new(Span::styled(format!("{name:<9}"), name_style)), area);
    let rest = Rect { x: area.x + 9, width: area.width.saturating_sub(9), ..area };
    lines(editor, 0, is_focused, frame, rest);
}

fn lines(editor: &Editor, top: usize, is_focused: bool, frame: &mut Frame<'_>, area: Rect) {
    let (line, column) = editor.cursor();
    let before: String =
        editor.all().get(line).map_or_else(String::new, |text| text.chars().take(column).collect());
    let cursor = width(&before);
    // The line of the cursor is moved so that the cursor is visible.
    let left = (cursor + 1).saturating_sub(area.width.into());
    let shown = editor.all().iter().skip(top).take(area.height.into()).map(|text| {
        let style = if text.starts_with('>') { Style::new().fg(Color::Green) } else { Style::new() };
        Line::styled(clean(text), style)
    });
    let left = u16::try_from(left).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()).scroll((0, left)), area);
    if is_focused {
        let x = u16::try_from(cursor).unwrap_or(u16::MAX).saturating_sub(left);
        let y = u16::try_from(line.saturating_sub(top)).unwrap_or(u16::MAX);
        frame.set_cursor_position((area.x.saturating_add(x), area.y.saturating_add(y)));
    }
}
