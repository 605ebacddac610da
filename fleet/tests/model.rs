//! A model of the protocol, searched exhaustively for small sizes: two workers, one mailbox with
//! three changes of two kinds, publishes that are late, lost answers, crashes, leases that run out.
//!
//! It is a search of our own rather than a model checker's: the states are few, and the rules are
//! some lines each, in the words of lease.rs, outbox.rs and publish.rs.
//!
//! A change may be undone before the next worker looks: then it finds nothing, and passes it. And
//! JetStream may forget identities of events that are behind the cursor.
//!
//! What holds in each state: the stream is the changes in their order, each once, without a gap but
//! for changes that were passed; and none that was passed is in it, since it would never be taken
//! back. Each rule of the protocol that is left out leads to a state where that is not so. The
//! watchdog is not needed for it, nor are the identities that JetStream knows: they keep publishes
//! that come to nothing few, and cheap.
#![allow(missing_docs)]

use std::collections::{BTreeSet, HashSet, VecDeque};

/// How many changes there are; an odd one and an even one have different subjects.
const CHANGES: u8 = 3;
const WORKERS: usize = 2;
/// How many publishes are under way at most, late ones included.
const MAX_IN_FLIGHT: usize = 3;
/// How many workers crash or run out, in all.
const MAX_FAULTS: u8 = 2;

/// Which rules hold; each is left out in one test.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// What is written for an account checks the token of its lease.
    token: bool,
    /// JetStream compares the expected sequence of the subject.
    sequence: bool,
    /// JetStream drops identities that it knows.
    identity: bool,
    /// A change is in the outbox before it is published.
    outbox: bool,
    /// A worker that learns a subject's sequence sees whether it is that of the change itself.
    look: bool,
}

