//! The standard output, line by line: as JSON for programs or as text for people.
//!
//! Each line is flushed, for a pipe's reader waits for it. Writing waits without blocking the task,
//! so that an interrupt is noticed even while a reader is slow.

use std::io;

use imap_duplex::types::{Answer, Event, EventKind, Status};
use tokio::io::{AsyncWriteExt, Stdout, stdout};

use super::table;

pub(crate) struct Output {
    stdout: Stdout,
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { stdout: stdout(), json }
    }

    /// One line for one event; none for people if it is routine.
    pub(crate) async fn event(&mut self, event: &Event) -> io::Result<()> {
        match self.json {
            true => self.lines(&serde_json::to_string(event)?).await,
            false if is_routine(event) => Ok(()),
            false => self.lines(&line(event)).await,
        }
    }

    /// Text that needs no line's end.
    pub(crate) async fn lines(&mut self, text: &str) -> io::Result<()> {
        self.stdout.write_all(format!("{text}\n").as_bytes()).await?;
        self.stdout.flush().await
    }
}

/// An event for people: if a message's envelope was received, it stands for the message.
fn line(event: &Event) -> String {
    if let EventKind::Data(Answer::Fetch(row)) = &event.kind
        && let (Some(uid), Some(envelope)) = (row.uid(), row.envelope())
    {
        let mailbox = event.mailbox().map_or("?", |name| name.as_str()).escape_debug().to_string();
        return format!("{mailbox}: uid {uid} is {}", table::heading(envelope));
    }
    event.to_string()
}

/// Not shown to people: the ends of our own commands, whose results they see, and server texts for
/// programs.
fn is_routine(event: &Event) -> bool {
    match &event.kind {
        EventKind::Completed { detached, .. } => !detached,
        // Shown as a change of flags, if it is one.
        EventKind::Data(Answer::Fetch(row)) => row.envelope().is_none() && row.sections().is_empty(),
        EventKind::Notice(notice) => notice.status == Status::Ok && notice.code.is_some(),
        _ => false,
    }
}
