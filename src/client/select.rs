//! SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3). Here rather than among the other commands because
//! what it gives is a [`Mailbox`], a handle of this layer.

use std::fmt;
use std::sync::Arc;

use super::{Handle, Mailbox};
use crate::command::{Claim, Class, Command, Effect, Flow, Hears, Line, Session};
use crate::engine::Seat;
use crate::error::{Error, Result};
use crate::types::{Answer, Code, Done, MailboxName, Status, Untagged};

/// Which mailbox to select, and how.
///
/// ```
/// use imap_duplex::Select;
/// let archive = Select::new("Archive").read_only();
/// # let _ = archive;
/// ```
#[must_use]
pub struct Select {
    mailbox: MailboxName,
    read_only: bool,
    /// The selection that it makes, once submitted.
    seat: Option<(Arc<Handle>, Arc<Seat>)>,
}

impl Select {
    /// This mailbox, for reading and writing.
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self { mailbox: mailbox.into(), read_only: false, seat: None }
    }

    /// For reading alone: `EXAMINE`.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Makes the selection that it will open.
    pub(super) fn bind(&mut self, handle: &Arc<Handle>) -> Arc<Seat> {
        let seat = handle.shared.seat(self.mailbox.clone());
        self.seat = Some((handle.clone(), seat.clone()));
        seat
    }
}

impl fmt::Debug for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Select").field("mailbox", &self.mailbox).field("read_only", &self.read_only).finish()
    }
}

impl<T: Into<MailboxName>> From<T> for Select {
    fn from(mailbox: T) -> Self {
        Self::new(mailbox)
    }
}

impl Command for Select {
    type Item = ();
    type Output = Mailbox;

    fn name(&self) -> &str {
        if self.read_only { "EXAMINE" } else { "SELECT" }
    }

    fn class(&self) -> Class {
        let effect = Effect::Select { read_only: self.read_only };
        Class::query().hearing(Hears::SELECT).with_effect(effect)
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.word(self.name()).mailbox(&self.mailbox);
        Ok(Flow::Last)
    }

    fn claims(&self, heard: &Untagged) -> Claim {
        let mine = match heard.answer() {
            Answer::Flags(_) | Answer::Exists(_) | Answer::Recent(_) => true,
            // IMAP4rev2 tells the name of the mailbox (RFC 9051 section 6.3.2).
            Answer::List(entry) => entry.name == self.mailbox,
            // Whatever is told of the mailbox by a code, those of extensions among them.
            Answer::Status(status) => {
                let elsewhere = matches!(status.code, Some(Code::Alert | Code::Capability(_) | Code::Closed));
                status.status == Status::Ok && status.code.is_some() && !elsewhere
            }
            _ => false,
        };
        if mine { Claim::Whole } else { Claim::No }
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<Mailbox> {
        let (handle, seat) =
            self.seat.ok_or_else(|| Error::invalid("SELECT was not submitted by a Sender"))?;
        Ok(Mailbox::new(handle, seat))
    }
}
