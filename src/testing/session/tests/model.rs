//! Several sessions on one mailbox with random commands. Each client stores the sequence numbers as
//! reported, and nothing else; at each step they must be right, and at the end all clients must
//! know the true state.

use bytes::Bytes;

use super::{Dice, Line, world};
use crate::testing::world::{Settings, Shared};
use crate::types::{Flags, MailboxName, UidSet};
use crate::wire::request::Change;

/// A client that relies on what the server reports.
struct Client {
    line: Line,
    /// The UID of each message, where known.
    numbers: Vec<Option<u32>>,
    idle: bool,
    story: String,
}

/// The removals that a command may bring.
#[derive(Clone, Copy, PartialEq, Eq)]
enum May {
    Remove,
    Not,
}

impl Client {
    fn new(shared: &Shared, qresync: bool) -> Self {
        let mut client =
            Self { line: Line::new(shared), numbers: Vec::new(), idle: false, story: String::new() };
        client.send("LOGIN alice secret", May::Not);
        if qresync {
            client.send("ENABLE QRESYNC", May::Not);
        }
        client.select();
        client
    }

    fn select(&mut self) {
        self.numbers.clear();
        self.send("SELECT INBOX", May::Not);
        self.learn();
    }

    /// Fetches all UIDs.
    fn learn(&mut self) {
        self.send("UID FETCH 1:* (UID)", May::Remove);
        // Including messages that were just reported as new.
        assert!(self.numbers.iter().all(Option::is_some), "{}", self.story);
    }

    fn send(&mut self, command: &str, may: May) {
        assert!(!self.idle);
        let bytes = self.line.exchange(format!("a {command}\r\n").as_bytes());
        self.story.push_str(&format!("C: {command}\n"));
        let tagged = self.receive(&bytes, may);
        let tagged = tagged.unwrap_or_else(|| panic!("no end: {}", self.story));
        assert!(!tagged.starts_with("BAD"), "{}", self.story);
    }

    /// Processes the server's output; returns the tagged line.
    fn receive(&mut self, bytes: &[u8], may: May) -> Option<String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let mut tagged = None;
        for line in text.lines() {
            self.story.push_str(&format!("S: {line}\n"));
            if let Some(rest) = line.strip_prefix("a ") {
                tagged = Some(rest.to_owned());
            }
            let Some(rest) = line.strip_prefix("* ") else { continue };
            if let Some(uids) = rest.strip_prefix("VANISHED ") {
                assert!(may == May::Remove, "{}", self.story);
                for uid in uids.parse::<UidSet>().unwrap().iter() {
                    self.vanish(uid.get());
                }
                continue;
            }
            let mut words = rest.splitn(3, ' ');
            let Some(number) = words.next().and_then(|n| n.parse::<usize>().ok()) else { continue };
            match words.next() {
                Some("EXISTS") => {
                    assert!(number >= self.numbers.len(), "a removal by the count: {}", self.story);
                    self.numbers.resize(number, None);
                }
                Some("EXPUNGE") => {
                    assert!(may == May::Remove, "{}", self.story);
                    assert!((1..=self.numbers.len()).contains(&number), "{}", self.story);
                    self.numbers.remove(number - 1);
                }
                Some("FETCH") => {
                    let uid = words.next().and_then(|row| row.split_once("UID ")).unwrap().1;
                    let uid = uid.split([' ', ')']).next().unwrap().parse().unwrap();
                    let known = self.numbers.get_mut(number - 1);
                    let Some(known) = known else { panic!("a number that there is not: {}", self.story) };
                    assert!(known.is_none_or(|known| known == uid), "another message: {}", self.story);
                    *known = Some(uid);
                }
                _ => {}
            }
        }
        tagged
    }

    fn vanish(&mut self, uid: u32) {
        let at = self.numbers.iter().position(|known| *known == Some(uid));
        // A message expunged before its UID was known is one of the unknown ones between its
        // neighbours.
        let between = |at: &usize| {
            let (before, after) = self.numbers.split_at(*at);
            after.first() == Some(&None)
                && before.iter().flatten().all(|known| *known < uid)
                && after.iter().flatten().all(|known| *known > uid)
        };
        let at = at.or_else(|| (0..self.numbers.len()).find(between));
        let Some(at) = at else { panic!("an unknown {uid}: {}", self.story) };
        self.numbers.remove(at);
    }

    /// A random command.
    fn act(&mut self, dice: &mut Dice) {
        if self.idle {
            self.idle = false;
            let bytes = self.line.exchange(b"DONE\r\n");
            self.receive(&bytes, May::Remove);
            return;
        }
        if dice.roll(20) == 0 {
            // From now on only the client's own changes are reported; their sequence numbers must
            // still be right.
            self.send("NOTIFY NONE", May::Remove);
        }
        let count = self.numbers.len();
        let (n, uid) = (dice.roll(count) + 1, dice.roll(60) + 1);
        match dice.roll(if count == 0 { 8 } else { 20 }) {
            0 | 1 => self.send("NOOP", May::Remove),
            2 => self.send("EXPUNGE", May::Remove),
            3 => {
                let bytes = self.line.exchange(b"a IDLE\r\n");
                self.idle = true;
                self.receive(&bytes, May::Remove);
            }
            4 => self.send("APPEND INBOX {1+}\r\nx", May::Remove),
            5 => self.send(&format!("UID EXPUNGE {uid}:{}", uid + 5), May::Remove),
            6 => self.send(&format!("UID SEARCH UID {uid}:*"), May::Remove),
            7 => self.select(),
            8 | 9 => self.send(&format!("FETCH {n} (UID FLAGS)"), May::Not),
            10 => self.send(&format!("FETCH {n}:* (UID)"), May::Not),
            11 => self.send(&format!("UID FETCH {uid}:{} (UID)", uid + 9), May::Remove),
            12 | 13 => self.send(&format!("STORE {n} +FLAGS (\\Deleted)"), May::Not),
            14 => self.send(&format!("STORE {n} +FLAGS.SILENT (\\Deleted)"), May::Not),
            15 => self.send(&format!("UID STORE {uid} -FLAGS (\\Deleted)"), May::Remove),
            16 => self.send(&format!("COPY {n} INBOX"), May::Remove),
            17 => self.send(&format!("MOVE {n} Trash"), May::Remove),
            18 => self.send(&format!("SEARCH {n}"), May::Not),
            _ => self.send(&format!("UID MOVE {uid}:{} INBOX", uid + 3), May::Remove),
        }
    }

    /// Reads output while no command runs: only IDLE may have some.
    fn look(&mut self) {
        let bytes = self.line.exchange(b"");
        assert!(self.idle || bytes.is_empty(), "{}", self.story);
        self.receive(&bytes, May::Remove);
    }
}

