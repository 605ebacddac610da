//! Which connection serves whom: the decisions of the pool, without I/O.
//!
//! ```text
//!   wish ──> an idle connection ── one that has the mailbox selected, else one without a mailbox, else any ──> leased
//!        ├─> none idle, fewer than the limit ──> dial ──> leased by whoever waits first
//!        └─> else waits, in order                                │
//!   idle <── what was submitted through the lease is done <── guard dropped
//!     └── keep_idle passes ──> closed
//! ```
//!
//! In: wishes, connections that come and go, leases that end. Out: who gets which connection, how
//! many to dial, which to close.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::types::MailboxName;

/// How long an account makes do with as many connections as the server has let it have: others of
/// the user's programs may have ended since.
const LIMIT_HOLDS: Duration = Duration::from_secs(30 * 60);

/// A connection of the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ConnectionId(pub(super) u64);

/// Somebody who waits for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct WishId(pub(super) u64);

#[derive(Debug)]
struct Wish {
    id: WishId,
    /// The mailbox in which it is to work.
    mailbox: Option<MailboxName>,
}

#[derive(Debug)]
enum Slot {
    Idle { selected: Option<MailboxName>, since: Instant },
    Leased,
}

#[derive(Debug)]
pub(super) struct Pool {
    max: usize,
    /// The server has refused more connections than this, which holds until then.
    limit: Option<(usize, Instant)>,
    keep_idle: Duration,
    /// In the order of their numbers. They are few, and a map has room for many from the start.
    slots: Vec<(ConnectionId, Slot)>,
    waiting: VecDeque<Wish>,
    /// Connections that are being made.
    dialling: usize,
}

impl Pool {
    pub(super) fn new(max: usize, keep_idle: Duration) -> Self {
        let (slots, waiting) = (Vec::new(), VecDeque::new());
        Self { max: max.max(1), limit: None, keep_idle, slots, waiting, dialling: 0 }
    }

