//! The world in which a program runs: the engine's bench, the model server, the tokens that are
//! held, and what each command was meant to do.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event_replay::Replay;
use super::kinds::Kind;
use super::resume_by_events::{Away, Kept};
use super::server::Server;
use super::tokens::{Got, Known, Pending};
use super::{Bench, poll_once, settings};
use crate::client::{Mailbox, Sender};
use crate::command::Noop;
use crate::engine::{BatchSizes, Settings};
use crate::error::ErrorKind;
use crate::types::{CloseReason, CommandId, EventKind, MailboxState, SelectionId, UidSet};

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Held,
    Resolved,
    Detached,
    Dropped,
    Cancelled,
}

/// What a command was meant to do.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) name: &'static str,
    pub(super) selection: Option<SelectionId>,
    pub(super) folder: Option<usize>,
    pub(super) items: u8,
    pub(super) reads_only: bool,
    pub(super) empty: bool,
    /// The numbers that it named, and whether they may mean messages that come later, as `*` does.
    pub(super) seqs: Option<(Vec<u32>, bool)>,
    /// The UIDs that it named, if they go on to the last message.
    pub(super) open: Option<UidSet>,
    /// The messages that these numbers stood for at submission.
    pub(super) meant: Option<Vec<u32>>,
    pub(super) refused: bool,
    pub(super) fate: Fate,
    /// Whether its first byte had been written when it was dropped or cancelled.
    pub(super) begun: bool,
}

pub(super) struct World {
    pub(super) bench: Bench,
    pub(super) server: Server,
    pub(super) sender: Sender,
    pub(super) held: Vec<Box<dyn Pending>>,
    pub(super) intents: BTreeMap<CommandId, Intent>,
    pub(super) replay: Replay,
    /// The state of each mailbox that was saved last; and of each selection that resumes from one.
    pub(super) saved: [Option<MailboxState>; 2],
    pub(super) resumes: BTreeMap<SelectionId, MailboxState>,
    /// Of each selection its mailbox, and the UIDs that it began with.
    pub(super) opened_with: BTreeMap<SelectionId, (usize, Vec<u32>)>,
    pub(super) while_disconnected: Option<Away>,
    pub(super) kept: Vec<Kept>,
    pub(super) mailboxes: Vec<(Mailbox, usize)>,
    pub(super) selects: BTreeMap<CommandId, SelectionId>,
    opened: usize,
    pub(super) made: u32,
    pub(super) closed: bool,
}

/// A throw that makes the server do nothing unusual, and NOOP report all.
const PLAIN: u16 = 14;

/// A line that holds a set of a few messages.
const SHORT_LINE: usize = 8;

impl World {
    pub(super) fn new(kind: Kind, sizes: [u8; 2]) -> Self {
        let (mut bench, sender) = Bench::new(Settings {
            view_sync: kind.view_sync,
            windows: BatchSizes { uids: kind.window, flags: kind.window },
            limits: kind.limits(),
            ..settings()
        });
        let server = Server::new(kind, bench.shared.clone(), sizes, bench.now);
        bench.feed(format!("* PREAUTH [CAPABILITY {}] hello\r\n", server.capabilities()).as_bytes());
        bench.engine.set_ready(true);
        bench.engine.session.enabled.extend(kind.enabled());
        if kind.short_lines {
            bench.engine.session.command_line = SHORT_LINE;
        }
        Self {
            bench,
            server,
            sender,
            held: Vec::new(),
            intents: BTreeMap::new(),
            replay: Replay::new(kind.view_sync),
            saved: [None, None],
            resumes: BTreeMap::new(),
            opened_with: BTreeMap::new(),
            while_disconnected: None,
            kept: Vec::new(),
            mailboxes: Vec::new(),
            selects: BTreeMap::new(),
            opened: 0,
            made: 0,
            closed: false,
        }
    }

    pub(super) fn write(&mut self, most: usize) {
        let bytes = self.bench.write(most.min(64 << 10));
        trace('>', &bytes);
        self.server.now = self.bench.now;
        self.server.take(&bytes);
    }

    pub(super) fn deliver(&mut self, most: usize) {
        let bytes = self.server.deliver(most);
        trace('<', &bytes);
        if !bytes.is_empty() {
            self.bench.feed(&bytes);
        }
    }

