//! What a program wants to know of messages that arrive, and what tells messages apart.
//!
//! In: UIDs of messages that have arrived; a mailbox. Out: the same with what was fetched of them.
//! A message that the server lists and does not show is withheld, so that no cursor passes it; one
//! that it refuses to send is reported without what was asked for.

use super::change::ChangeKind;
use super::ledger::Sample;
use crate::client::{Mailbox, Token};
use crate::command::{Fetch, Items};
use crate::error::Result;
use crate::types::{Flags, MailboxState, Message, Uid, UidSet, UidValidity};

/// How many messages are fetched at once.
const AT_ONCE: usize = 32;
/// How many bytes of them, as far as the server says their sizes; a larger one is fetched alone.
const BYTES_AT_ONCE: u64 = 4 * 1024 * 1024;
/// How many messages a mailbox is recognised by.
const SAMPLE: usize = 3;

/// Messages that have arrived and were not reported yet.
#[derive(Debug)]
pub(super) struct Arrivals {
    items: Option<Items>,
    waiting: Vec<(Uid, Option<Flags>)>,
    /// The sizes of those that wait, if they have been asked for.
    sizes: Option<Vec<(Uid, u64)>>,
    /// Messages that are there, and of which the server has sent nothing.
    withheld: UidSet,
}

impl Arrivals {
    pub(super) fn new(items: Option<Items>) -> Self {
        Self { items, waiting: Vec::new(), sizes: None, withheld: UidSet::new() }
    }

    pub(super) fn push(&mut self, uid: Uid, flags: Option<Flags>) {
        self.waiting.push((uid, flags));
        self.sizes = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= AT_ONCE
    }

    /// How many of those that wait are fetched now.
    async fn next(&mut self, mailbox: &Mailbox) -> Result<usize> {
        let all = self.waiting.len();
        if all < 2 || !self.items.as_ref().is_some_and(|items| items.may_be_large()) {
            return Ok(all);
        }
        if self.sizes.is_none() {
            let uids: UidSet = self.waiting.iter().map(|(uid, _)| *uid).collect();
            let rows = match mailbox.fetch(uids, Items::new().size()).await {
                Ok(rows) => rows,
                Err(error) if error.refuses_messages() => return Ok(1),
                Err(error) => return Err(error),
            };
            let sizes = rows.iter().filter_map(|row| Some((row.uid()?, row.size()?)));
            self.sizes = Some(sizes.collect());
        }
        let sizes = self.sizes.as_deref().unwrap_or_default();
        let size = |uid| sizes.iter().find(|(of, _)| *of == uid).map_or(0, |(_, size)| *size);
        let mut bytes = 0_u64;
        let fits = |(uid, _): &&(Uid, _)| {
            bytes = bytes.saturating_add(size(*uid));
            bytes <= BYTES_AT_ONCE
        };
        Ok(self.waiting.iter().take_while(fits).count().max(1))
    }

    /// Some of those that wait, with what is wanted of them: as many as memory may hold.
    pub(super) async fn take(&mut self, mailbox: &Mailbox) -> Result<Vec<ChangeKind>> {
        let next = self.next(mailbox).await?;
        let waiting: Vec<_> = self.waiting.drain(..next).collect();
        let Some(items) = &self.items else {
            let kind = |(uid, flags)| ChangeKind::Arrived { uid, flags, message: None };
            return Ok(waiting.into_iter().map(kind).collect());
        };
        let uids: UidSet = waiting.iter().map(|(uid, _)| *uid).collect();
        let (mut rows, refused) = match mailbox.fetch(uids, items.clone()).await {
            Ok(rows) => (rows, UidSet::new()),
            Err(error) if error.refuses_messages() => one_by_one(mailbox, items, &waiting).await?,
            Err(error) => return Err(error),
        };
        let there = mailbox.snapshot().uids();
        let mut arrived = Vec::new();
        for (uid, flags) in waiting {
            if let Some(at) = rows.iter().position(|row| row.uid() == Some(uid)) {
                let message = rows.swap_remove(at);
                let flags = message.flags().cloned().or(flags);
                arrived.push(ChangeKind::Arrived { uid, flags, message: Some(Box::new(message)) });
            } else if refused.contains(uid) {
                arrived.push(ChangeKind::Arrived { uid, flags, message: None });
            } else if there.contains(uid) {
                self.withheld.insert(uid);
            }
        }
        Ok(arrived)
    }

