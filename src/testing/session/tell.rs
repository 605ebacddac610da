//! Telling what others did, when it may be told: takes the session's responders, changes the snapshot by each, and writes
//! what it says.

use crate::testing::responder::{By, Responder};
use crate::testing::watch::SelectedWatch;
use crate::testing::world::World;
use crate::types::{Answer, Code, Flag, Flags, ModSeq, Seq, Status, UidSet};
use crate::wire::respond::FetchRow;

use super::reply::Allows;
use super::snapshot::{Row, Snapshot, uid_set};
use super::{Mode, Session};

/// What is known and not written yet.
#[derive(Debug, Default)]
struct Pending {
    /// UIDs of messages that came, which EXISTS has not told yet; and whether this session put them there.
    arrived: Vec<(u32, bool)>,
    vanished: UidSet,
}

impl Session {
    /// What has come while no command runs, as far as it may be told: all while the client idles, what NOTIFY has asked
    /// for, and what a test says.
    pub(super) fn news(&mut self) {
        let shared = self.shared.clone();
        let mut world = shared.lock();
        let over = world.over;
        let Some(line) = world.line(self.id) else { return };
        line.fresh = false;
        if matches!(self.mode, Mode::Over) {
            return;
        }
        if over {
            self.bye("The server is gone");
            return;
        }
        if line.cut {
            self.out.close();
            self.mode = Mode::Over;
            return;
        }
        let watch = line.watch.clone();
        // Octets of a test, and ends, do not wait.
        let (at_once, wait): (Vec<_>, Vec<_>) = std::mem::take(&mut line.queue)
            .into_iter()
            .partition(|told| matches!(told, Responder::Raw(_) | Responder::Bye(_)));
        line.queue = wait.into();
        for responder in at_once {
            match responder {
                Responder::Raw(octets) => self.out.write(&octets),
                Responder::Bye(text) => self.bye(&text),
                _ => {}
            }
        }
        match (&self.mode, watch) {
            (Mode::Idle(_), _) => self.flush(&mut world, Allows::All),
            // RFC 5465 section 6.1: at once, but removals only where SELECTED says so.
            (Mode::Commands, Some(watch)) => {
                let immediate = watch.selected.messages && !watch.selected.delayed;
                self.flush(&mut world, if immediate { Allows::All } else { Allows::Flags });
            }
            _ => {}
        }
    }

    /// Tells what waits, as far as the command allows it.
    pub(super) fn flush(&mut self, world: &mut World, allows: Allows) {
        let Some(line) = world.line(self.id) else { return };
        let watch = line.watch.as_ref().map(|watch| watch.selected.clone());
        // RFC 5465 section 3.1: without SELECTED, what others do to the messages of the selected mailbox is not told.
        let deaf = watch.as_ref().is_some_and(|watch| !watch.messages);
        let (now, wait): (Vec<_>, Vec<_>) =
            std::mem::take(&mut line.queue).into_iter().partition(|told| !deaf || told.is_own());
        line.queue = wait.into();
        let mut pending = Pending::default();
        if allows == Allows::All {
            let held = self.selected.as_mut().map(|snapshot| std::mem::take(&mut snapshot.held));
            held.unwrap_or_default().into_iter().for_each(|uid| self.remove(uid, &mut pending));
        }
        for responder in now {
            self.tell(world, responder, allows, watch.as_ref(), &mut pending);
        }
        self.write_pending(watch.as_ref(), &mut pending);
    }

    fn tell(
        &mut self,
        world: &World,
        responder: Responder,
        allows: Allows,
        watch: Option<&SelectedWatch>,
        pending: &mut Pending,
    ) {
        let is_new = matches!(responder, Responder::Arrived { .. });
        let is_removal = matches!(responder, Responder::Gone { .. });
        if !(is_new || is_removal && allows == Allows::Flags) {
            self.write_arrived(watch, pending);
        }
        if !is_removal {
            self.write_vanished(pending);
        }
        match responder {
            Responder::Arrived { message, recent, own } => {
                let Some(snapshot) = &mut self.selected else { return };
                pending.arrived.push((message.uid, own));
                snapshot.rows.push(Row { message, recent, gone: false });
            }
            Responder::Changed { message, by } => {
                let uid = message.uid;
                let Some(snapshot) = &mut self.selected else { return };
                let Some(at) = snapshot.find(uid) else { return };
                if let Some(row) = snapshot.rows.get_mut(at) {
                    row.message = message;
                }
                let wanted = by != By::Other || watch.is_none_or(|watch| watch.flags);
                if wanted && by != By::Fetch {
                    self.write_flags(at, matches!(by, By::Silent | By::Conditional));
                }
            }
            Responder::Gone { uid, .. } => {
                let Some(snapshot) = &mut self.selected else { return };
                if allows == Allows::All {
                    self.remove(uid, pending);
                } else if let Some(at) = snapshot.find(uid) {
                    snapshot.held.push(uid);
                    snapshot.rows.get_mut(at).into_iter().for_each(|row| row.gone = true);
                }
            }
            Responder::NewFlags => self.write_known_flags(world),
            Responder::Status(status) => self.answer("STATUS", Answer::MailboxStatus(*status)),
            Responder::List(entry) => self.answer("LIST", Answer::List(*entry)),
            Responder::Raw(octets) => self.out.write(&octets),
            Responder::Bye(text) => self.bye(&text),
        }
    }

