//! A program: what a user, a server and other sessions do, step by step.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;

use super::mailboxes::names;
use super::tokens::Known;
use super::world::{Fate, Intent, World, pick};
use crate::client::{Mailbox, Select};
use crate::command::{
    Append, Close, Command, CopyMessages, Create, Expunge, Fetch, Items, List, Logout, Messages, Noop,
    Notify, NotifyEvent, Search, SelectedNotify, StatusCommand, StatusItems, Store, Unselect,
};
use crate::types::{CloseReason, Flag, Flags, Section, Seq, SeqSet, Uid, UidSet};

/// One step. Numbers are read modulo what there is to choose from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Op {
    Select(u8),
    Deselect(u8),
    Fetch {
        via: u8,
        set: u16,
        items: u8,
    },
    Store {
        via: u8,
        set: u16,
        how: u8,
        flags: u8,
    },
    Search {
        via: u8,
        key: u8,
    },
    Copy {
        via: u8,
        set: u16,
        to: u8,
        moves: bool,
    },
    Expunge {
        via: u8,
        set: u16,
    },
    Append {
        to: u8,
        size: u16,
        flags: u8,
    },
    List,
    Status(u8),
    Noop,
    Notify(u8),
    Create(u8),
    Drop(u8),
    Detach(u8),
    Cancel(u8),
    Stream(u8),
    /// Read so many events.
    Read(u8),
    /// Move so many bytes to the server.
    Write(u16),
    /// Move so many bytes to the client.
    Deliver(u16),
    /// Let the server work on a command.
    Answer {
        which: u16,
        dice: u16,
    },
    ReportExists(u8),
    ReportFlags(u16),
    ReportExpunge(u16),
    ReportNotice,
    ReportCounts,
    /// Other sessions: a message arrives, changes, is expunged.
    OtherPut {
        folder: u8,
        flags: u8,
    },
    OtherFlags {
        folder: u8,
        which: u16,
        flags: u8,
    },
    OtherExpunge {
        folder: u8,
        which: u16,
    },
    /// Keeps the state of a mailbox, for a later SELECT to go on from.
    Save(u8),
    Snapshot(u8),
    /// A mailbox is recreated, with so many messages; a selected one gets a new UIDVALIDITY.
    NewUidValidity {
        folder: u8,
        size: u8,
    },
    /// Time passes.
    Wait(u8),
    /// All bytes go both ways, and the server answers a few times.
    Flow {
        answers: u8,
        which: u16,
        dice: u16,
    },
    Logout,
    /// The connection breaks after so many more bytes.
    Break(u16),
}

impl World {
    pub(super) fn run(&mut self, op: Op) {
        if self.closed {
            return;
        }
        if std::env::var_os("IMAP_DUPLEX_TRACE").is_some() {
            println!("{op:?}");
        }
        self.server.client_knows = self.client_knows();
        self.act(op);
        self.look();
        // A server closes after LOGOUT (RFC 9051 section 6.1.3); the engine may be quicker.
        if self.server.ended && self.server.out.is_empty() {
            self.end(CloseReason::Eof);
        }
    }

    fn act(&mut self, op: Op) {
        match op {
            Op::Save(n) => self.save(n),
            Op::Snapshot(n) => self.take_snapshot(n),
            Op::NewUidValidity { folder, size } => {
                self.server.uid_validity_changed(usize::from(folder % 2), size % 6)
            }
            Op::Wait(n) => {
                const TIMES: [u64; 5] = [10, 100, 5_000, 70_000, 660_000];
                self.server.lose_patience();
                self.bench.wait(Duration::from_millis(TIMES[usize::from(n) % TIMES.len()]));
            }
            Op::Flow { answers, which, dice } => {
                self.write(usize::MAX);
                for _ in 0..answers % 8 {
                    self.server.advance(which, dice);
                }
                self.deliver(usize::MAX);
            }
            Op::Break(n) => {
                self.deliver(usize::from(n));
                self.end(CloseReason::Eof);
            }
            op => self.act_on_tokens(op),
        }
    }

