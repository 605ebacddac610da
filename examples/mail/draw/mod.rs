//! The screen: what the state is, drawn into a frame.
//!
//! ```text
//!   account                                    connection
//!   ┌ folders ┐┌ list ─────────────────────────────────┐
//!   │         │├ message, once one is open ────────────┤
//!   └─────────┘└───────────────────────────────────────┘
//!   what was done, progress, what is queued
//!   keys
//! ```

mod bars;
mod dialogs;
mod folders;
mod list;
mod message;
mod text;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::{Block, BorderType};

pub(crate) use self::text::{clean, fit, list_date};
use crate::app::{App, Dialog};

/// Columns of the folders.
const FOLDERS: u16 = 24;
/// Lines from which on list and message are shown one above the other.
const BOTH: u16 = 22;

const ACCENT: Color = Color::Cyan;

/// Draws everything.
pub(crate) fn draw(app: &mut App, frame: &mut Frame<'_>) {
    let [title, middle, status, help] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    bars::title(app, frame, title);
    bars::status(app, frame, status);
    bars::help(app, frame, help);
    let is_wide = middle.width >= FOLDERS * 3;
    let [left, right] = Layout::horizontal([
        Constraint::Length(if is_wide { FOLDERS } else { middle.width / 3 }),
        Constraint::Min(10),
    ])
    .areas(middle);
    folders::draw(app, frame, left);
    if let Some(Dialog::Compose(compose, _)) = &mut app.dialog {
        dialogs::compose(compose, frame, right);
        return;
    }
    if app.message.is_none() {
        list::draw(app, frame, right);
    } else if right.height < BOTH {
        message::draw(app, frame, right);
    } else {
        let [above, below] =
            Layout::vertical([Constraint::Length(right.height / 3), Constraint::Min(5)]).areas(right);
        list::draw(app, frame, above);
        message::draw(app, frame, below);
    }
    dialogs::draw(app, frame, middle);
}

/// A frame with a title; that of the part which takes the keys stands out.
fn block(title: String, is_focused: bool) -> Block<'static> {
    let style = if is_focused { Style::new().fg(ACCENT) } else { Style::new().add_modifier(Modifier::DIM) };
    Block::bordered().border_type(BorderType::Rounded).border_style(style).title(title)
}

/// The style of what is chosen.
fn chosen(is_focused: bool) -> Style {
    if is_focused {
        Style::new().bg(ACCENT).fg(Color::Black)
    } else {
        Style::new().bg(Color::DarkGray).fg(Color::White)
    }
}
