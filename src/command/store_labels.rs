//! Gmail's labels: `STORE … X-GM-LABELS` (X-GM-EXT-1).

use super::messages::{Match, MessageChunks};
use super::store_unchanged::condition;
use super::{
    Claim, Class, Command, Flow, Line, Messages, Report, ResponseKinds, Session, StoreUnchanged, Streaming,
};
use crate::command::fetch::{join_rows, row_of};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, Flag, MailboxName, Message, ModSeq, Untagged};

/// A change of Gmail's labels, and the messages that it is for. Needs X-GM-EXT-1.
///
/// Labels are names of Gmail's mailboxes; those of Gmail's own begin with a backslash:
/// `\\Important`, `\\Inbox`. Taking `\\Inbox` off a message in INBOX removes it from there.
///
/// ```
/// use imap_duplex::command::StoreLabels;
/// let filed = StoreLabels::add(["Receipts", "\\\\Important"]);
/// # let _ = filed;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct StoreLabels {
    which: Messages,
    action: &'static str,
    labels: Vec<String>,
    silent: bool,
    /// On the condition that the messages have not changed since then.
    unchanged_since: Option<ModSeq>,
    pieces: MessageChunks,
}

impl StoreLabels {
    fn new<S: Into<String>>(action: &'static str, labels: impl IntoIterator<Item = S>) -> Self {
        Self {
            which: Messages::default(),
            action,
            labels: labels.into_iter().map(Into::into).collect(),
            silent: false,
            unchanged_since: None,
            pieces: MessageChunks::default(),
        }
    }

    /// Adds these labels to those that each message has.
    ///
    /// ```no_run
    /// # use imap_duplex::command::StoreLabels;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store_labels(inbox.newest(1), StoreLabels::add(["Receipts"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::new("+X-GM-LABELS", labels)
    }

    /// Takes these labels off.
    ///
    /// ```no_run
    /// # use imap_duplex::command::StoreLabels;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store_labels(inbox.newest(1), StoreLabels::remove(["Receipts"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn remove<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::new("-X-GM-LABELS", labels)
    }

    /// Leaves each message with just these labels.
    ///
    /// ```no_run
    /// # use imap_duplex::command::StoreLabels;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// inbox.store_labels(inbox.newest(1), StoreLabels::replace(["Receipts"])).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::new("X-GM-LABELS", labels)
    }

    /// Asks the server not to answer with the new labels.
    pub fn silent(mut self) -> Self {
        self.silent = true;
        self
    }

    /// Only of those messages that have not changed since this mod-sequence (RFC 7162 section
    /// 3.1.3); needs CONDSTORE. The others are named in the result. The messages are named by UID.
    ///
    /// ```no_run
    /// # use imap_duplex::{command::StoreLabels, types::{ModSeq, Uid}};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uid: Uid, seen: ModSeq) -> imap_duplex::Result<()> {
    /// let stored = inbox.submit(StoreLabels::add(["Receipts"]).of(uid).unchanged_since(seen)).await?;
    /// println!("{} have changed meanwhile", stored.modified);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "UNCHANGEDSINCE")]
    pub fn unchanged_since(mut self, mod_seq: ModSeq) -> StoreUnchanged<Self> {
        self.unchanged_since = Some(mod_seq);
        StoreUnchanged::new(self)
    }

    /// The same, with a result that lists which of the messages are not there: they are searched
    /// for in the same round trip. The messages are named by UID.
    ///
    /// ```no_run
    /// # use imap_duplex::{UidSet, command::StoreLabels};
    /// # async fn example(inbox: &imap_duplex::Mailbox, uids: UidSet) -> imap_duplex::Result<()> {
    /// let stored = inbox.submit(StoreLabels::add(["Receipts"]).of(&uids).report()).await?;
    /// println!("of {uids} there are no {}", stored.absent);
    /// # Ok(())
    /// # }
    /// ```
    pub fn report(self) -> Report<Self> {
        Report::new(self)
    }

    /// For these messages. ([`Mailbox::store_labels`](crate::Mailbox::store_labels) sets them by
    /// itself.)
    pub fn of(mut self, which: impl Into<Messages>) -> Self {
        self.which = which.into();
        self
    }
}

impl Command for StoreLabels {
    type Item = Message;
    type Output = Vec<Message>;

    fn name(&self) -> &str {
        "STORE"
    }

    fn class(&self) -> Class {
        let class = Class::change().answered_by_kinds(ResponseKinds::FETCH).about_messages();
        class.changing_messages().uid_form().ours()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Some(&mut self.which)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("X-GM-EXT-1") {
            return Err(Error::unsupported("the server has no labels (X-GM-EXT-1)"));
        }
        let (piece, flow) = self.pieces.next(&self.which, session);
        line.command("STORE", &piece);
        condition(line, self.unchanged_since);
        line.word(&format!("{}{}", self.action, if self.silent { ".SILENT" } else { "" })).open();
        for label in &self.labels {
            match label.strip_prefix('\\') {
                Some(_) => line.flag(&Flag::new(label)),
                None => line.mailbox(&MailboxName::exact(label)),
            };
        }
        line.close();
        Ok(flow)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let Answer::Fetch(row) = response.answer() else { return Claim::No };
        let alone = row.extra_items().eq(["X-GM-LABELS"]) && row.is_extension_alone();
        match self.pieces.matches(&self.which, row) {
            _ if self.silent || !alone => Claim::No,
            Match::Surely => Claim::Whole,
            Match::Perhaps if matches!(self.which, Messages::Saved(_)) => Claim::Part,
            _ => Claim::No,
        }
    }

    fn line_ended(&mut self, at: usize) {
        self.pieces.line_ended(at);
    }

    fn item(response: Untagged) -> Option<Message> {
        row_of(response)
    }

    fn finish(self, _: Done, items: Vec<Message>) -> Result<Vec<Message>> {
        Ok(join_rows(items))
    }
}

impl Streaming for StoreLabels {}