    /// What is done to tokens and bytes.
    fn act_on_tokens(&mut self, op: Op) {
        match op {
            Op::Drop(n) => {
                if let Some(token) = self.give_up(n, Fate::Dropped) {
                    drop(token);
                }
            }
            Op::Detach(n) => {
                if let Some(token) = self.give_up(n, Fate::Detached) {
                    token.detach();
                }
            }
            Op::Cancel(n) => {
                if let Some(token) = self.give_up(n, Fate::Cancelled) {
                    token.cancel();
                }
            }
            Op::Stream(n) => {
                if !self.held.is_empty() {
                    let token = self.held.remove(usize::from(n) % self.held.len());
                    self.held.push(token.stream(n % 2 == 1));
                }
            }
            Op::Read(n) => self.read_events(usize::from(n)),
            Op::Write(n) => self.write(usize::from(n)),
            Op::Deliver(n) => self.deliver(usize::from(n)),
            Op::Answer { which, dice } => drop(self.server.advance(which, dice)),
            op => self.act_at_server(op),
        }
    }

    /// What the server reports, and what others do there.
    fn act_at_server(&mut self, op: Op) {
        match op {
            // LOGOUT's tagged response is the last that a server says (RFC 9051 section 6.1.3).
            Op::ReportExists(_)
            | Op::ReportFlags(_)
            | Op::ReportExpunge(_)
            | Op::ReportCounts
            | Op::ReportNotice
                if self.server.ended => {}
            Op::ReportExists(n) => drop(self.server.report_exists(usize::from(n))),
            Op::ReportFlags(n) => drop(self.server.report_flags(n, false)),
            Op::ReportExpunge(n) => drop(self.server.report_expunge(n)),
            Op::ReportCounts => self.server.report_counts(),
            Op::ReportNotice => {
                self.server.say("* OK Still here, {5}", super::client_knowledge::Note::Notice)
            }
            Op::OtherPut { folder, flags } => drop(self.server.put(usize::from(folder % 2), flags % 64)),
            Op::OtherFlags { folder, which, flags } => {
                self.server.other_flags(usize::from(folder), which, flags % 64);
            }
            Op::OtherExpunge { folder, which } => self.server.other_expunge(usize::from(folder), which),
            op => self.submit_op(op),
        }
    }

    /// What is submitted.
    fn submit_op(&mut self, op: Op) {
        match op {
            Op::Select(n) => self.select(n),
            Op::Deselect(n) => {
                let Some((mailbox, folder)) = self.mailbox(n) else { return };
                if n % 2 == 0 {
                    self.submit_in("UNSELECT", mailbox, folder, Unselect::new(), None, 0, false);
                } else {
                    self.submit_in("CLOSE", mailbox, folder, Close, None, 0, false);
                }
            }
            Op::Fetch { via, set, items } => {
                let Some((mailbox, folder)) = self.mailbox(via) else { return };
                let (which, seqs) = self.messages(&mailbox, folder, set);
                let (reads_only, held) = (items & 16 == 0, self.held.len());
                let fetch = Fetch::new(which, wanted(items));
                self.submit_in("FETCH", mailbox, folder, fetch, seqs, items, reads_only);
                if items & 128 != 0 && self.held.len() > held {
                    let token = self.held.pop().map(|token| token.stream(true));
                    self.held.extend(token);
                }
            }
            Op::Store { via, set, how, flags } => {
                let Some((mailbox, folder)) = self.mailbox(via) else { return };
                let (which, seqs) = self.messages(&mailbox, folder, set);
                let flags = flags_of(flags);
                let store = match how % 3 {
                    0 => Store::add(flags),
                    1 => Store::remove(flags),
                    _ => Store::replace(flags),
                };
                let store = if how & 64 == 0 { store } else { store.silent() };
                self.submit_in("STORE", mailbox, folder, store.of(which), seqs, 0, false);
            }
            Op::Search { via, key } => {
                let Some((mailbox, folder)) = self.mailbox(via) else { return };
                let query = match key % 4 {
                    0 => Search::all(),
                    1 => Search::seen(),
                    2 => Search::unseen(),
                    _ => Search::deleted(),
                };
                self.submit_in("SEARCH", mailbox, folder, query, None, 0, true);
            }
            Op::Copy { via, set, to, moves } => {
                let Some((mailbox, folder)) = self.mailbox(via) else { return };
                let (which, seqs) = self.messages(&mailbox, folder, set);
                let to = self.folder_name(to);
                let copy =
                    if moves { CopyMessages::moving(which, to) } else { CopyMessages::copying(which, to) };
                self.submit_in("COPY", mailbox, folder, copy, seqs, 0, false);
            }
            Op::Expunge { via, set } => {
                let Some((mailbox, folder)) = self.mailbox(via) else { return };
                if set % 3 == 0 {
                    return self.submit_in(
                        "EXPUNGE",
                        mailbox,
                        folder,
                        Expunge::all_deleted(),
                        None,
                        0,
                        false,
                    );
                }
                let (which, seqs) = self.messages(&mailbox, folder, set / 3);
                self.submit_in("EXPUNGE", mailbox, folder, Expunge::messages(which), seqs, 0, false);
            }
            Op::Append { to, size, flags } => {
                let message = format!("append {}", "x".repeat(usize::from(size)));
                let append = if flags & 64 != 0 { streamed(message) } else { Append::new(message) };
                let append = append.flags(flags_of(flags)).to(self.folder_name(to));
                self.submit("APPEND", append, false);
            }
            Op::List => self.submit("LIST", List::new("*"), true),
            Op::Status(n) => {
                let name = self.folder_name(n);
                self.submit("STATUS", StatusCommand::new(name, StatusItems::counts()), true);
            }
            Op::Notify(n) => {
                let selected =
                    if n & 1 == 1 { SelectedNotify::immediate() } else { SelectedNotify::delayed() };
                let notify = Notify::set().selected(selected);
                let notify = if n & 2 == 2 { notify.personal(NotifyEvent::MESSAGES) } else { notify };
                self.submit("NOTIFY", notify, false);
            }
            Op::Noop => self.submit("NOOP", Noop, true),
            Op::Create(n) => {
                self.made += u32::from(n % 4 != 0);
                self.submit("CREATE", Create::new(format!("New{}", self.made)), false);
            }
            Op::Logout => self.submit("LOGOUT", Logout, false),
            _ => unreachable!("{op:?} is no command"),
        }
    }