const ALL: Rules = Rules { token: true, sequence: true, identity: true, outbox: true, look: true };

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Publish {
    worker: usize,
    change: u8,
    expected: u8,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Idle,
    /// Finishes what is in the outbox: the changes that are left of it.
    Finish(Vec<u8>),
    /// Follows, from this change on.
    Follow(u8),
    /// Has put this change into the outbox, and publishes it.
    Publish(u8),
    /// JetStream has it.
    Published(u8),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Worker {
    phase: Phase,
    token: u8,
    /// The last sequence of each subject as it knows it.
    known: [Option<u8>; 2],
    allowed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    // The database.
    owner: Option<usize>,
    token: u8,
    cursor: u8,
    outbox: Vec<u8>,
    // JetStream.
    stream: Vec<u8>,
    /// Identities up to this one are not known any more.
    forgotten: u8,
    in_flight: BTreeSet<Publish>,
    // The workers.
    workers: [Worker; WORKERS],
    faults: u8,
    /// Changes that were undone before a worker saw them.
    passed: BTreeSet<u8>,
}

impl State {
    fn start() -> Self {
        let idle = Worker { phase: Phase::Idle, token: 0, known: [None; 2], allowed: true };
        Self {
            owner: None,
            token: 0,
            cursor: 0,
            outbox: Vec::new(),
            stream: Vec::new(),
            forgotten: 0,
            in_flight: BTreeSet::new(),
            workers: [idle.clone(), idle],
            faults: 0,
            passed: BTreeSet::new(),
        }
    }

    /// The sequence of the last change of this subject.
    fn last(&self, subject: usize) -> u8 {
        let place = self.stream.iter().rposition(|change| usize::from(change % 2) == subject);
        place.map_or(0, |place| place as u8 + 1)
    }

    /// The last change of this subject.
    fn last_change(&self, subject: usize) -> Option<u8> {
        self.stream.iter().copied().rfind(|change| usize::from(change % 2) == subject)
    }

    /// JetStream has this change, as the worker learns, if it still waits for that.
    fn acknowledged(&mut self, worker: usize, change: u8, sequence: Option<u8>) {
        if self.publishing(worker) != Some(change) {
            return;
        }
        let me = &mut self.workers[worker];
        me.known[usize::from(change % 2)] = sequence;
        me.phase = match std::mem::replace(&mut me.phase, Phase::Idle) {
            Phase::Finish(mut left) => {
                left.remove(0);
                Phase::Finish(left)
            }
            _ => Phase::Published(change),
        };
    }

    fn holds(&self, worker: usize) -> bool {
        self.owner == Some(worker) && self.token == self.workers[worker].token
    }

    /// Whether a statement of this worker is done.
    fn may_write(&self, worker: usize, rules: Rules) -> bool {
        !rules.token || self.token == self.workers[worker].token
    }

    /// What a worker publishes now.
    fn publishing(&self, worker: usize) -> Option<u8> {
        match &self.workers[worker].phase {
            Phase::Finish(left) => left.first().copied(),
            Phase::Publish(change) => Some(*change),
            _ => None,
        }
    }

    fn next(&self, rules: Rules) -> Vec<State> {
        let mut states = Vec::new();
        for worker in 0..WORKERS {
            self.work(worker, rules, &mut states);
            self.fail(worker, &mut states);
        }
        for publish in &self.in_flight {
            self.land(publish, rules, &mut states);
        }
        if self.forgotten < self.cursor {
            states.push(self.with(|state| state.forgotten = state.cursor));
        }
        states
    }

    fn with(&self, change: impl FnOnce(&mut State)) -> State {
        let mut state = self.clone();
        change(&mut state);
        state
    }

    fn lose(&mut self, worker: usize) {
        self.workers[worker] = Worker { phase: Phase::Idle, token: 0, known: [None; 2], allowed: true };
    }

    /// The steps of a worker itself.
    fn work(&self, worker: usize, rules: Rules, states: &mut Vec<State>) {
        let me = &self.workers[worker];
        match &me.phase {
            Phase::Idle if self.owner.is_none() => states.push(self.with(|state| {
                (state.owner, state.token) = (Some(worker), state.token + 1);
                state.workers[worker].token = state.token;
                state.workers[worker].phase = Phase::Finish(state.outbox.clone());
            })),
            Phase::Finish(left) if left.is_empty() => states.push(self.with(|state| {
                if !state.may_write(worker, rules) {
                    return state.lose(worker);
                }
                state.cursor = state.outbox.last().copied().unwrap_or(state.cursor);
                state.outbox.clear();
                state.workers[worker].phase = Phase::Follow(state.cursor);
            })),
            Phase::Follow(at) if *at < CHANGES => {
                self.pass(worker, at + 1, rules, states);
                states.push(self.with(|state| {
                    if rules.outbox {
                        if !state.may_write(worker, rules) {
                            return state.lose(worker);
                        }
                        state.outbox.push(at + 1);
                    }
                    state.workers[worker].phase = Phase::Publish(at + 1);
                }));
            }
            Phase::Published(change) => states.push(self.with(|state| {
                if !state.may_write(worker, rules) {
                    return state.lose(worker);
                }
                state.cursor = *change;
                state.outbox.retain(|left| left > change);
                state.workers[worker].phase = Phase::Follow(*change);
            })),
            _ => {}
        }
        if let Some(change) = self.publishing(worker) {
            let subject = usize::from(change % 2);
            match me.known[subject] {
                None => states.push(self.with(|state| {
                    let sequence = Some(state.last(subject));
                    if rules.look && state.last_change(subject) == Some(change) {
                        state.acknowledged(worker, change, sequence);
                    } else {
                        state.workers[worker].known[subject] = sequence;
                    }
                })),
                Some(expected) if me.allowed && self.in_flight.len() < MAX_IN_FLIGHT => {
                    // Also once more, as after a time without an answer.
                    states.push(self.with(|state| {
                        state.in_flight.insert(Publish { worker, change, expected });
                    }));
                }
                Some(_) => {}
            }
        }
    }

    /// The change was undone before this worker looked, and the cursor passes it.
    fn pass(&self, worker: usize, change: u8, rules: Rules, states: &mut Vec<State>) {
        states.push(self.with(|state| {
            if !state.may_write(worker, rules) {
                return state.lose(worker);
            }
            state.passed.insert(change);
            state.cursor = change;
            state.workers[worker].phase = Phase::Follow(change);
        }));
    }

    /// A crash; a watchdog that stops; a lease that runs out, as it can once the watchdog has
    /// stopped.
    fn fail(&self, worker: usize, states: &mut Vec<State>) {
        if self.workers[worker].allowed && self.workers[worker].token > 0 {
            states.push(self.with(|state| state.workers[worker].allowed = false));
        }
        if self.faults == MAX_FAULTS {
            return;
        }
        if self.owner == Some(worker) && !self.workers[worker].allowed {
            states.push(self.with(|state| {
                state.owner = None;
                state.faults += 1;
            }));
        }
        if self.workers[worker].token > 0 {
            // Its lease runs out some time after.
            states.push(self.with(|state| {
                state.faults += 1;
                if state.owner == Some(worker) {
                    state.owner = None;
                }
                state.lose(worker);
            }));
        }
    }

    /// A publish arrives; or never does.
    fn land(&self, publish: &Publish, rules: Rules, states: &mut Vec<State>) {
        let lost = self.with(|state| _ = state.in_flight.remove(publish));
        let subject = usize::from(publish.change % 2);
        let is_known =
            rules.identity && publish.change > self.forgotten && self.stream.contains(&publish.change);
        let is_expected = !rules.sequence || self.last(subject) == publish.expected;
        let waits = self.publishing(publish.worker) == Some(publish.change);
        let landed = lost.with(|state| {
            if is_known {
                state.acknowledged(publish.worker, publish.change, None);
            } else if is_expected {
                state.stream.push(publish.change);
                let sequence = state.last(subject);
                state.acknowledged(publish.worker, publish.change, Some(sequence));
            } else if waits {
                if !state.holds(publish.worker) {
                    return state.lose(publish.worker);
                }
                // Learnt again before it is published again.
                state.workers[publish.worker].known[subject] = None;
            }
        });
        states.push(landed);
        states.push(lost);
    }

    /// See the head of this file.
    fn is_good(&self) -> bool {
        let last = self.stream.last().copied().unwrap_or(0);
        let wanted = (1..=last).filter(|change| !self.passed.contains(change));
        self.stream.iter().copied().eq(wanted)
            && (last + 1..=self.cursor).all(|change| self.passed.contains(&change))
    }
}

/// All states that can be reached: how many, whether one delivers all, and the first bad one.
fn search(rules: Rules) -> (usize, bool, Option<State>) {
    let mut seen = HashSet::from([State::start()]);
    let mut queue = VecDeque::from([State::start()]);
    let mut delivers = false;
    while let Some(state) = queue.pop_front() {
        for next in state.next(rules) {
            if !next.is_good() {
                return (seen.len(), delivers, Some(next));
            }
            delivers |= next.cursor == CHANGES && next.faults == MAX_FAULTS;
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    (seen.len(), delivers, None)
}

#[test]
fn no_order_of_steps_loses_doubles_or_reorders_a_change() {
    let (states, delivers, bad) = search(ALL);
    assert_eq!(bad, None);
    assert!(states > 1000 && delivers, "{states} states, delivers: {delivers}");
    let (_, _, bad) = search(Rules { identity: false, ..ALL });
    assert_eq!(bad, None, "the window of identities may be as short as it likes");
}

/// Else the search would prove nothing.
#[test]
fn each_rule_is_needed() {
    for (name, rules) in [
        ("token", Rules { token: false, ..ALL }),
        ("sequence", Rules { sequence: false, ..ALL }),
        ("outbox", Rules { outbox: false, ..ALL }),
        ("look", Rules { look: false, ..ALL }),
    ] {
        assert!(search(rules).2.is_some(), "without {name} nothing goes wrong");
    }
}
