//! Eight sessions at one mailbox, each with its view: all deliver, flag, move and expunge at once,
//! and at quiet points each snapshot, and what each event stream amounts to, is what a fresh
//! session finds.
//!
//! Runs for some seconds; for longer with `IMAP_DUPLEX_CROWD=SECONDS`.

use std::time::{Duration, Instant};

use imap_duplex::command::{Append, Store};
use imap_duplex::types::{Event, EventKind, Flag, Flags, Seq, Uid, ViewSync};
use imap_duplex::{Mailbox, Sender, Snapshot};

use crate::account::{MESSAGE, plain};
use crate::client::Events;
use crate::server::{Options, Server};
use crate::support::{fresh_user, within};
use crate::variants::without;

const SESSIONS: usize = 8;

/// A mailbox as the events report it: UIDs by number, where they are known.
#[derive(Default)]
struct Followed(Vec<Option<Uid>>);

impl Followed {
    fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Opened { exists, .. } => self.0 = vec![None; *exists as usize],
            EventKind::Exists { count, .. } => self.0.resize(*count as usize, None),
            EventKind::Arrived { seq, uid, .. } => self.0[at(*seq)] = Some(*uid),
            // One of several that were not known by UID: which of them is not known either.
            EventKind::Expunged { seq: None, uid, .. } => {
                let known = self.0.iter().position(|known| known.is_some() && known == uid);
                let unknown = || self.0.iter().position(Option::is_none).expect("one that is not known");
                self.0.remove(known.unwrap_or_else(unknown));
            }
            EventKind::Expunged { seq, uid, .. } => {
                let known = self.0.remove(at(*seq));
                assert!(known.is_none() || *uid == known, "{event} was {known:?}");
            }
            EventKind::Contradiction { .. } | EventKind::Lagged(_) => panic!("{event}"),
            _ => {}
        }
    }
}

fn at(seq: Option<Seq>) -> usize {
    seq.expect("the view knows the numbers").get() as usize - 1
}

/// Numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        u32::try_from((self.0 >> 33) % u64::from(sides)).expect("below a u32")
    }
}

struct Member {
    imap: Sender,
    inbox: Mailbox,
    events: Events,
    reported: Followed,
    dice: Dice,
}

impl Member {
    /// Does something, by what its snapshot shows; others may have been quicker, so nothing need be
    /// there any more.
    async fn act(&mut self) {
        let snapshot = self.inbox.snapshot();
        let seq = Seq::new(self.dice.throw(snapshot.len().max(1)) + 1).expect("not 0");
        let uid = snapshot.uid(seq);
        let flag = [Flag::Seen, Flag::Flagged, Flag::new("$Work"), Flag::new("a")]
            [self.dice.throw(4) as usize]
            .clone();
        match (self.dice.throw(10), uid) {
            (0..3, _) | (_, None) => {
                let message = Append::new(MESSAGE).flags([flag]);
                self.imap.append("INBOX", message).await.expect("APPEND");
            }
            (3..6, Some(uid)) => drop(self.inbox.store(uid, Store::add([flag])).await.expect("STORE")),
            (6, Some(uid)) => {
                drop(self.inbox.store(uid, Store::remove([flag]).silent()).await.expect("STORE"))
            }
            (7, Some(_)) => drop(self.inbox.store(seq..=seq, Store::add([flag])).await),
            (8, Some(uid)) => {
                self.inbox.store(uid, Store::add([Flag::Deleted]).silent()).await.expect("STORE");
                self.inbox.expunge(uid).await.expect("EXPUNGE");
            }
            // By number: the engine makes sure that it is this very message, or none.
            (_, Some(_)) => drop(self.inbox.move_to(seq..=seq, "Gone").await),
        }
        self.listen();
    }

    fn listen(&mut self) {
        for event in self.events.ready() {
            if event.is_in(&self.inbox) {
                self.reported.apply(&event);
            }
        }
    }

