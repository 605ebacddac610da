//! SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3). Here rather than among the other
//! commands because what it gives is a [`Mailbox`], a handle of this layer.

use std::fmt;
use std::sync::Arc;

use super::submit::{Prepare, Prepared};
use super::{Mailbox, Sender, Submit};
use crate::command::{Claim, Class, Command, Effect, Flow, Line, ResponseKinds, SelectParams, Session};
use crate::engine::{SelectOptions, SelectionHandle};
use crate::error::{Error, Result};
use crate::types::{
    Answer, Code, Done, MailboxName, MailboxProperties, MailboxState, Status, Untagged, ViewSync,
};

/// Which mailbox to select, and how.
///
/// ```
/// use imap_duplex::Select;
/// let archive = Select::new("Archive").read_only();
/// # let _ = archive;
/// ```
#[derive(Clone)]
#[must_use]
pub struct Select {
    mailbox: MailboxName,
    read_only: bool,
    view_sync: Option<ViewSync>,
    resume: Option<MailboxState>,
    condstore: bool,
    annotations: bool,
}

impl Select {
    /// This mailbox, for reading and writing.
    ///
    /// ```no_run
    /// # use imap_duplex::Select;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let inbox = imap.select(Select::new("INBOX")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mailbox: impl Into<MailboxName>) -> Self {
        Self {
            mailbox: mailbox.into(),
            read_only: false,
            view_sync: None,
            resume: None,
            condstore: false,
            annotations: false,
        }
    }

    /// The mailbox.
    #[cfg(feature = "account")]
    pub(crate) fn mailbox(&self) -> &MailboxName {
        &self.mailbox
    }

    /// Whether a selection that this has made is as good as a new one by `other`.
    #[cfg(feature = "account")]
    pub(crate) fn serves(&self, other: &Self) -> bool {
        let of = |one: &Self| (one.read_only, one.view_sync, one.annotations);
        let is_same = |a: &Self, b: &Self| of(a) == of(b);
        self.mailbox == other.mailbox && other.resume.is_none() && is_same(self, other)
    }

    /// The same without the state from which it resumes.
    #[cfg(feature = "account")]
    pub(crate) fn without_state(self) -> Self {
        Self { resume: None, ..self }
    }

    /// For reading alone: `EXAMINE`.
    ///
    /// ```no_run
    /// # use imap_duplex::Select;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let archive = imap.select(Select::new("Archive").read_only()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// How much of its messages the client fetches by itself; by default as
    /// [`Config::view_sync`](crate::Config::view_sync) says.
    ///
    /// ```no_run
    /// # use imap_duplex::{Select, types::ViewSync};
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let inbox = imap.select(Select::new("INBOX").view_sync(ViewSync::Flags)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn view_sync(mut self, view_sync: ViewSync) -> Self {
        self.view_sync = Some(view_sync);
        self
    }

    /// With mod-sequences, on a server that keeps them only of mailboxes for which someone has
    /// asked (RFC 7162 section 3.1.8): the parameter `CONDSTORE`. Needs CONDSTORE; not needed where
    /// CONDSTORE or QRESYNC is enabled, as QRESYNC is [by default](crate::Config::enable), nor with
    /// [`resume`](Select::resume).
    ///
    /// ```no_run
    /// # use imap_duplex::Select;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let inbox = imap.select(Select::new("INBOX").condstore()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "CONDSTORE")]
    pub fn condstore(mut self) -> Self {
        self.condstore = true;
        self
    }

    /// Has the server report which annotations of messages others change: the parameter `ANNOTATE`
    /// (RFC 5257 section 4.2). Each report is a row with the names, in an event
    /// [`Data`](crate::types::EventKind::Data). Needs ANNOTATE-EXPERIMENT-1.
    ///
    /// ```no_run
    /// # use imap_duplex::Select;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let inbox = imap.select(Select::new("INBOX").annotations()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "ANNOTATE")]
    pub fn annotations(mut self) -> Self {
        self.annotations = true;
        self
    }

    /// Resumes from an earlier state of this mailbox: events marked
    /// [`while_disconnected`](crate::types::Event::while_disconnected), right after
    /// [`Opened`](crate::types::EventKind::Opened), report which messages have arrived, were
    /// expunged or changed since then. The cost depends on the number of changes.
    ///
    /// Where the server has QRESYNC (RFC 7162), its answer to SELECT has all changes. With
    /// CONDSTORE alone the client fetches the UIDs and compares them, and asks for the flags that
    /// changed since the state's mod-sequence; without either it compares the known flags, too. If
    /// UIDVALIDITY has changed, the state is useless:
    /// [`UidValidityChanged`](crate::types::EventKind::UidValidityChanged) reports that, and
    /// nothing else is reported of the time before. [`Resumed`](crate::types::EventKind::Resumed)
    /// follows the last of the changes; it does not arrive as long as the server refuses to send
    /// them.
    ///
    /// Resuming from the same state again repeats the events; how to store a state so that no
    /// message is missed: [`Mailbox::state`].
    ///
    /// A command that is submitted through the [mailbox](crate::Token::mailbox) before SELECT has
    /// been answered, and names messages by UID, waits for the mailbox's UIDVALIDITY; if that
    /// differs from the state's, the command fails, unsent, with
    /// [`Invalid`](crate::ErrorKind::Invalid).
    ///
    /// What was known can't be compared with nothing: [`ViewSync::Off`] counts as
    /// [`ViewSync::Uids`] here.
    ///
    /// # Errors
    /// The SELECT fails, unsent, if the state holds more messages than
    /// [`Limits::messages`](crate::types::Limits::messages).
    ///
    /// ```no_run
    /// # async fn example(imap: imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// use imap_duplex::Select;
    /// let inbox = imap.select("INBOX").await?;
    /// let state = inbox.state();
    /// imap.select("Archive").await?;
    /// // Some time later, on this connection or another one:
    /// if let Some(state) = state {
    ///     let inbox = imap.select(Select::new("INBOX").resume(state)).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "QRESYNC")]
    pub fn resume(mut self, state: MailboxState) -> Self {
        self.resume = Some(state);
        self
    }
}

