//! A session with the model server, recorded, and then replayed broken: cut, stalled, doubled and
//! garbled at every byte. Whatever is received, each token ends, `Closed` is the last event, and
//! nothing spins or panics (contract, promises 11 and 13).

use std::time::Duration;

use super::kinds::Kind;
use super::mailboxes::WORK;
use super::server::Server;
use super::tokens::{Known, Pending};
use super::{Bench, settings};
use crate::client::{Mailbox, Sender};
use crate::command::{
    Append, CopyMessages, Create, Expunge, Fetch, Items, List, Noop, Search, StatusCommand, StatusItems,
    Store,
};
use crate::engine::Settings;
use crate::types::ViewSync;
use crate::types::{CloseReason, EventKind, Flag, Seq, Uid};

/// What the server sent, in the pieces in which it was read: for each round of submissions.
type Recording = Vec<Vec<Vec<u8>>>;

const ROUNDS: usize = 4;

/// The user's side of the session.
struct User {
    bench: Bench,
    sender: Sender,
    mailbox: Option<Mailbox>,
    held: Vec<Box<dyn Pending>>,
}

impl User {
    fn new() -> Self {
        let (bench, sender) = Bench::new(Settings { silence: Duration::from_secs(120), ..settings() });
        Self { bench, sender, mailbox: None, held: Vec::new() }
    }

    fn submit<C: Known>(&mut self, command: C) {
        self.held.push(Box::new(self.sender.submit(command)));
    }

    fn submit_in<C: Known>(&mut self, command: C) {
        let mailbox = self.mailbox.as_ref().expect("selected in the first round");
        self.held.push(Box::new(mailbox.submit(command)));
    }

    /// What is submitted at the beginning of a round.
    fn round(&mut self, round: usize) {
        let uids = |first: u32, last: u32| Uid::new(first).unwrap()..=Uid::new(last).unwrap();
        match round {
            0 => {
                self.bench.engine.set_ready(true);
                let select = self.sender.select("INBOX");
                self.mailbox = Some(select.mailbox());
                self.held.push(Box::new(select));
                self.submit_in(Fetch::new(uids(1, 100), Items::envelope().flags().and(Items::body())));
                self.submit_in(Search::unseen());
                self.submit(List::new("*"));
            }
            1 => {
                self.submit(Append::new("append this").flags([Flag::Draft]).to("INBOX"));
                self.submit_in(Store::add([Flag::Deleted]).of(uids(3, 6)));
                self.submit_in(CopyMessages::copying(uids(6, 9), WORK));
                self.submit(StatusCommand::new(WORK, StatusItems::counts()));
            }
            2 => {
                self.submit_in(CopyMessages::moving(uids(9, 9), WORK));
                self.submit_in(Expunge::all_deleted());
                self.submit_in(Store::remove([Flag::Draft]).silent().of(Seq::new(1).unwrap()));
                self.submit(Create::new("New"));
            }
            // And then quiet, in which it idles.
            _ => self.submit(Noop),
        }
    }

    fn look(&mut self) {
        self.held.retain_mut(|token| token.poll().is_none());
    }

    /// Ends, and checks that every token has ended.
    fn end(mut self, what: &str) {
        self.bench.close(CloseReason::Eof);
        self.look();
        assert!(self.held.is_empty(), "{what}: {} tokens did not end", self.held.len());
        assert_eq!(self.bench.shared.in_flight(), 0, "{what}");
        let mut last = None;
        while let Some(event) = self.bench.event() {
            last = Some(event.kind);
        }
        assert!(matches!(last, Some(EventKind::Closed { .. })), "{what}: {last:?} is last");
    }

    /// Plays a recording, however broken; up to so many bytes.
    fn play(&mut self, recording: &Recording, mut most: usize) {
        for (round, pieces) in recording.iter().enumerate() {
            self.round(round);
            for piece in pieces {
                self.bench.write_all();
                let bytes = &piece[..piece.len().min(most)];
                most -= bytes.len();
                if !bytes.is_empty() {
                    self.bench.feed(bytes);
                }
                self.look();
            }
            if round == ROUNDS - 1 {
                self.bench.wait(Duration::from_millis(150));
            }
        }
        self.bench.write_all();
    }