fn truth(shared: &Shared) -> Vec<Option<u32>> {
    let world = shared.lock();
    let inbox = world.find("alice", &MailboxName::INBOX).unwrap();
    world.mailboxes.get(&inbox).unwrap().messages.keys().copied().map(Some).collect()
}

/// A random change from outside of IMAP.
fn outside(shared: &Shared, dice: &mut Dice) {
    let mut world = shared.lock();
    let inbox = world.find("alice", &MailboxName::INBOX).unwrap();
    let uid = u32::try_from(dice.roll(60) + 1).unwrap();
    match dice.roll(3) {
        0 => {
            let new = world.message("alice", Bytes::from_static(b"x"), Flags::new(), None);
            world.add(inbox, new, None).unwrap();
        }
        1 => drop(world.remove(inbox, &[uid, uid + 1], None)),
        _ => {
            let flags = Flags::from_iter(["\\Seen".into(), "$Work".into()]);
            world.change(inbox, &[uid], (Change::Add, &flags), None);
        }
    }
}

#[test]
fn the_numbers_of_each_session_hold() {
    for seed in 0..300 {
        let mut dice = Dice::new(seed);
        let shared = world(Settings::default());
        for _ in 0..8 {
            let mut world = shared.lock();
            let inbox = world.find("alice", &MailboxName::INBOX).unwrap();
            let new = world.message("alice", Bytes::from_static(b"x"), Flags::new(), None);
            world.add(inbox, new, None).unwrap();
        }
        let mut clients: Vec<Client> = (0..4).map(|i| Client::new(&shared, i % 2 == 1)).collect();
        for _ in 0..60 {
            match dice.roll(5) {
                4 => outside(&shared, &mut dice),
                i => clients[i].act(&mut dice),
            }
            clients.iter_mut().for_each(Client::look);
        }
        for client in &mut clients {
            if client.idle {
                client.act(&mut dice);
            }
            // With this, clients without notifications catch up.
            client.send("NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))", May::Remove);
            client.send("NOOP", May::Remove);
            client.learn();
            assert_eq!(client.numbers, truth(&shared), "seed {seed}: {}", client.story);
        }
    }
}