    /// Asks what is new until its view is complete; the snapshot of then.
    async fn settled(&mut self) -> Snapshot {
        for _ in 0..200 {
            self.imap.noop().await.expect("NOOP");
            let snapshot = self.inbox.snapshot();
            if snapshot.is_complete() && snapshot.flags_unknown() == 0 {
                self.listen();
                return snapshot;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the view is not filled in: {:?}", self.inbox.snapshot());
    }
}

/// UIDs and flags as a fresh session finds them, not by way of the library.
async fn truth(server: &Server, user: &str) -> Vec<(u32, Flags)> {
    let mut other = server.session(user).await;
    let reported = other.select("INBOX").await;
    let mut rows = Vec::new();
    if !reported.iter().any(|line| line == "* 0 EXISTS") {
        for line in other.command("UID FETCH 1:* (FLAGS)").await {
            let Some((_, items)) = line.split_once(" FETCH (") else { continue };
            let uid = items.split_once("UID ").expect("a UID").1;
            let uid = uid.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
            let flags = items.split_once("FLAGS (").expect("flags").1.split_once(')').expect("their end").0;
            let flags = flags.split_whitespace().filter(|name| *name != "\\Recent").map(Flag::new).collect();
            rows.push((uid.expect("a number"), flags));
        }
    }
    other.logout().await;
    rows
}

async fn crowd(options: Options) {
    let seconds = std::env::var("IMAP_DUPLEX_CROWD").map_or(3, |s| s.parse().expect("seconds"));
    let server = Server::with(&options);
    let user = fresh_user();
    let mut members = Vec::new();
    for i in 0..SESSIONS {
        // Some idle between what they do.
        let config = plain(&server, &user).auto_idle(i % 2 == 0).view_sync(ViewSync::Flags);
        let (imap, receiver) = config.connect().await.expect("a login");
        if i == 0 {
            imap.create("Gone").await.expect("CREATE");
        }
        let mut events = Events::strict(receiver);
        let inbox = imap.select("INBOX").await.expect("SELECT");
        let mut reported = Followed::default();
        events.ready().iter().filter(|event| event.is_in(&inbox)).for_each(|event| reported.apply(event));
        members.push(Member { imap, inbox, events, reported, dice: Dice(i as u64 + 7) });
    }
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    while Instant::now() < end || rounds < 2 {
        rounds += 1;
        let tasks: Vec<_> = members
            .drain(..)
            .map(|mut member| {
                tokio::spawn(async move {
                    for _ in 0..12 {
                        member.act().await;
                    }
                    member
                })
            })
            .collect();
        for task in tasks {
            members.push(task.await.expect("no panic"));
        }
        let truth = truth(&server, &user).await;
        for (i, member) in members.iter_mut().enumerate() {
            let snapshot = member.settled().await;
            let known: Vec<(u32, Flags)> = snapshot
                .iter()
                .map(|known| {
                    let mut flags = known.flags().cloned().expect("known flags");
                    flags.remove(&Flag::Recent);
                    (known.uid().expect("a known UID").get(), flags)
                })
                .collect();
            assert_eq!(known, truth, "round {rounds}, session {i}");
            assert_eq!(member.reported.0.len(), truth.len(), "round {rounds}, session {i}: by the events");
            let reported = member.reported.0.iter().zip(&truth);
            reported.filter_map(|(reported, (uid, _))| Some((reported.as_ref()?.get(), *uid))).for_each(
                |(reported, uid)| {
                    assert_eq!(reported, uid, "round {rounds}, session {i}: by the events");
                },
            );
        }
    }
    for member in members {
        member.imap.logout().await.expect("LOGOUT");
    }
}

fn limit() -> Duration {
    let seconds = std::env::var("IMAP_DUPLEX_CROWD").map_or(0, |s| s.parse().expect("seconds"));
    Duration::from_secs(90 + 2 * seconds)
}

#[tokio::test]
async fn eight_sessions_with_qresync() {
    within(limit(), crowd(Options::default())).await;
}

#[tokio::test]
async fn eight_sessions_with_condstore() {
    within(limit(), crowd(without(&["QRESYNC"]))).await;
}

#[tokio::test]
async fn eight_sessions_with_neither() {
    within(limit(), crowd(without(&["QRESYNC", "CONDSTORE", "ENABLE", "ESEARCH"]))).await;
}
