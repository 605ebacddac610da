//! UIDBATCHES: ranges of UIDs with about equal counts of messages, for commands on many messages
//! (RFC 10022).

use std::ops::RangeInclusive;

use super::{Claim, Class, Command, Flow, Line, PartialRange, Session};
use crate::error::{Error, Result};
use crate::types::{Answer, Done, UidBatches, Untagged};

/// `UIDBATCHES` (RFC 10022): into which ranges of UIDs the mailbox is to be cut, so that each has
/// about so many messages. Needs UIDBATCHES.
///
/// Ranges have 500 messages or more, and those of 100,000 messages at most may be asked for by
/// number: else it is refused, unsent. All ranges of a larger mailbox a server may refuse
/// ([`Code::TooMany`](crate::types::Code::TooMany)): then some of them are to be
/// [asked for](BatchUids::only). A range never has more messages than were asked for; it may have
/// fewer, and begin or end with UIDs that no message has.
///
/// The ranges are not to be asked for again before half of a range's count of messages has come or
/// gone, or the server may refuse ([`Code::Limit`](crate::types::Code::Limit)).
#[derive(Clone, Debug)]
#[must_use]
pub struct BatchUids {
    size: u32,
    batches: Option<RangeInclusive<u32>>,
}

/// RFC 10022 section 3.1.3.1: what a client is to ask for at least.
const MIN_MESSAGES: u32 = 500;
/// RFC 10022 section 3.1.5: how many messages ranges asked for by number may have.
const MAX_MESSAGES: u64 = 100_000;

impl BatchUids {
    /// Ranges of this many messages each, 500 or more.
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

    /// Only these of the ranges, counted from 1 at the one with the newest messages; of those that
    /// there are not, nothing comes. They have 100,000 messages at most.
    pub fn only(mut self, batches: RangeInclusive<u32>) -> Self {
        self.batches = Some(batches);
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
        if self.size < MIN_MESSAGES {
            let what = format!(
                "a range of {} messages is too small: it has {MIN_MESSAGES} at least (RFC 10022)",
                self.size
            );
            return Err(Error::invalid(what));
        }
        line.word("UIDBATCHES").number(self.size.into());
        if let Some(batches) = &self.batches {
            let count = u64::from(batches.end().abs_diff(*batches.start())) + 1;
            if count.saturating_mul(self.size.into()) > MAX_MESSAGES {
                let what = format!(
                    "{count} ranges of {} messages are too many: ask for {MAX_MESSAGES} messages at most (RFC 10022)",
                    self.size
                );
                return Err(Error::invalid(what));
            }
            line.word(&PartialRange::from(batches.clone()).to_string());
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
