//! The folders, each with how many of its messages are unread, and how many there are.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::{clean, fit, width};
use super::{block, chosen};
use crate::app::{App, Focus, Folder};

pub(super) fn draw(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let is_focused = app.focus == Focus::Folders && app.dialog.is_none();
    let block = block(" folders ".to_owned(), is_focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let height = usize::from(inner.height);
    let top = (app.folder + 1).saturating_sub(height);
    let lines = app.folders.iter().enumerate().skip(top).take(height).map(|(at, folder)| {
        let line = line(folder, usize::from(inner.width));
        if at == app.folder && app.search.is_none() { line.style(chosen(is_focused)) } else { line }
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}

fn line(folder: &Folder, columns: usize) -> Line<'static> {
    let counts = match (folder.is_selectable, folder.unseen) {
        (false, _) => String::new(),
        (true, 0) => folder.messages.to_string(),
        (true, unseen) => format!("{unseen}/{}", folder.messages),
    };
    let name = clean(&folder.name)
        + if folder.exists { "" } else { " ~" }
        + if folder.failure.is_some() { " !" } else { "" };
    let name = fit(&name, columns.saturating_sub(width(&counts) + 2));
    let gap = columns.saturating_sub(width(&name) + width(&counts) + 2);
    let style = match folder {
        folder if folder.failure.is_some() => Style::new().fg(Color::Red),
        folder if folder.unseen > 0 => Style::new().add_modifier(Modifier::BOLD),
        _ => Style::new(),
    };
    Line::from(vec![
        Span::styled(format!(" {name}"), style),
        Span::raw(" ".repeat(gap)),
        Span::styled(counts + " ", style),
    ])
}