#[cfg(any(test, fuzzing))]
impl Select {
    /// The command that is submitted, for who looks at its lines alone.
    pub(crate) fn into_command(self, sender: &Sender) -> SelectCommand {
        self.prepare(sender).command
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

impl Submit for Select {
    type Output = Mailbox;
}

impl Prepare for Select {
    type Command = SelectCommand;
    type Companion = Opens;

    fn prepare(self, sender: &Sender) -> Prepared<SelectCommand, Opens> {
        let options = SelectOptions::new(self.view_sync, self.resume);
        let selection_handle = sender.shared().selection_handle(self.mailbox.clone(), options);
        let opens = Opens { sender: sender.clone(), selection_handle };
        Prepared {
            opens: Some(opens.selection_handle.clone()),
            companion: opens.clone(),
            command: SelectCommand {
                mailbox: self.mailbox,
                read_only: self.read_only,
                condstore: self.condstore,
                annotations: self.annotations,
                others: 0,
                opens,
            },
        }
    }
}

/// The selection that a submitted SELECT opens, and the connection that it is on.
#[derive(Clone)]
pub struct Opens {
    sender: Sender,
    selection_handle: Arc<SelectionHandle>,
}

impl fmt::Debug for Opens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Opens").field(&self.selection_handle.id()).finish()
    }
}

impl Opens {
    pub(super) fn mailbox(&self) -> Mailbox {
        Mailbox::new(self.sender.clone(), self.selection_handle.clone())
    }
}

