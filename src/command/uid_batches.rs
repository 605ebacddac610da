//! UIDBATCHES: ranges of UIDs with about equal counts of messages, for commands on many messages
//! (RFC 10022).

use super::{Claim, Class, Command, Flow, Line, PartialRange, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, UidBatches, Untagged};

/// `UIDBATCHES` (RFC 10022): into which ranges of UIDs the mailbox is to be cut, so that each has
/// about so many messages. Needs UIDBATCHES.
///
/// Each server makes ranges of 500 messages or more, and looks at 100,000 messages at once or more.
/// It may refuse smaller ranges ([`Code::TooFew`](crate::types::Code::TooFew)), and what is about
/// more messages ([`Code::TooMany`](crate::types::Code::TooMany)): then a part of the ranges is to
/// be [asked for](BatchUids::only). The ranges hold until many messages have come or gone; it is
/// not to be asked again before.
#[derive(Clone, Debug)]
#[must_use]
pub struct BatchUids {
    size: u32,
    batches: Option<PartialRange>,
}

impl BatchUids {
    /// Ranges of this many messages each. Servers may refuse fewer than 500.
    ///
    /// ```no_run
    /// # use imap_duplex::command::BatchUids;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// for (newest, oldest) in inbox.submit(BatchUids::of(2000)).await?.batches.ranges() {
    ///     println!("{oldest} to {newest}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn of(size: u32) -> Self {
        Self { size, batches: None }
    }

    /// Only these of the ranges, counted from 1 at the one with the newest messages.
    pub fn only(mut self, batches: std::ops::RangeInclusive<u32>) -> Self {
        self.batches = Some(batches.into());
        self
    }
}

impl Command for BatchUids {
    type Item = UidBatches;
    type Output = UidBatches;

    fn name(&self) -> &str {
        "UIDBATCHES"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["UIDBATCHES"]).in_mailbox()
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        if !session.can("UIDBATCHES") {
            return Err(Error::unsupported("the server does not cut mailboxes into ranges (UIDBATCHES)"));
        }
        if self.size == 0 {
            return Err(Error::invalid("a range has at least one message"));
        }
        line.word("UIDBATCHES").number(self.size.into());
        if let Some(batches) = self.batches {
            line.word(&batches.to_string());
        }
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if matches!(response.answer(), Answer::UidBatches(_)) { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<UidBatches> {
        match response.into_answer() {
            Answer::UidBatches(batches) => Some(batches),
            _ => None,
        }
    }

    fn finish(self, _: Done, items: Vec<UidBatches>) -> Result<UidBatches> {
        let mut all = UidBatches::default();
        for more in items {
            more.batches.ranges().for_each(|(first, last)| all.batches.push(first, last));
            all.tag = all.tag.or(more.tag);
        }
        Ok(all)
    }
}