    fn select(&mut self, n: u8) {
        let folder = usize::from(n % 2);
        let what = Select::new(self.server.folders[folder].name.as_str());
        let (what, verb) = if n & 4 == 4 { (what.read_only(), "EXAMINE") } else { (what, "SELECT") };
        let resume = self.saved[folder].clone().filter(|_| n & 8 == 8);
        let what = resume.iter().fold(what, |what, state| what.resume(state.clone()));
        let token = self.sender.submit(what);
        let mailbox = token.mailbox();
        let (id, selection) = (token.id(), mailbox.selection());
        self.selects.insert(id, selection);
        self.resumes.extend(resume.map(|state| (selection, state)));
        self.mailboxes.push((mailbox, folder));
        self.note(token, Intent { folder: Some(folder), ..Intent::new(verb, true) });
    }

    /// The mailbox handle of a command: mostly the newest.
    pub(super) fn mailbox(&self, via: u8) -> Option<(Mailbox, usize)> {
        let back = if via % 8 == 7 { usize::from(via / 8) % self.mailboxes.len().max(1) } else { 0 };
        self.mailboxes.iter().rev().nth(back).cloned()
    }

    fn folder_name(&self, n: u8) -> String {
        match self.server.folders.get(usize::from(n % 5)) {
            Some(folder) => folder.name.clone(),
            None => "Nowhere".to_owned(),
        }
    }

    /// Some messages of a mailbox; by number too, with the numbers that were meant.
    fn messages(&self, mailbox: &Mailbox, folder: usize, set: u16) -> (Messages, Option<(Vec<u32>, bool)>) {
        let (form, n) = (set % 4, u32::from(set / 4));
        let next = self.server.folders[folder].next;
        let (opened, ended) = (self.is_open(mailbox), mailbox.has_ended());
        let exists = if opened { mailbox.exists() } else { 4 };
        if form < 2 || exists == 0 || ended {
            let open = form == 1 && n % 2 == 0;
            let uids: UidSet = if open {
                UidSet::from(Uid::new(n % next + 1).unwrap()..)
            } else {
                (1..next).filter(|uid| (uid * 5 + n) % 7 < 3).filter_map(Uid::new).collect()
            };
            return (uids.into(), None);
        }
        if form == 2 && n % 4 == 0 && opened {
            let first = n / 4 % (exists + 1) + 1;
            let seqs = (first..=exists).collect();
            return ((Seq::new(first).unwrap()..).into(), Some((seqs, true)));
        }
        let seqs: Vec<u32> = (1..=exists).filter(|seq| (seq * 5 + n) % 7 < 3).collect();
        let set: SeqSet = seqs.iter().copied().filter_map(Seq::new).collect();
        (set.into(), Some((seqs, false)))
    }