/// The command that a [`Select`] becomes when it is submitted: only then is there a connection on
/// which it opens a selection.
#[derive(Debug)]
pub struct SelectCommand {
    mailbox: MailboxName,
    read_only: bool,
    condstore: bool,
    annotations: bool,
    /// How many codes of its answer have no name among the properties of the mailbox.
    others: usize,
    opens: Opens,
}

impl SelectCommand {
    fn end_params(&self, line: &mut Line) {
        if self.annotations {
            line.word("ANNOTATE");
        }
        line.close();
    }
}

impl Command for SelectCommand {
    type Item = ();
    type Output = Mailbox;

    fn name(&self) -> &str {
        if self.read_only { "EXAMINE" } else { "SELECT" }
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.mailbox)
    }

    fn class(&self) -> Class {
        let effect = Effect::Select { read_only: self.read_only };
        Class::query().answered_by_kinds(ResponseKinds::SELECT).with_effect(effect)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if self.condstore && !session.can("CONDSTORE") && !session.can("QRESYNC") {
            return Err(Error::unsupported("the server has no CONDSTORE (RFC 7162)"));
        }
        if self.annotations && !session.can("ANNOTATE-EXPERIMENT-1") {
            return Err(Error::unsupported("the server has no ANNOTATE-EXPERIMENT-1 (RFC 5257)"));
        }
        line.word(self.name()).mailbox(&self.mailbox);
        let keeps_mod_seqs = session.is_enabled("QRESYNC") || session.is_enabled("CONDSTORE");
        if let Some(state) =
            self.opens.selection_handle.resume().filter(|_| session.select_params != SelectParams::Refused)
        {
            if state.uids.len() > u64::from(session.messages) {
                let why = format!(
                    "the state to resume from has {} messages, more than Limits::messages allows",
                    state.uids.len()
                );
                return Err(Error::invalid(why));
            }
            if let Some(mod_seq) = state.highest_mod_seq.filter(|_| session.is_enabled("QRESYNC")) {
                // Without a set of known UIDs the server reports new messages as well (RFC 7162
                // section 3.2.5.1).
                line.open_params().word("QRESYNC").open();
                line.number(state.uid_validity.get().into()).number(mod_seq.get()).close();
                self.end_params(line);
            } else if session.can("CONDSTORE") && !keeps_mod_seqs {
                // Some servers keep mod-sequences only of mailboxes for which someone has asked
                // (RFC 7162 section 3.1.8).
                line.open_params().word("CONDSTORE");
                self.end_params(line);
            }
        } else if self.condstore && !keeps_mod_seqs && session.select_params != SelectParams::Refused {
            line.open_params().word("CONDSTORE");
            self.end_params(line);
        }
        // Not by `open_params`: a server that refuses this one has asked for nothing better.
        if self.annotations && !line.has_params() {
            line.open().word("ANNOTATE").close();
        }
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let mine = match response.answer() {
            Answer::Flags(_) | Answer::Exists(_) | Answer::Recent(_) => true,
            // IMAP4rev2 servers send the name of the mailbox (RFC 9051 section 6.3.2).
            Answer::List(entry) => entry.old_name.as_ref().unwrap_or(&entry.name).is_same(&self.mailbox),
            // Every response code about the mailbox, those of extensions among them.
            Answer::Status(status) => {
                let elsewhere = matches!(status.code, Some(Code::Alert | Code::Capability(_) | Code::Closed));
                let has_room = self.others < MailboxProperties::MAX_OTHER;
                let is_kept = |code: &Code| has_room || !MailboxProperties::is_other(code);
                status.status == Status::Ok && status.code.as_ref().is_some_and(is_kept) && !elsewhere
            }
            _ => false,
        };
        if mine { Claim::Whole } else { Claim::No }
    }

    fn received(&mut self, response: &Untagged) {
        if let Answer::Status(status) = response.answer()
            && status.code.as_ref().is_some_and(MailboxProperties::is_other)
        {
            self.others += 1;
        }
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<Mailbox> {
        Ok(self.opens.mailbox())
    }
}
