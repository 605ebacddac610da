//! A message: its heading, its text.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::{clean, long_date, wrap};
use super::{ACCENT, block};
use crate::app::{App, Focus, Shown};

pub(super) fn draw(app: &mut App, frame: &mut Frame<'_>, area: Rect) {
    let Some(shown) = &app.message else { return };
    let is_focused = app.focus == Focus::Message && app.dialog.is_none();
    let lines = lines(shown, area.width.saturating_sub(4).into());
    let count = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let height = area.height.saturating_sub(2);
    let top = shown.top.min(count.saturating_sub(height));
    let more = if count > height {
        format!(" {} % ", u32::from(top + height) * 100 / u32::from(count))
    } else {
        String::new()
    };
    let block = block(format!(" {} ", clean(app.folder_name(shown.row.folder))), is_focused)
        .title_bottom(Line::from(more).right_aligned());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    frame.render_widget(Paragraph::new(lines).scroll((top, 0)), inner);
    (app.message_height, app.message_lines) = (height, count);
    if let Some(shown) = &mut app.message {
        shown.top = top;
    }
}

fn lines(shown: &Shown, columns: usize) -> Vec<Line<'static>> {
    let row = &shown.row;
    let dim = Style::new().add_modifier(Modifier::DIM);
    let head = |name: &'static str, value: String, style: Style| {
        let values = wrap(&value, columns.saturating_sub(10)).into_iter();
        let named = values.enumerate().map(move |(at, value)| {
            let name = if at == 0 { name } else { "" };
            Line::from(vec![Span::styled(format!("{name:<10}"), dim), Span::styled(value, style)])
        });
        named.collect::<Vec<_>>()
    };
    let (name, address) = &row.reply_to;
    let from =
        if name.is_empty() || row.from != *name { row.from.clone() } else { format!("{name} <{address}>") };
    let mut lines = head("From", from, Style::new().fg(ACCENT));
    lines.extend(head("To", row.to.clone(), Style::new()));
    lines.extend(head("Date", long_date(row.date), Style::new()));
    lines.extend(head("Subject", row.subject.clone(), Style::new().add_modifier(Modifier::BOLD)));
    if !row.attachments.is_empty() {
        lines.extend(head("Attached", row.attachments.join(", "), Style::new().fg(Color::Magenta)));
    }
    lines.push(Line::default());
    match &shown.body {
        None => lines.push(Line::styled("on its way …", dim)),
        Some(Err(reason)) => {
            lines.extend(
                wrap(reason, columns).into_iter().map(|line| Line::styled(line, Style::new().fg(Color::Red))),
            );
        }
        Some(Ok(body)) => {
            if body.was_html {
                lines.extend([Line::styled("(from HTML)", dim), Line::default()]);
            }
            let quoted = Style::new().fg(Color::Green);
            lines.extend(wrap(&body.text, columns).into_iter().map(|line| {
                let style = if line.starts_with('>') { quoted } else { Style::new() };
                Line::styled(line, style)
            }));
        }
    }
    lines
}
