//! The lines above and below: whose mail it is, whether there is a connection, what goes on, and
//! which keys do what.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::ACCENT;
use super::text::{clean, fit, width};
use crate::app::{App, Connection, Dialog, Focus};

/// Columns of the bar of progress.
const BAR: usize = 20;

pub(super) fn title(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let (mark, text, color) = match &app.connection {
        Connection::Connecting => ("◌", "connecting".to_owned(), Color::Yellow),
        Connection::Online => ("●", "online".to_owned(), Color::Green),
        Connection::Away => ("○", "offline, as you wish".to_owned(), Color::Yellow),
        Connection::Offline { reason, retry } => {
            let retry = retry.map_or_else(String::new, |seconds| format!(", again in {seconds} s"));
            ("○", format!("offline{retry}: {}", clean(reason)), Color::Red)
        }
    };
    let account = format!(" {} ", clean(&app.account));
    let room = usize::from(area.width).saturating_sub(width(&account) + 5);
    let text = fit(&text, room);
    let gap = usize::from(area.width).saturating_sub(width(&account) + width(&text) + 3);
    let line = Line::from(vec![
        Span::styled(account, Style::new().fg(ACCENT).add_modifier(Modifier::BOLD)),
        Span::raw(" ".repeat(gap)),
        Span::styled(format!("{mark} {text}"), Style::new().fg(color)),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

pub(super) fn status(app: &App, frame: &mut Frame<'_>, area: Rect) {
    if app.is_typing {
        let text = app.search.as_deref().unwrap_or_default();
        let shown = format!(" search: {}", clean(text));
        let end = u16::try_from(width(&shown)).unwrap_or(area.width).min(area.width.saturating_sub(1));
        frame.render_widget(Paragraph::new(shown).style(Style::new().fg(ACCENT)), area);
        frame.set_cursor_position((area.x + end, area.y));
        return;
    }
    let mut right = Vec::new();
    if app.progress.is_syncing() && app.connection == Connection::Online {
        right.push(Span::raw(progress(app)));
    }
    let parked = app.queue.iter().filter(|queued| queued.parked.is_some()).count();
    let waiting = app.queue.len() - parked;
    if waiting > 0 {
        right.push(Span::styled(format!("  {waiting} queued"), Style::new().fg(Color::Yellow)));
    }
    if parked > 0 {
        right.push(Span::styled(format!("  {parked} refused (w)"), Style::new().fg(Color::Red)));
    }
    let right = Line::from(right);
    let room = usize::from(area.width).saturating_sub(right.width() + 3);
    let (text, style) = match &app.note {
        Some(note) if note.is_error => (clean(&note.text), Style::new().fg(Color::Red)),
        Some(note) => (clean(&note.text), Style::new()),
        None => (hint(app), Style::new().add_modifier(Modifier::DIM)),
    };
    frame.render_widget(Paragraph::new(format!(" {}", fit(&text, room))).style(style), area);
    let wide = u16::try_from(right.width() + 1).unwrap_or(area.width).min(area.width);
    let at = Rect { x: area.x + area.width - wide, width: wide, ..area };
    frame.render_widget(Paragraph::new(right), at);
}

fn progress(app: &App) -> String {
    let progress = app.progress;
    // At most the columns of the bar.
    let full = (progress.ratio() * BAR as f64).round().min(BAR as f64);
    let full = (0..BAR).take_while(|at| (*at as f64) < full).count();
    let bar = "█".repeat(full) + &"░".repeat(BAR - full);
    format!("{bar} {} of {} messages", progress.stored, progress.messages)
}

fn hint(app: &App) -> String {
    match (&app.search, app.list.marked.len()) {
        (_, marked) if marked > 0 => format!("{marked} marked"),
        (Some(text), _) => format!("found by \"{}\"; S asks the server, esc ends the search", clean(text)),
        _ => app
            .current()
            .and_then(|folder| folder.failure.as_ref())
            .map_or_else(String::new, |failure| format!("not in step: {}", clean(failure))),
    }
}

/// The keys of the part that takes them.
fn keys(app: &App) -> &'static [(&'static str, &'static str)] {
    match (&app.dialog, app.is_typing, app.focus) {
        (Some(Dialog::Help), ..) => &[("any key", "back")],
        (Some(Dialog::Queue(_)), ..) => &[("↑↓", "choose"), ("r", "retry"), ("x", "drop"), ("esc", "back")],
        (Some(Dialog::Move { .. }), ..) => {
            &[("type", "narrow"), ("↑↓", "choose"), ("enter", "move"), ("esc", "back")]
        }
        (Some(Dialog::Attachments { .. }), ..) => {
            &[("↑↓", "choose"), ("enter", "save"), ("a", "save all"), ("esc", "back")]
        }
        (Some(Dialog::Delete(_)), ..) => &[("y", "delete for good"), ("any other", "keep")],
        (Some(Dialog::Compose(_, true)), ..) => &[("y", "give it up"), ("any other", "write on")],
        (Some(Dialog::Compose(_, false)), ..) => {
            &[("ctrl-s", "keep as draft"), ("tab", "next field"), ("esc", "give up")]
        }
        (None, true, _) => &[("type", "search"), ("enter", "to the results"), ("esc", "end")],
        (None, false, Focus::Folders) => &[
            ("↑↓", "folder"),
            ("→", "list"),
            ("/", "search"),
            ("s", "sync"),
            ("o", "offline"),
            ("w", "queue"),
            ("?", "help"),
            ("q", "quit"),
        ],
        (None, false, Focus::List) => &[
            ("enter", "open"),
            ("/", "search"),
            ("a", "archive"),
            ("d", "delete"),
            ("r", "reply"),
            ("m", "move"),
            ("f", "flag"),
            ("u", "unread"),
            ("t", "threads"),
            ("w", "queue"),
            ("?", "help"),
            ("q", "quit"),
        ],
        (None, false, Focus::Message) => &[
            ("esc", "back"),
            ("n/p", "next"),
            ("space", "page"),
            ("f", "flag"),
            ("u", "unread"),
            ("a", "archive"),
            ("d", "delete"),
            ("m", "move"),
            ("r", "reply"),
            ("v", "attachments"),
            ("e", "edit draft"),
            ("?", "help"),
            ("q", "quit"),
        ],
    }
}

/// As many keys as fit; the last two always, since they lead to all others, and out.
pub(super) fn help(app: &App, frame: &mut Frame<'_>, area: Rect) {
    let keys = keys(app);
    let wide = |(key, what): &(&str, &str)| width(key) + width(what) + 3;
    let (first, last) = keys.split_at(keys.len().saturating_sub(2));
    let mut room = usize::from(area.width).saturating_sub(1 + last.iter().map(wide).sum::<usize>());
    let fits = first.iter().take_while(|pair| {
        let columns = wide(pair);
        let fits = columns <= room;
        room = room.saturating_sub(columns);
        fits
    });
    let mut spans = vec![Span::raw(" ")];
    for (key, what) in fits.chain(last) {
        spans.push(Span::styled(*key, Style::new().fg(ACCENT)));
        spans.push(Span::styled(format!(" {what}  "), Style::new().add_modifier(Modifier::DIM)));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}