    /// Lets time pass, until all that waits for an answer must have given up.
    fn wait(&mut self) {
        for _ in 0..30 {
            self.bench.wait(Duration::from_secs(60));
            self.bench.write_all();
            self.look();
        }
    }
}

/// The session as it should be.
fn record(kind: Kind) -> Recording {
    let mut user = User::new();
    let mut server = Server::new(kind, user.bench.shared.clone(), [4, 1], user.bench.now);
    server.say(
        format!("* PREAUTH [CAPABILITY {}] hello", server.capabilities()),
        super::client_knowledge::Note::Nothing,
    );
    let mut recording = Vec::new();
    for round in 0..ROUNDS {
        user.round(round);
        let mut pieces = Vec::new();
        for step in 0..200 {
            if round == ROUNDS - 1 && step == 100 {
                user.bench.wait(Duration::from_millis(150));
                server.put(0, 2);
                server.other_expunge(0, 0);
            }
            server.take(&user.bench.write_all());
            server.advance(0, 14);
            if step > 100 {
                server.report_all();
            }
            let bytes = server.deliver(usize::MAX);
            if !bytes.is_empty() {
                user.bench.feed(&bytes);
                pieces.push(bytes);
            }
            user.look();
        }
        recording.push(pieces);
    }
    assert!(user.held.is_empty(), "the session that is recorded ends by itself");
    recording
}

fn recordings() -> Vec<Recording> {
    let kind = |rev2, literals| Kind {
        literals,
        rev2,
        esearch: rev2,
        moves: true,
        uidplus: true,
        idle: true,
        keeps_ghosts: false,
        sends_uids: rev2,
        view_sync: ViewSync::Uids,
        window: 50_000,
        ..Kind::default()
    };
    vec![record(kind(false, 0)), record(kind(true, 1))]
}

fn size(recording: &Recording) -> usize {
    recording.iter().flatten().map(Vec::len).sum()
}

#[test]
fn cut_off_at_any_byte_everything_ends() {
    for recording in recordings() {
        for most in 0..=size(&recording) {
            let mut user = User::new();
            user.play(&recording, most);
            user.end(&format!("cut after {most}"));
        }
    }
}

#[test]
fn silent_from_any_byte_on_everything_ends() {
    for recording in recordings() {
        for most in (0..=size(&recording)).step_by(3) {
            let mut user = User::new();
            user.play(&recording, most);
            user.wait();
            assert!(user.held.is_empty(), "silent after {most}: {} tokens did not end", user.held.len());
            user.end(&format!("silent after {most}"));
        }
    }
}

#[test]
fn garbled_at_any_byte_everything_ends() {
    const WRONG: [u8; 8] = [0, b' ', b')', b'(', b'{', b'"', b'\n', 0xff];
    for recording in recordings() {
        for at in 0..size(&recording) {
            let mut garbled = recording.clone();
            let byte = garbled.iter_mut().flatten().flatten().nth(at).expect("a byte");
            let wrong = WRONG[at % WRONG.len()];
            *byte = if *byte == wrong { b'*' } else { wrong };
            let mut user = User::new();
            user.play(&garbled, usize::MAX);
            user.end(&format!("{wrong:#x} at {at}"));
        }
    }
}

#[test]
fn each_piece_twice_everything_ends() {
    for recording in recordings() {
        for (round, pieces) in recording.iter().enumerate() {
            for (at, piece) in pieces.iter().enumerate() {
                let mut doubled = recording.clone();
                doubled[round].insert(at, piece.clone());
                let mut user = User::new();
                user.play(&doubled, usize::MAX);
                user.wait();
                user.end(&format!("piece {at} of round {round} twice"));
            }
        }
    }
}