    fn write_pending(&mut self, watch: Option<&SelectedWatch>, pending: &mut Pending) {
        self.write_arrived(watch, pending);
        self.write_vanished(pending);
    }

    /// EXISTS for all that came, and what NOTIFY wants to know of them (RFC 5465 section 5.2).
    fn write_arrived(&mut self, watch: Option<&SelectedWatch>, pending: &mut Pending) {
        let arrived = std::mem::take(&mut pending.arrived);
        let Some(snapshot) = self.selected.as_ref().filter(|_| !arrived.is_empty()) else { return };
        let (count, recent) = (snapshot.count(), snapshot.recent());
        let places: Vec<_> = arrived
            .iter()
            .filter(|(_, own)| !own)
            .filter_map(|(uid, _)| {
                Some(snapshot.rows.get(snapshot.find(*uid)?)?.clone()).zip(snapshot.find(*uid))
            })
            .collect();
        self.answer("EXISTS", Answer::Exists(count));
        if !self.enabled.rev2 {
            self.answer("RECENT", Answer::Recent(recent));
        }
        let Some(watch) = watch.filter(|watch| !watch.items.is_empty()) else { return };
        for (row, at) in places {
            if let Ok(octets) = self.row_of(Snapshot::seq(at), &row, &watch.items, false) {
                self.out.write(&octets);
            }
        }
    }

    /// Takes a message out of the snapshot, and says so or keeps it for VANISHED.
    fn remove(&mut self, uid: u32, pending: &mut Pending) {
        let Some(snapshot) = &mut self.selected else { return };
        let Some(at) = snapshot.find(uid) else { return };
        snapshot.rows.remove(at);
        if let Some(uid) = crate::types::Uid::new(uid) {
            snapshot.saved.remove(uid);
        }
        if self.enabled.qresync {
            pending.vanished.extend_from(&uid_set([uid]));
        } else if let Some(seq) = Seq::new(Snapshot::seq(at)) {
            self.answer("EXPUNGE", Answer::Expunge { seq, uid: None });
        }
    }

    /// RFC 7162 section 3.2.10: in place of EXPUNGE, once QRESYNC is enabled.
    fn write_vanished(&mut self, pending: &mut Pending) {
        let uids = std::mem::take(&mut pending.vanished);
        if !uids.is_empty() {
            self.answer("VANISHED", Answer::Vanished { earlier: false, uids });
        }
    }

    /// `* 3 FETCH (UID 7 FLAGS (\Seen))`, or what is left of it after .SILENT: the mod-sequence (RFC 7162 section 3.1.3).
    fn write_flags(&mut self, at: usize, silent: bool) {
        let condstore = self.enabled.condstore;
        let Some(row) = self.selected.as_ref().and_then(|snapshot| snapshot.row(at)) else { return };
        if silent && !condstore {
            return;
        }
        let mut told = FetchRow::new(Snapshot::seq(at), self.strings());
        // RFC 9051 section 7.5.2, RFC 7162 section 3.2.4: with the UID.
        told.uid(row.message.uid);
        if !silent {
            told.flags(&self.flags_of(row));
        }
        if condstore {
            told.mod_seq(row.message.mod_seq);
        }
        let octets = told.finish();
        self.out.write(&octets);
    }

    /// A message's flags as this session is told them.
    pub(super) fn flags_of(&self, row: &Row) -> Flags {
        let mut flags = row.message.flags.clone();
        // IMAP4rev2 has no \Recent (RFC 9051 appendix E).
        if row.recent && !self.enabled.rev2 {
            flags.insert(Flag::Recent);
        }
        flags
    }

    /// FLAGS and PERMANENTFLAGS (RFC 9051 section 6.3.2).
    pub(super) fn write_known_flags(&mut self, world: &World) {
        let Some(snapshot) = &self.selected else { return };
        let Some(held) = world.mailboxes.get(&snapshot.mailbox) else { return };
        let known = held.known_flags();
        let mut permanent = Flags::new();
        if !snapshot.read_only {
            permanent = known.clone();
            permanent.insert(Flag::Wildcard);
        }
        self.answer("FLAGS", Answer::Flags(known));
        self.status(Status::Ok, Some(Code::PermanentFlags(permanent)), "Flags permitted");
    }

    /// The mailbox's newest mod-sequence, all changes up to which have been told; `None` while some have not.
    pub(super) fn highest_mod_seq(&self, world: &World) -> Option<Code> {
        let snapshot = self.selected.as_ref()?;
        let told = world.lines.get(&self.id)?.queue.is_empty() && snapshot.held.is_empty();
        let value = world.mailboxes.get(&snapshot.mailbox)?.highest_mod_seq;
        told.then_some(Code::HighestModSeq(ModSeq::new(value)))
    }
}