    pub(super) fn end(&mut self, reason: CloseReason) {
        self.bench.close(reason);
        self.closed = true;
        self.look();
    }

    /// Runs until nothing moves any more.
    pub(super) fn settle(&mut self) {
        for _ in 0..10_000 {
            self.write(usize::MAX);
            self.server.client_knows = self.client_knows();
            let mut moved = self.server.advance(0, PLAIN);
            moved |= !self.server.out.is_empty();
            self.deliver(usize::MAX);
            self.look();
            let waits = self.bench.engine.has_to_write() || self.bench.engine.source().is_some();
            if !moved && !waits {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Ends quietly: all is answered, and the server has reported everything.
    pub(super) fn finish(&mut self) {
        for _ in 0..50 {
            self.settle();
            if self.closed || self.server.ended {
                return;
            }
            self.submit("NOOP", Noop, true);
            self.settle();
            self.bench.wait(Duration::from_millis(150));
            self.settle();
            if self.server.is_all_reported() && self.bench.engine.is_at_rest() {
                if self.server.kind.forgets {
                    self.look_back();
                }
                self.await_idle();
                self.read_events(usize::MAX);
                return self.check_idle();
            }
        }
        panic!("after fifty NOOPs there is still something to report");
    }

    /// Where a comparison of flags is due, each of its windows waits for a silence of its own, and
    /// IDLE for the last one.
    fn await_idle(&mut self) {
        let windows = self.bench.engine.selected.current().map_or(0, |selection| selection.view().len());
        for _ in 0..windows {
            if self.idles_where_it_may() {
                return;
            }
            self.bench.wait(Duration::from_millis(150));
            self.settle();
        }
    }

    /// Time passes, until all flags have been compared (`engine/selection/sync/look_back.rs`).
    fn look_back(&mut self) {
        for _ in 0..5 {
            self.bench.wait(Duration::from_secs(601));
            self.settle();
            self.bench.wait(Duration::from_millis(150));
            self.settle();
        }
    }

    /// Reads all events that there are.
    pub(super) fn run_out(&mut self) {
        self.look();
        self.read_events(usize::MAX);
    }

    /// Follows what has been resolved and opened.
    pub(super) fn look(&mut self) {
        let ready = poll_once(&mut Box::pin(self.sender.ready()));
        let room = !self.is_full() || self.closed;
        assert_eq!(ready.is_some(), room, "ready() says whether there is room");
        self.check_state();
        let new = self.server.response.opened[self.opened..].to_vec();
        self.opened += new.len();
        for (id, uids) in new {
            let selection = self.selects.get(&id).copied();
            if let (Some(selection), Some(folder)) = (selection, self.server.outcomes[&id].folder) {
                self.opened_with.insert(selection, (folder, uids.clone()));
            }
            for intent in self.intents.values_mut().filter(|i| i.meant.is_none() && i.selection == selection)
            {
                intent.meant = intent.seqs.as_ref().map(|(seqs, _)| pick(seqs, &uids));
                if let (Some((seqs, open)), Some(meant)) = (&mut intent.seqs, &intent.meant) {
                    // Given before the mailbox was open, they may be numbers of messages that were
                    // still to come.
                    *open |= meant.len() < seqs.len();
                }
            }
        }
        let mut at = 0;
        while at < self.held.len() {
            match self.held[at].poll() {
                None => at += 1,
                Some(got) => {
                    let id = self.held.remove(at).id();
                    self.resolved(id, got);
                }
            }
        }
    }

    pub(super) fn resolved(&mut self, id: CommandId, got: Got) {
        if !self.reads_slowly() {
            // Contract, promise 5: all that came before its tagged line is in the stream already,
            // its own end too.
            self.read_events(usize::MAX);
            let ends = self.replay.ends.iter().filter(|(of, _)| *of == id).count();
            assert_eq!(ends, usize::from(!self.intents[&id].refused), "{id} ends once: {got:?}");
        }
        if let Some(intent) = self.intents.get_mut(&id) {
            intent.fate = Fate::Resolved;
        }
        self.check(id, &got);
    }

    pub(super) fn read_events(&mut self, most: usize) {
        for _ in 0..most {
            let Some(event) = self.bench.event() else { return self.ask_again() };
            if self.replay.lagged || matches!(event.kind, EventKind::Lagged(_)) {
                // Reports of the time before have gaps.
                self.while_disconnected = None;
            } else {
                self.follow_resumption(&event);
            }
            self.replay.follow(event);
        }
    }

    /// Events are read when the program says so, and more may come than wait.
    pub(super) fn reads_slowly(&self) -> bool {
        self.server.kind.events > 0
    }

    /// Events were left out, and all that came have been read: a mailbox that was named is looked
    /// up (contract, promise 10), and followed from there.
    fn ask_again(&mut self) {
        if !self.replay.stale {
            return;
        }
        let open = self.bench.engine.selected.current().map(|s| s.id());
        let mailbox = self.mailboxes.iter().map(|(mailbox, _)| mailbox).find(|m| Some(m.selection()) == open);
        assert_eq!(mailbox.is_some(), open.is_some(), "a selection without a handle");
        assert!(mailbox.is_none_or(|mailbox| !mailbox.has_ended()));
        self.replay.asked_again(mailbox.map(|m| (m.selection(), m.name().clone(), m.snapshot())));
    }

    pub(super) fn give_up(&mut self, which: u8, fate: Fate) -> Option<Box<dyn Pending>> {
        if self.held.is_empty() {
            return None;
        }
        let token = self.held.remove(usize::from(which) % self.held.len());
        // A SELECT that is retried was begun before.
        let was_sent = self.server.outcomes.get(&token.id()).is_some_and(|outcome| outcome.lines > 0);
        let begun = was_sent || self.bench.engine.inflight.has_begun(token.id());
        let known = self.replay.ends.iter().any(|(id, _)| *id == token.id());
        let intent = self.intents.get_mut(&token.id())?;
        let fate = if token.is_stream() { Fate::Dropped } else { fate };
        (intent.fate, intent.begun) = (fate, begun || known);
        Some(token)
    }

    pub(super) fn submit<C: Known>(&mut self, name: &'static str, command: C, reads_only: bool) {
        let token = self.sender.submit(command);
        self.note(token, Intent::new(name, reads_only));
    }

    pub(super) fn note<C: Known>(&mut self, mut token: crate::client::Token<C>, mut intent: Intent) {
        let id = token.id();
        self.server.users.insert(id);
        // Refused at once, it never reaches the engine, and only its token reports it.
        if let Some(got) = token.poll() {
            let full = matches!(&got, Got::Failed(error) if error.kind() == ErrorKind::QueueFull);
            assert!(!full || self.is_full(), "{intent:?} was refused, and there was room");
            (intent.refused, intent.fate) = (matches!(got, Got::Failed(_)), Fate::Resolved);
            self.intents.insert(id, intent);
            return self.check(id, &got);
        }
        self.intents.insert(id, intent);
        self.held.push(Box::new(token));
    }

    /// As many commands wait or are in flight as may.
    pub(super) fn is_full(&self) -> bool {
        let most = self.server.kind.limits().commands;
        assert!(self.sender.in_flight() <= most, "more than {most} commands");
        self.sender.in_flight() == most
    }

    /// The selection that this SELECT makes.
    pub(super) fn selection_of(&self, select: CommandId) -> Option<SelectionId> {
        self.selects.get(&select).copied()
    }

    pub(super) fn heap_size(&self) -> Vec<CommandId> {
        self.held.iter().map(|token| token.id()).collect()
    }
}

impl Intent {
    pub(super) fn new(name: &'static str, reads_only: bool) -> Self {
        Self {
            name,
            selection: None,
            folder: None,
            items: 0,
            reads_only,
            empty: false,
            seqs: None,
            open: None,
            meant: None,
            refused: false,
            fate: Fate::Held,
            begun: false,
        }
    }
}

/// Shows the traffic, for debugging a failure.
pub(super) fn trace(way: char, bytes: &[u8]) {
    if !bytes.is_empty() && std::env::var_os("IMAP_DUPLEX_TRACE").is_some() {
        println!("{way} {}", String::from_utf8_lossy(bytes).escape_debug());
    }
}

/// The UIDs of these numbers, of those that are there.
pub(super) fn pick(seqs: &[u32], uids: &[u32]) -> Vec<u32> {
    seqs.iter().filter_map(|seq| uids.get(*seq as usize - 1)).copied().collect()
}
