//! Kinds of servers, and of clients: what the model is made of at random.

use proptest::prelude::*;

use crate::types::{Limits, ViewSync};

/// What kind of server it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Kind {
    /// 0: literals wait; 1: LITERAL+; 2: LITERAL-.
    pub(super) literals: u8,
    pub(super) rev2: bool,
    pub(super) esearch: bool,
    pub(super) moves: bool,
    pub(super) uidplus: bool,
    pub(super) idle: bool,
    /// FETCH still answers for expunged messages whose removal the session has not received (RFC
    /// 2180 section 4.1 leaves it to the server).
    pub(super) keeps_ghosts: bool,
    /// Unsolicited rows name the UID.
    pub(super) sends_uids: bool,
    /// It has mod-sequences, and with QRESYNC enabled it reports removals by UID (RFC 7162).
    pub(super) condstore: bool,
    pub(super) qresync: bool,
    /// The second mailbox has no mod-sequences all the same.
    pub(super) nomods: bool,
    /// How much the client's view is to learn by itself, and in how large windows.
    pub(super) view_sync: ViewSync,
    pub(super) window: u32,
    /// How many commands the client may have, and how many events may wait for a reader who is slow
    /// then; 0 for many.
    pub(super) commands: usize,
    pub(super) events: usize,
    pub(super) notify: bool,
    /// Rows of several FETCHes of the same come in any order, and those end in any order.
    pub(super) mixes_rows: bool,
    /// The client's lines are short: a command that names more than a few messages takes several.
    pub(super) short_lines: bool,
    /// A COPY and a MOVE are worked on in any order.
    pub(super) mixes_copies: bool,
    /// It spells names its own way: header fields in capitals and another order; and mailboxes,
    /// whose other spelling it sends as OLDNAME (RFC 9051 section 6.3.9.7).
    pub(super) respells: bool,
    /// It takes IDLE only while a mailbox is selected.
    pub(super) idles_selected: bool,
    /// Flags that changed outside IDLE, and that no command has reported by then, are never
    /// reported (as by Stalwart).
    pub(super) forgets: bool,
    /// BAD to SELECT leaves no mailbox selected.
    pub(super) leaves_on_bad: bool,
}

impl Kind {
    /// Whether SELECT of mailboxes that keep mod-sequences reports them.
    pub(super) fn knows_mods(&self) -> bool {
        self.condstore || self.qresync
    }

    /// What the handshake has switched on: ENABLE is in IMAP4rev2, and in servers with QRESYNC (RFC
    /// 7162 section 3.2.3).
    pub(super) fn enabled(&self) -> Vec<String> {
        match (self.qresync, self.condstore && self.rev2) {
            (true, _) => vec!["QRESYNC".to_owned()],
            (_, true) => vec!["CONDSTORE".to_owned()],
            _ => Vec::new(),
        }
    }

    /// Whether it knows IDLE.
    pub(super) fn idles(&self) -> bool {
        self.idle || self.rev2
    }

    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.commands = Some(self.commands).filter(|most| *most > 0).unwrap_or(limits.commands);
        limits.events = Some(self.events).filter(|most| *most > 0).unwrap_or(limits.events);
        limits
    }
}

pub(super) fn kinds() -> impl Strategy<Value = Kind> {
    let capabilities = (0u8..3, any::<[bool; 5]>(), any::<[bool; 2]>());
    let mods = (any::<[bool; 2]>(), prop::bool::weighted(0.3), prop::bool::weighted(0.3));
    let view_sync =
        prop_oneof![4 => Just(ViewSync::Uids), 4 => Just(ViewSync::Flags), 1 => Just(ViewSync::Off)];
    let window = prop_oneof![Just(50_000u32), 1u32..4];
    let bounds =
        (prop_oneof![4 => Just(0usize), 1 => 1usize..8], prop_oneof![4 => Just(0usize), 1 => 1usize..20]);
    let odd = (
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.2),
        any::<[bool; 2]>(),
        (prop::bool::weighted(0.2), any::<bool>()),
    );
    (capabilities, mods, view_sync, window, bounds, odd).prop_map(
        |(capabilities, mods, view_sync, window, (commands, events), odd)| {
            let (literals, [rev2, esearch, moves, uidplus, idle], [keeps_ghosts, sends_uids]) = capabilities;
            let ([condstore, qresync], nomods, notify) = mods;
            let (mixes_rows, short_lines, mixes_copies, [respells, idles_selected], (forgets, leaves_on_bad)) = odd;
            Kind {
                literals,
                rev2,
                esearch,
                moves,
                uidplus,
                idle,
                keeps_ghosts,
                sends_uids,
                condstore,
                qresync,
                nomods,
                view_sync,
                window,
                commands,
                events,
                notify,
                mixes_rows,
                short_lines,
                mixes_copies,
                respells,
                idles_selected,
                // With NOTIFY in force there is no gap.
                forgets: forgets && !notify,
                leaves_on_bad,
            }
        },
    )
}
