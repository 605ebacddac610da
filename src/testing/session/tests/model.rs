//! Several sessions on one mailbox, doing what they like. Each keeps the numbers as it is told of
//! them, and nothing else; at each step they have to be right, and in the end all have to know what
//! there truly is.

use bytes::Bytes;

use super::{Dice, Line, world};
use crate::testing::world::{Settings, Shared};
use crate::types::{Flags, MailboxName, UidSet};
use crate::wire::request::Change;

/// A client that believes what it is told.
struct Client {
    line: Line,
    /// The UID of each message, where it is known.
    numbers: Vec<Option<u32>>,
    idle: bool,
    story: String,
}

/// Which removals a command may bring.
#[derive(Clone, Copy, PartialEq, Eq)]
enum May {
    Remove,
    Not,
}

impl Client {
    fn new(shared: &Shared, qresync: bool) -> Self {
        let mut client =
            Self { line: Line::new(shared), numbers: Vec::new(), idle: false, story: String::new() };
        client.say("LOGIN alice secret", May::Not);
        if qresync {
            client.say("ENABLE QRESYNC", May::Not);
        }
        client.select();
        client
    }

    fn select(&mut self) {
        self.numbers.clear();
        self.say("SELECT INBOX", May::Not);
        self.learn();
    }

    /// Asks for all UIDs.
    fn learn(&mut self) {
        self.say("UID FETCH 1:* (UID)", May::Remove);
        // What has just been told to be new as well.
        assert!(self.numbers.iter().all(Option::is_some), "{}", self.story);
    }

    fn say(&mut self, command: &str, may: May) {
        assert!(!self.idle);
        let bytes = self.line.said(format!("a {command}\r\n").as_bytes());
        self.story.push_str(&format!("C: {command}\n"));
        let tagged = self.hear(&bytes, may);
        let tagged = tagged.unwrap_or_else(|| panic!("no end: {}", self.story));
        assert!(!tagged.starts_with("BAD"), "{}", self.story);
    }

    /// Takes in what is told; gives the tagged line.
    fn hear(&mut self, bytes: &[u8], may: May) -> Option<String> {
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
        // One that went before its UID was told is one of those that are unknown between its
        // neighbours.
        let between = |at: &usize| {
            let (before, after) = self.numbers.split_at(*at);
            after.first() == Some(&None)
                && before.iter().flatten().all(|known| *known < uid)
                && after.iter().flatten().all(|known| *known > uid)
        };
        let at = at.or_else(|| (0..self.numbers.len()).find(between));
        let Some(at) = at else { panic!("nobody knows {uid}: {}", self.story) };
        self.numbers.remove(at);
    }

    /// Something, as the dice will have it.
    fn act(&mut self, dice: &mut Dice) {
        if self.idle {
            self.idle = false;
            let bytes = self.line.said(b"DONE\r\n");
            self.hear(&bytes, May::Remove);
            return;
        }
        if dice.roll(20) == 0 {
            // From now on it hears of its own doing alone; what it does still has to be told by the
            // right numbers.
            self.say("NOTIFY NONE", May::Remove);
        }
        let count = self.numbers.len();
        let (n, uid) = (dice.roll(count) + 1, dice.roll(60) + 1);
        match dice.roll(if count == 0 { 8 } else { 20 }) {
            0 | 1 => self.say("NOOP", May::Remove),
            2 => self.say("EXPUNGE", May::Remove),
            3 => {
                let bytes = self.line.said(b"a IDLE\r\n");
                self.idle = true;
                self.hear(&bytes, May::Remove);
            }
            4 => self.say("APPEND INBOX {1+}\r\nx", May::Remove),
            5 => self.say(&format!("UID EXPUNGE {uid}:{}", uid + 5), May::Remove),
            6 => self.say(&format!("UID SEARCH UID {uid}:*"), May::Remove),
            7 => self.select(),
            8 | 9 => self.say(&format!("FETCH {n} (UID FLAGS)"), May::Not),
            10 => self.say(&format!("FETCH {n}:* (UID)"), May::Not),
            11 => self.say(&format!("UID FETCH {uid}:{} (UID)", uid + 9), May::Remove),
            12 | 13 => self.say(&format!("STORE {n} +FLAGS (\\Deleted)"), May::Not),
            14 => self.say(&format!("STORE {n} +FLAGS.SILENT (\\Deleted)"), May::Not),
            15 => self.say(&format!("UID STORE {uid} -FLAGS (\\Deleted)"), May::Remove),
            16 => self.say(&format!("COPY {n} INBOX"), May::Remove),
            17 => self.say(&format!("MOVE {n} Trash"), May::Remove),
            18 => self.say(&format!("SEARCH {n}"), May::Not),
            _ => self.say(&format!("UID MOVE {uid}:{} INBOX", uid + 3), May::Remove),
        }
    }

    /// What has come while nothing runs: only in IDLE there may be something.
    fn look(&mut self) {
        let bytes = self.line.said(b"");
        assert!(self.idle || bytes.is_empty(), "{}", self.story);
        self.hear(&bytes, May::Remove);
    }
}

fn truth(shared: &Shared) -> Vec<Option<u32>> {
    let world = shared.lock();
    let inbox = world.find("alice", &MailboxName::INBOX).unwrap();
    world.mailboxes.get(&inbox).unwrap().messages.keys().copied().map(Some).collect()
}

/// Somebody else, without a session.
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
            // With this, those that heard of nothing catch up.
            client.say("NOTIFY SET (selected-delayed (MessageNew MessageExpunge FlagChange))", May::Remove);
            client.say("NOOP", May::Remove);
            client.learn();
            assert_eq!(client.numbers, truth(&shared), "seed {seed}: {}", client.story);
        }
    }
}
