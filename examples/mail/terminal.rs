//! The terminal: keys in, frames out.

use std::io::{self, IsTerminal};
use std::thread;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event as Input, read};
use ratatui::crossterm::execute;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::app::{Action, App, Event};
use crate::draw::draw;
use crate::support::failure::Failure;
use crate::support::program;

/// Events that are taken before the next frame is drawn.
const BATCH: usize = 256;

/// Whether there is one.
pub(crate) fn check() -> Result<(), Failure> {
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Failure::new("a terminal is needed").hint("--sync and --list work without one"))
}

/// Shows the client until the user quits.
pub(crate) async fn run(
    mut app: App,
    actions: &UnboundedSender<Action>,
    events: &mut UnboundedReceiver<Event>,
) -> Result<(), Failure> {
    let failed = |e: io::Error| Failure::new(format!("the terminal can't be used: {e}"));
    let mut terminal = ratatui::try_init().map_err(failed)?;
    // A terminal that knows no pasting sends what is pasted as keys.
    _ = execute!(io::stdout(), EnableBracketedPaste);
    let shown = show(&mut app, &mut terminal, actions, events).await;
    _ = execute!(io::stdout(), DisableBracketedPaste);
    ratatui::restore();
    shown.map_err(failed)
}

async fn show(
    app: &mut App,
    terminal: &mut DefaultTerminal,
    actions: &UnboundedSender<Action>,
    events: &mut UnboundedReceiver<Event>,
) -> io::Result<()> {
    let mut input = input();
    let mut end = std::pin::pin!(program::end(None));
    let mut waiting = Vec::new();
    for action in App::start() {
        _ = actions.send(action);
    }
    loop {
        terminal.draw(|frame| draw(app, frame))?;
        waiting.clear();
        tokio::select! {
            read = input.recv() => match read {
                Some(read) => waiting.extend(read?),
                None => return Ok(()),
            },
            _ = events.recv_many(&mut waiting, BATCH) => {}
            () = &mut end => return Ok(()),
        }
        for event in waiting.drain(..) {
            for action in app.handle(event) {
                if action == Action::Quit {
                    return Ok(());
                }
                _ = actions.send(action);
            }
        }
    }
}

/// What is typed, read on a thread of its own; `None` for what needs a new frame and no more.
fn input() -> UnboundedReceiver<io::Result<Option<Event>>> {
    let (sender, receiver) = unbounded_channel();
    thread::spawn(move || {
        loop {
            let event = read().map(|input| match input {
                Input::Key(key) => Some(Event::Key(key)),
                Input::Paste(text) => Some(Event::Paste(text)),
                _ => None,
            });
            let is_over = event.is_err();
            if sender.send(event).is_err() || is_over {
                return;
            }
        }
    });
    receiver
}
