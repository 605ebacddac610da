//! FETCH with a result that lists what is not there: which of the messages are absent, and which
//! have gone since a mod-sequence (RFC 7162 section 3.2.6).

use super::fetch::join_rows;
use super::{Claim, Class, Command, Fetch, Flow, Line, Messages, RowItems, Session};
use crate::error::Result;
use crate::types::{Answer, Done, Message, RangeCollector, UidSet, Untagged};

/// A [`Fetch`] whose result lists the messages that are not there.
#[derive(Clone, Debug)]
#[must_use]
pub struct FetchReport(Fetch);

/// What a [`FetchReport`] gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The messages that are there, or of these the ones that have changed.
    pub messages: Vec<Message>,
    /// The UIDs that were asked for and have no message. Empty where messages were named otherwise
    /// than by UID, up to the last one, or as the part of a set, and where only those that have
    /// changed were asked for.
    pub absent: UidSet,
    /// The UIDs of those that have gone since the mod-sequence, where that was asked for. A server
    /// that does not remember that far names more: all that are not there.
    pub vanished: UidSet,
}

impl FetchReport {
    pub(super) fn new(fetch: Fetch) -> Self {
        Self(fetch)
    }

    /// Reports those that have gone since the mod-sequence of
    /// [`changed_since`](Fetch::changed_since), too. Needs QRESYNC, enabled; the messages are named
    /// by UID.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Fetch, Items};
    /// # use imap_duplex::types::ModSeq;
    /// # async fn example(inbox: &imap_duplex::Mailbox, since: ModSeq) -> imap_duplex::Result<()> {
    /// let fetch = Fetch::new(.., Items::flags()).changed_since(since).report().vanished();
    /// let changes = inbox.submit(fetch).await?;
    /// println!("{} have changed, {} are gone", changes.messages.len(), changes.vanished.len());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "VANISHED")]
    pub fn vanished(mut self) -> Self {
        self.0.vanished = true;
        self
    }
}

impl Command for FetchReport {
    type Item = Untagged;
    type Output = Fetched;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn class(&self) -> Class {
        self.0.class()
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        self.0.messages()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.0.encode(line, session)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        match (response.answer(), self.0.named()) {
            (Answer::Vanished { uids, earlier: true }, which) if self.0.vanished => which.claims(uids),
            _ => self.0.claims(response),
        }
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        self.0.trim(response)
    }

    fn items_of(&self, response: &Untagged) -> RowItems {
        self.0.items_of(response)
    }

    fn line_ended(&mut self, at: usize) {
        self.0.line_ended(at);
    }

    fn received(&mut self, response: &Untagged) {
        self.0.received(response);
    }

    fn item(response: Untagged) -> Option<Untagged> {
        matches!(response.answer(), Answer::Fetch(_) | Answer::Vanished { .. }).then_some(response)
    }

    fn finish(self, _: Done, items: Vec<Untagged>) -> Result<Fetched> {
        let (mut rows, mut vanished) = (Vec::new(), RangeCollector::default());
        for response in items {
            match response.into_answer() {
                Answer::Fetch(row) => rows.push(*row),
                Answer::Vanished { uids, .. } => vanished.add_set(uids),
                _ => {}
            }
        }
        let there: UidSet = rows.iter().filter_map(Message::uid).collect();
        let absent = self.0.named_uids().map(|named| named.difference(&there)).unwrap_or_default();
        Ok(Fetched { messages: join_rows(rows), absent, vanished: vanished.finish() })
    }
}
