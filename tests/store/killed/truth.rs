//! What has to be, by the user's journal and by what others did; and what there is, at the server
//! and in the file, read by nothing of the library.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::others::Others;
use super::{BOX, DOOMED, RENAMED};
use crate::support::dovecot::Dovecot;

/// What has to be of the messages with one subject.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// How many there are, at least and at most.
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) is_copied: bool,
    /// Those that the user sets. `None`: either, since the program was killed at it.
    pub(super) flags: BTreeMap<String, Option<bool>>,
    /// It was in a mailbox that may have gone, with what was to be done to it.
    is_doomed: bool,
    /// It was in one that others rename: Dovecot loses the UIDs of one that is opened meanwhile,
    /// and what was to be done to a message may be lost.
    is_shaky: bool,
    /// Others have moved it, who knows when.
    is_moved: bool,
    history: Vec<String>,
}

impl Truth {
    /// It was in this mailbox.
    fn pass(&mut self, mailbox: &str) {
        self.is_doomed |= mailbox == DOOMED;
        self.is_shaky |= mailbox == DOOMED || mailbox == RENAMED.0 || mailbox == RENAMED.1;
    }

    fn has(&mut self, flag: &str, has: Option<bool>) {
        self.flags.insert(flag.to_owned(), has);
    }

    /// What the user did to it.
    fn take(&mut self, line: &Value, is_done: bool) {
        let named = |name: &str| line[name].as_str().unwrap_or_default();
        let what = named("do");
        self.history.push(format!("{what} {line} ({is_done})"));
        self.pass(named("from"));
        match what {
            "append" | "copy" | "replace" | "move" => self.pass(named("target")),
            _ => {}
        }
        match what {
            "append" | "copy" | "replace" => {
                // What is copied may be gone before.
                self.least += usize::from(is_done && !(what == "copy" && self.is_shaky));
                self.most += 1;
                self.is_copied |= what == "copy";
            }
            // Others have moved it, perhaps at the same moment: Dovecot does both.
            "move" | "delete" => self.most += usize::from(self.is_moved),
            "flag" | "unflag" => self.has(FLAGGED, is_done.then_some(what == "flag")),
            "label" => {
                self.has(named("remove"), is_done.then_some(false));
                self.has(named("add"), is_done.then_some(true));
            }
            "expunge" => {
                self.least = self.least.saturating_sub(1);
                self.most -= usize::from(is_done && self.most > 0 && !self.is_shaky);
            }
            "drop" => self.drop(named("what")),
            _ => {}
        }
        if self.is_shaky {
            self.flags.values_mut().for_each(|has| *has = None);
        }
        if self.is_doomed {
            self.least = 0;
        }
    }

    /// The user has given up something that was to be done to it, and may have been done.
    fn drop(&mut self, what: &str) {
        match what {
            "flags" => self.flags.values_mut().for_each(|has| *has = None),
            // It may be back in a mailbox that is to go; or be left as a copy alone.
            "move" | "append" | "copy" => self.least = 0,
            "expunge" => self.most += 1,
            _ => {}
        }
    }
}

const FLAGGED: &str = "\\Flagged";

/// The mailboxes that the user has made: whether each is there; `None`: either.
pub(super) type Boxes = BTreeMap<String, Option<bool>>;

/// What the user did: each with whether it is done, or the program was killed at it.
fn deeds(journal: &str) -> Vec<(Value, bool)> {
    let lines: Vec<Value> =
        journal.lines().map(|line| serde_json::from_str(line).expect("whole lines")).collect();
    let mut deeds = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1).and_then(|next| next["end"].as_str());
        if line["do"].is_string() && next != Some("failed") {
            deeds.push((line.clone(), next == Some("done")));
        }
    }
    deeds
}

fn text(line: &Value, name: &str) -> String {
    line[name].as_str().expect("a text").to_owned()
}

