//! Several messages into one mailbox: MULTIAPPEND (RFC 3502), or on request one APPEND after the
//! other.

use super::{Append, Appended, Class, Command, Flow, Line, Session};
use crate::error::{Error, Result};
use crate::types::{Code, Done, MailboxName, StatusResponse};

/// Messages to be put into one mailbox, in this order.
///
/// With MULTIAPPEND (RFC 3502) it is one command, which stores all of them or none. Without it, it
/// is refused, unsent, unless they may go [one by one](AppendAll::one_by_one): then it is one
/// APPEND after the other, each sent when the one before it has been stored; the first that fails
/// ends it, and those before it stay: [`Error::answers`](crate::Error::answers) has the OK of
/// each of them, with its UID where the server reports it. An empty list, or an empty message in
/// it, is refused, unsent. Any of them may be a [streamed upload](Append#streamed-uploads).
///
/// Where they are sent one by one, [`Token::cancel`](crate::Token::cancel) sends no further one:
/// those that have been sent stay, and the streams of the others are not read.
///
/// ```
/// use imap_duplex::command::{Append, AppendAll};
/// use imap_duplex::types::Flag;
/// let first = Append::new("Subject: one\r\n\r\n1\r\n").flags([Flag::Seen]);
/// let both = AppendAll::new("Archive", [first, Append::new("Subject: two\r\n\r\n2\r\n")]);
/// # let _ = both;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AppendAll {
    to: MailboxName,
    messages: Vec<Append>,
    one_by_one: bool,
    /// How many have been written.
    written: usize,
    /// How many are sent in one line; decided with the first, so that a later change of
    /// capabilities has no effect.
    at_once: usize,
}

impl AppendAll {
    /// These messages into this mailbox, wherever each of them was to go.
    ///
    /// ```no_run
    /// # use imap_duplex::command::AppendAll;
    /// # async fn example(imap: &imap_duplex::Sender) -> imap_duplex::Result<()> {
    /// let messages = ["Subject: one\r\n\r\n1\r\n", "Subject: two\r\n\r\n2\r\n"];
    /// imap.submit(AppendAll::new("Drafts", messages)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new<A: Into<Append>>(to: impl Into<MailboxName>, messages: impl IntoIterator<Item = A>) -> Self {
        Self {
            to: to.into(),
            messages: messages.into_iter().map(Into::into).collect(),
            one_by_one: false,
            written: 0,
            at_once: 1,
        }
    }

    /// Where the server has no MULTIAPPEND, they may be stored one after the other: then a failure
    /// leaves those before it in the mailbox.
    pub fn one_by_one(mut self) -> Self {
        self.one_by_one = true;
        self
    }
}

impl Command for AppendAll {
    type Item = ();
    /// Where each of them was stored, in their order.
    type Output = Vec<Appended>;

    fn name(&self) -> &str {
        "APPEND"
    }

    fn mailbox(&self) -> Option<&MailboxName> {
        Some(&self.to)
    }

    fn class(&self) -> Class {
        let streams = self.messages.iter().any(Append::streams);
        Class { streams, ..Class::change().ours().line_by_line() }
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if self.written == 0 {
            // An empty one would cancel them all (RFC 3502 section 6.3.11).
            if self.messages.iter().any(Append::is_empty) {
                return Err(Error::invalid("one of the messages is empty"));
            }
            if self.messages.is_empty() {
                return Err(Error::invalid("there is no message to append"));
            }
            // Before the first is stored, where they go one by one.
            self.messages.iter().try_for_each(|message| message.check(&self.to, session))?;
            let at_once = session.can("MULTIAPPEND");
            if !at_once && !self.one_by_one && self.messages.len() > 1 {
                return Err(Error::unsupported(
                    "the server can't store several messages at once (MULTIAPPEND); one by one it could",
                ));
            }
            self.at_once = if at_once { self.messages.len() } else { 1 };
        }
        line.word("APPEND").mailbox(&self.to);
        let next = self.messages.iter().skip(self.written).take(self.at_once);
        next.clone().try_for_each(|message| message.write(&self.to, line, session))?;
        self.written += next.len();
        Ok(if self.written < self.messages.len() { Flow::AfterReply } else { Flow::Last })
    }

    fn finish(self, done: Done, _: Vec<()>) -> Result<Vec<Appended>> {
        let Done { status, earlier, .. } = done;
        if earlier.is_empty() {
            return Ok(where_they_went(&status, self.messages.len()));
        }
        Ok(earlier.iter().chain([&status]).flat_map(|one| where_they_went(one, 1)).collect())
    }
}

/// The places of several messages that share one OK: the UIDs are in the order of the messages (RFC
/// 3502, "MULTIAPPEND Interaction with UIDPLUS Extension"), and a mailbox assigns them ascending.
fn where_they_went(status: &StatusResponse, count: usize) -> Vec<Appended> {
    match &status.code {
        Some(Code::AppendUid { uid_validity, uids }) if uids.len() == count as u64 => {
            let appended = |uid| Appended { uid_validity: *uid_validity, uid: Some(uid) };
            uids.iter().map(appended).collect()
        }
        Some(Code::AppendUid { uid_validity, .. }) => {
            vec![Appended { uid_validity: *uid_validity, uid: None }; count]
        }
        _ => vec![Appended::default(); count],
    }
}