    /// Up to which UID the client knows all messages.
    pub(super) fn client_knows(&self) -> u32 {
        let Some(selection) = self.bench.engine.selected.current() else { return 0 };
        let view = selection.view();
        // Bytes under way to it may make it begin again.
        let begins_again = self.server.out.iter().any(|(text, _)| text.starts_with(b"* OK [UIDVALIDITY"));
        let whole =
            view.unknown().is_none() && self.bench.engine.selected.opening().is_none() && !begins_again;
        view.uids().last().filter(|_| whole).map_or(0, Uid::get)
    }

    fn is_open(&self, mailbox: &Mailbox) -> bool {
        self.bench.engine.selected.current().is_some_and(|s| s.id() == mailbox.selection())
    }

    #[allow(clippy::too_many_arguments, reason = "one line for each kind of command")]
    fn submit_in<C: Known + Command>(
        &mut self,
        name: &'static str,
        mailbox: Mailbox,
        folder: usize,
        mut command: C,
        seqs: Option<(Vec<u32>, bool)>,
        items: u8,
        reads_only: bool,
    ) {
        let response = self.server.response.view.as_ref().filter(|_| self.is_open(&mailbox));
        if let Some((_, uids)) = response.filter(|_| self.bench.engine.selected.opening().is_none()) {
            assert_eq!(mailbox.exists() as usize, uids.len(), "the handle's count is the reported one");
        }
        let meant = response.and_then(|(_, uids)| Some(pick(&seqs.as_ref()?.0, uids)));
        let empty = command.messages().is_some_and(|which| which.is_empty());
        let open = match command.messages() {
            Some(Messages::Uids(set)) if set.is_open() => Some(set.clone()),
            _ => None,
        };
        let intent = Intent {
            selection: Some(mailbox.selection()),
            folder: Some(folder),
            items,
            empty,
            seqs,
            open,
            meant,
            ..Intent::new(name, reads_only)
        };
        let token = mailbox.submit(command);
        self.note(token, intent);
    }
}

/// The message in pieces of ten bytes, each ready at the second poll.
fn streamed(message: String) -> Append {
    struct Pieces(VecDeque<Bytes>, bool);
    impl Stream for Pieces {
        type Item = io::Result<Bytes>;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.1 = !self.1;
            if self.1 { Poll::Pending } else { Poll::Ready(self.0.pop_front().map(Ok)) }
        }
    }
    let pieces = message.as_bytes().chunks(10).map(Bytes::copy_from_slice).collect();
    Append::stream(message.len() as u64, Pieces(pieces, false))
}

fn flags_of(bits: u8) -> Flags {
    names(bits % 64).into_iter().map(Flag::new).collect()
}

/// Bits: flags, size, envelope, body, body and `\Seen`; fields of the header, two or three of them;
/// and whether long literals are read while they come.
fn wanted(items: u8) -> Items {
    let mut wanted = if items & 8 != 0 { Items::body() } else { Items::new() };
    if items & 16 != 0 {
        wanted = wanted.and(Items::body().marking_seen());
    }
    if items & 4 != 0 {
        wanted = wanted.and(Items::envelope());
    }
    if let Some(fields) = wanted_fields(items) {
        wanted = wanted.and(Items::section(fields));
    }
    if items & 2 != 0 {
        wanted = wanted.size();
    }
    if items & 1 != 0 { wanted.flags() } else { wanted }
}

/// The header fields that these bits ask for, as the program spells them.
pub(super) fn wanted_fields(items: u8) -> Option<Section> {
    match items & 96 {
        32 => Some(Section::header_fields(["Subject", "From"])),
        64 => Some(Section::header_fields(["to", "SUBJECT", "cc"])),
        _ => None,
    }
}