    fn slot(&mut self, id: ConnectionId) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|(other, _)| *other == id).map(|(_, slot)| slot)
    }

    /// Most of the time no one waits: then no room is kept for it.
    fn give_back(&mut self) {
        if self.waiting.is_empty() {
            self.waiting.shrink_to_fit();
        }
    }

    /// How many connections there are at most.
    pub(super) fn max(&self) -> usize {
        self.limit.map_or(self.max, |(limit, _)| limit.min(self.max))
    }

    /// The server has refused one connection more than there are.
    pub(super) fn on_limit(&mut self, now: Instant) {
        if !self.slots.is_empty() {
            self.limit = Some((self.slots.len(), now + LIMIT_HOLDS));
        }
    }

    /// A limit of the server is tried again after a while.
    pub(super) fn forget_limit(&mut self, now: Instant) {
        self.limit = self.limit.filter(|(_, until)| *until > now);
    }

    pub(super) fn leased(&self) -> usize {
        self.slots.iter().filter(|(_, slot)| matches!(slot, Slot::Leased)).count()
    }

    pub(super) fn is_waited_for(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn is_dialling(&self) -> bool {
        self.dialling > 0
    }

    /// Somebody waits for a connection, in which this mailbox is selected.
    pub(super) fn wish(&mut self, id: WishId, mailbox: Option<MailboxName>) {
        self.waiting.push_back(Wish { id, mailbox });
    }

    /// The same, before all others: its connection was lost before it could be used.
    pub(super) fn wish_again(&mut self, id: WishId, mailbox: Option<MailboxName>) {
        self.waiting.push_front(Wish { id, mailbox });
    }

    /// Whoever waited has gone.
    pub(super) fn withdraw(&mut self, id: WishId) {
        self.waiting.retain(|wish| wish.id != id);
        self.give_back();
    }

    /// All that wait, who are to be refused.
    pub(super) fn take_waiting(&mut self) -> Vec<WishId> {
        std::mem::take(&mut self.waiting).into_iter().map(|wish| wish.id).collect()
    }

    /// How many connections are to be dialled now, if so many may be made at the same time; they
    /// count as being made from then on.
    pub(super) fn take_dials(&mut self, at_once: usize) -> usize {
        let room = self.max().saturating_sub(self.slots.len() + self.dialling);
        let room = room.min(at_once.saturating_sub(self.dialling));
        let more = self.waiting.len().saturating_sub(self.dialling).min(room);
        self.dialling += more;
        more
    }

    /// Whether one more connection would be dialled.
    pub(super) fn wants_more(&self) -> bool {
        self.waiting.len() > self.dialling && self.slots.len() + self.dialling < self.max()
    }

    pub(super) fn on_dialled(&mut self, connection: Option<ConnectionId>, now: Instant) {
        self.dialling = self.dialling.saturating_sub(1);
        if let Some(id) = connection {
            self.slots.reserve_exact(1);
            self.slots.push((id, Slot::Idle { selected: None, since: now }));
        }
    }

    /// A connection has ended.
    pub(super) fn on_lost(&mut self, id: ConnectionId) {
        self.slots.retain(|(other, _)| *other != id);
    }

    /// A lease has ended, and all that was submitted through it; this mailbox is selected.
    pub(super) fn on_returned(&mut self, id: ConnectionId, selected: Option<MailboxName>, now: Instant) {
        if let Some(slot) = self.slot(id) {
            *slot = Slot::Idle { selected, since: now };
        }
    }

    /// Who waits first, and the connection that is leased by that.
    pub(super) fn next_lease(&mut self) -> Option<(WishId, ConnectionId)> {
        let mailbox = self.waiting.front()?.mailbox.as_ref();
        // Of equals the one that was used last, so that the others can be closed.
        let (_, _, id) = self
            .slots
            .iter()
            .filter_map(|(id, slot)| match slot {
                Slot::Leased => None,
                Slot::Idle { selected, since } => Some((fit(selected.as_ref(), mailbox), *since, *id)),
            })
            .max()?;
        let wish = self.waiting.pop_front()?;
        self.give_back();
        *self.slot(id)? = Slot::Leased;
        Some((wish.id, id))
    }

    /// Connections that were idle for too long: they are to be closed. `all`: the account ends.
    pub(super) fn take_expired(&mut self, now: Instant, all: bool) -> Vec<ConnectionId> {
        let due = |slot: &Slot| match slot {
            Slot::Leased => false,
            Slot::Idle { since, .. } => all || now.duration_since(*since) >= self.keep_idle,
        };
        let ids: Vec<_> = self.slots.iter().filter(|(_, slot)| due(slot)).map(|(id, _)| *id).collect();
        self.slots.retain(|(id, _)| !ids.contains(id));
        ids
    }

    /// When the next connection will have been idle for too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let since = self.slots.iter().filter_map(|(_, slot)| match slot {
            Slot::Leased => None,
            Slot::Idle { since, .. } => Some(*since),
        });
        let idle = since.min().map(|since| since + self.keep_idle);
        idle.into_iter().chain(self.limit.map(|(_, until)| until)).min()
    }
}