    /// The state as it has been reported; and whether that is all of it.
    pub(super) fn without_withheld(&self, mut state: MailboxState) -> (MailboxState, bool) {
        let withheld = self.withheld.intersection(&state.uids);
        if withheld.is_empty() {
            return (state, true);
        }
        state.uids = state.uids.difference(&withheld);
        for (_, uids) in &mut state.flags {
            *uids = uids.difference(&withheld);
        }
        state.flags.retain(|(_, uids)| !uids.is_empty());
        (state, false)
    }
}

/// The rows of those that the server can send, and those that it refuses: one damaged message keeps
/// back no others.
async fn one_by_one(
    mailbox: &Mailbox,
    items: &Items,
    waiting: &[(Uid, Option<Flags>)],
) -> Result<(Vec<Message>, UidSet)> {
    let asked: Vec<_> = waiting.iter().map(|(uid, _)| (*uid, mailbox.fetch(*uid, items.clone()))).collect();
    let (mut rows, mut refused) = (Vec::new(), UidSet::new());
    for (uid, asked) in asked {
        match asked.await {
            Ok(found) => rows.extend(found),
            Err(error) if error.refuses_messages() => {
                refused.insert(uid);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((rows, refused))
}

/// Asks for messages by which this mailbox is recognised, unless those of before are there.
pub(super) fn read_sample(known: &Sample, uids: &UidSet, mailbox: &Mailbox) -> Option<Token<Fetch>> {
    let wanted = SAMPLE.min(usize::try_from(uids.len()).unwrap_or(SAMPLE));
    if known.len() >= wanted && known.iter().all(|(uid, _)| uids.contains(*uid)) {
        return None;
    }
    let newest: UidSet = uids.ranges().rev().flat_map(|range| newest_of(&range)).take(SAMPLE).collect();
    Some(mailbox.fetch(newest, sample_items()))
}

fn newest_of(range: &std::ops::RangeInclusive<Uid>) -> impl Iterator<Item = Uid> + use<> {
    let (first, last) = (range.start().get(), range.end().get());
    (first.max(last.saturating_sub(2))..=last).rev().filter_map(Uid::new)
}

pub(super) fn sample_items() -> Items {
    Items::new().size().internal_date()
}

/// Each message with a text that tells it from others.
pub(super) fn sample_of(rows: &[Message]) -> Sample {
    let mut sample: Sample = rows
        .iter()
        .filter_map(|row| Some((row.uid()?, format!("{} {}", row.size()?, row.internal_date()?))))
        .collect();
    sample.sort_unstable();
    sample
}

/// What the view knows of the flags of a message.
pub(super) fn known_flags(mailbox: &Mailbox, uid: Uid) -> Option<Flags> {
    let snapshot = mailbox.snapshot();
    snapshot.flags(snapshot.seq(uid)?)
}

/// What a mailbox has at the first look.
pub(super) fn first_state(mailbox: &Mailbox, uid_validity: UidValidity) -> MailboxState {
    mailbox.state().unwrap_or_else(|| {
        // Something is on its way: without a mod-sequence all is compared.
        let snapshot = mailbox.snapshot();
        let mut state = MailboxState::new(uid_validity);
        (state.uids, state.flags) = (snapshot.uids(), snapshot.flag_groups());
        state
    })
}

/// Messages of which no flags are known: an earlier run may have ended before it had read them.
pub(super) fn without_flags(state: &MailboxState) -> UidSet {
    state.flags.iter().fold(state.uids.clone(), |rest, (_, uids)| rest.difference(uids))
}