/// What has to be of messages.
pub(super) fn truths(journal: &str, others: &Others) -> BTreeMap<String, Truth> {
    let mut truths: BTreeMap<String, Truth> = BTreeMap::new();
    for subject in &others.arrived {
        let mut truth = Truth { least: 1, most: 1, ..Truth::default() };
        truth.has(FLAGGED, Some(false));
        truths.insert(subject.clone(), truth);
    }
    for subject in &others.moved {
        let truth = truths.entry(subject.clone()).or_default();
        (truth.is_shaky, truth.is_moved) = (true, true);
    }
    for (line, is_done) in deeds(journal) {
        if line["subject"].is_null() {
            continue;
        }
        if line["do"] == "replace" {
            // It goes once the newer one is at the server; if that is removed before, it stays.
            let older = truths.entry(text(&line, "older")).or_default();
            older.least = older.least.saturating_sub(1);
            older.history.push(format!("is replaced by {} ({is_done})", line["subject"]));
        }
        truths.entry(text(&line, "subject")).or_default().take(&line, is_done);
    }
    for subject in &others.removed {
        truths.entry(subject.clone()).or_default().least = 0;
    }
    truths
}

/// What was done to, or in, the user's own mailboxes.
pub(super) fn of_boxes(journal: &str) -> Vec<String> {
    let named = |line: &Value, name: &str| line[name].as_str().is_some_and(|name| name.starts_with(BOX));
    let deeds = deeds(journal).into_iter();
    let of_boxes = deeds.filter(|(line, _)| named(line, "mailbox") || named(line, "target"));
    of_boxes.map(|(line, is_done)| format!("{line} {is_done}")).collect()
}

/// What has to be of the user's own mailboxes.
pub(super) fn boxes(journal: &str) -> Boxes {
    let mut boxes = Boxes::new();
    for (line, is_done) in deeds(journal) {
        if line["mailbox"].is_null() {
            continue;
        }
        let is_made = line["do"] == "create";
        boxes.insert(text(&line, "mailbox"), is_done.then_some(is_made));
        if line["do"] == "rename" {
            boxes.insert(text(&line, "to"), is_done.then_some(true));
        }
    }
    boxes
}

/// Mailbox and UID, with flags and subject.
pub(super) type Mail = BTreeMap<(String, u32), (BTreeSet<String>, String)>;

/// All mailboxes at the server, and what is in them, by a plain client.
pub(super) async fn at_server(server: &Dovecot, user: &str) -> (BTreeSet<String>, Mail) {
    let mut mail = Mail::new();
    let mut session = server.session(user).await;
    let listed = session.command("LIST \"\" *").await;
    let names: BTreeSet<String> = listed
        .iter()
        .filter_map(|row| row.strip_prefix("* LIST "))
        .map(|row| {
            row.split_once(") ")
                .and_then(|(_, row)| row.split_once(' '))
                .expect("LIST")
                .1
                .trim_matches('"')
                .to_owned()
        })
        .collect();
    for name in &names {
        session.select(name).await;
        let rows = session.attempt("UID FETCH 1:* (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])").await;
        for row in rows.lines() {
            if !row.contains(" FETCH (") {
                continue;
            }
            let after = |what: &str| row.split_once(what).expect("it was asked for").1;
            let uid = after("UID ").split([' ', ')']).next().expect("a number").parse().expect("a number");
            let flags = after("FLAGS (").split(')').next().expect("a list");
            let subject = after("Subject: ").lines().next().expect("a line").to_owned();
            mail.insert((name.to_owned(), uid), (flags_of(flags), subject));
        }
    }
    session.logout().await;
    (names, mail)
}

/// What is not the same, with what the user did to it.
pub(super) fn differences(file: &Mail, server: &Mail, journal: &str) -> Vec<String> {
    let places: BTreeSet<_> = file.keys().chain(server.keys()).collect();
    let differ = places.into_iter().filter(|place| file.get(*place) != server.get(*place));
    let described = differ.map(|place| {
        let (here, there) = (file.get(place), server.get(place));
        let subject = here.or(there).map_or("", |(_, subject)| subject);
        let about = |line: &&str| line.contains(&format!("\"{subject}\""));
        let history: Vec<&str> = journal.lines().filter(about).collect();
        format!("{place:?}: {here:?} here, {there:?} there; {history:?}")
    });
    described.collect()
}