/// How well an idle connection fits: the same mailbox costs nothing, none costs one SELECT, and
/// another one loses what is known of it.
fn fit(selected: Option<&MailboxName>, wanted: Option<&MailboxName>) -> u8 {
    match (selected, wanted) {
        (Some(selected), Some(wanted)) if selected == wanted => 2,
        (None, _) => 1,
        (Some(_), _) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Option<MailboxName> {
        Some(name.into())
    }

    /// A pool with this many idle connections.
    fn pool(max: usize, idle: &[Option<&str>]) -> (Pool, Instant) {
        let (mut pool, now) = (Pool::new(max, Duration::from_secs(300)), Instant::now());
        for (at, selected) in idle.iter().enumerate() {
            let id = ConnectionId(at as u64);
            pool.on_dialled(Some(id), now);
            pool.on_returned(id, selected.map(MailboxName::from), now);
        }
        (pool, now)
    }

    #[test]
    fn the_connection_that_has_the_mailbox_is_taken_first() {
        let rows = [
            (&[None, Some("INBOX"), Some("Sent")][..], name("INBOX"), Some(1)),
            (&[Some("Sent"), None], name("INBOX"), Some(1)),
            (&[Some("Sent")], name("INBOX"), Some(0)),
            (&[Some("Sent"), None], None, Some(1)),
            (&[], name("INBOX"), None),
        ];
        for (idle, wanted, expected) in rows {
            let (mut pool, _) = pool(3, idle);
            pool.wish(WishId(7), wanted.clone());
            let lease = pool.next_lease();
            assert_eq!(lease, expected.map(|id| (WishId(7), ConnectionId(id))), "{idle:?} {wanted:?}");
        }
    }

    #[test]
    fn no_more_is_dialled_than_is_wanted_and_allowed() {
        let (mut pool, now) = pool(3, &[]);
        assert_eq!(pool.take_dials(9), 0, "nothing is wanted");
        for id in 0..5 {
            pool.wish(WishId(id), name("INBOX"));
        }
        assert_eq!((pool.take_dials(1), pool.take_dials(9), pool.take_dials(9)), (1, 2, 0));
        pool.on_dialled(Some(ConnectionId(0)), now);
        assert_eq!(pool.next_lease(), Some((WishId(0), ConnectionId(0))));
        pool.on_dialled(None, now);
        assert!(pool.wants_more(), "a dial has failed");
        assert_eq!(pool.take_dials(9), 1);
        pool.on_lost(ConnectionId(0));
        assert_eq!(pool.take_dials(9), 1, "a connection was lost");
    }

    #[test]
    fn a_limit_of_the_server_holds_for_a_while() {
        let (mut pool, now) = pool(3, &[None]);
        pool.on_limit(now);
        (0..3).for_each(|id| pool.wish(WishId(id), None));
        assert_eq!((pool.max(), pool.take_dials(9), pool.wants_more()), (1, 0, false));
        assert_eq!(pool.next_lease(), Some((WishId(0), ConnectionId(0))));
        let later = pool.deadline().expect("it is tried again");
        pool.forget_limit(later);
        assert_eq!((pool.max(), pool.take_dials(9), pool.deadline()), (3, 2, None));
        // Without a connection nothing says how many are too many.
        pool.on_lost(ConnectionId(0));
        pool.on_limit(now);
        assert_eq!(pool.max(), 3);
    }

    #[test]
    fn who_waits_is_served_in_order_and_may_leave() {
        let (mut pool, now) = pool(1, &[Some("INBOX")]);
        for id in 0..4 {
            pool.wish(WishId(id), name("INBOX"));
        }
        pool.withdraw(WishId(1));
        assert_eq!(pool.next_lease(), Some((WishId(0), ConnectionId(0))));
        assert_eq!(pool.next_lease(), None);
        pool.on_returned(ConnectionId(0), name("INBOX"), now);
        pool.wish_again(WishId(9), None);
        assert_eq!(pool.next_lease(), Some((WishId(9), ConnectionId(0))));
        pool.on_returned(ConnectionId(0), None, now);
        assert_eq!(pool.next_lease(), Some((WishId(2), ConnectionId(0))));
        assert_eq!(pool.take_waiting(), [WishId(3)]);
    }

    #[test]
    fn idle_connections_are_closed_in_time_and_leased_ones_never() {
        let (mut pool, now) = pool(3, &[Some("INBOX"), None]);
        pool.wish(WishId(0), name("INBOX"));
        pool.next_lease();
        let later = now + Duration::from_secs(300);
        assert_eq!(pool.deadline(), Some(later));
        assert_eq!(pool.take_expired(now, false), []);
        assert_eq!(pool.take_expired(later, false), [ConnectionId(1)]);
        assert_eq!((pool.leased(), pool.deadline()), (1, None));
        pool.on_returned(ConnectionId(0), None, later);
        assert_eq!(pool.take_expired(later, true), [ConnectionId(0)]);
    }
}