/// The user's own mailboxes that are there and should not be, or the other way round.
pub(super) fn wrong_boxes(boxes: &Boxes, names: &BTreeSet<String>) -> Vec<String> {
    let wrong =
        boxes.iter().filter(|(name, there)| there.is_some_and(|there| there != names.contains(*name)));
    let nowhere = names.iter().filter(|name| name.starts_with(BOX) && !boxes.contains_key(*name));
    wrong.map(|(name, there)| format!("{name}: {there:?}")).chain(nowhere.cloned()).collect()
}

fn flags_of(text: &str) -> BTreeSet<String> {
    text.split_whitespace().filter(|flag| *flag != "\\Recent").map(str::to_owned).collect()
}

/// All mailboxes in the file, and what is in them, by SQL.
pub(super) fn in_file(path: &Path) -> (BTreeSet<String>, Mail) {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a store");
    let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("readable");
    assert_eq!(sound, "ok");
    let left = "SELECT ifnull(group_concat(id || ' ' || args || ' ' || state, ', '), '') FROM operation";
    let left: String = file.query_row(left, [], |row| row.get(0)).expect("readable");
    assert_eq!(left, "", "operations that are left");
    let mut find =
        file.prepare("SELECT name, shown_name IS name FROM mailbox WHERE key IS NOT NULL").expect("SQL");
    let names = find.query_map([], |row| {
        assert!(row.get::<_, bool>(1)?, "the user sees it by its name");
        row.get(0)
    });
    let names = names.expect("SQL").map(|row| row.expect("a row")).collect();
    let mut find = file
        .prepare(
            "SELECT b.name, m.uid, m.shown, c.subject, m.place = m.mailbox, m.shown = m.flags FROM message m \
             JOIN mailbox b ON b.id = m.mailbox JOIN content c ON c.id = m.content",
        )
        .expect("SQL");
    let rows = find.query_map([], |row| {
        assert!(row.get::<_, bool>(4)? && row.get::<_, bool>(5)?, "it is seen as it is");
        let (flags, subject): (String, String) = (row.get(2)?, row.get(3)?);
        Ok(((row.get(0)?, row.get(1)?), (flags_of(&flags), subject)))
    });
    (names, rows.expect("SQL").map(|row| row.expect("a row")).collect())
}

/// Bodies in the file that are not what the server sends of a message with that content.
pub(super) async fn wrong_bodies(server: &Dovecot, user: &str, path: &Path) -> Vec<String> {
    let bodies: Vec<(String, u32, i64)> = {
        let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a store");
        let mut find = file
            .prepare(
                "SELECT b.name, m.uid, y.id FROM body y JOIN message m ON m.content = y.content \
                 JOIN mailbox b ON b.id = m.mailbox WHERE y.section = '' AND y.complete = 1 ORDER BY b.name, m.uid",
            )
            .expect("SQL");
        let rows = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("SQL");
        rows.map(|row| row.expect("a row")).collect()
    };
    let (mut wrong, mut session) = (Vec::new(), server.session(user).await);
    for (mailbox, uid, body) in bodies {
        session.command(&format!("EXAMINE {mailbox}")).await;
        let there = session.body(uid).await;
        let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a store");
        let mut find = file.prepare("SELECT data FROM piece WHERE body = ? ORDER BY number").expect("SQL");
        let pieces = find.query_map([body], |row| row.get::<_, Vec<u8>>(0)).expect("SQL");
        let here: Vec<u8> = pieces.flat_map(|piece| piece.expect("a row")).collect();
        if here != there {
            let begin = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
            wrong.push(format!(
                "{mailbox} {uid}: {} bytes here, {} there: {} {}",
                here.len(),
                there.len(),
                begin(&here),
                begin(&there)
            ));
        }
    }
    session.logout().await;
    wrong
}
