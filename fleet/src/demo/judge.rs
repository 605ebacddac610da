//! The judge of the demonstration: what the consumer got, against what is in the mailboxes.
//!
//! In: the consumer's lines, the truth. Out: what was lost and what was doubled.

use std::collections::{BTreeMap, HashSet};

use super::consumer::Line;
use super::mail::Truth;
use crate::event::{Event, Kind};

/// A mailbox as its events have it.
#[derive(Debug, Default)]
struct Seen {
    uid_validity: u32,
    messages: BTreeMap<u32, Vec<String>>,
    /// All that have ever arrived.
    arrived: HashSet<u32>,
    expunged: HashSet<u32>,
}

/// What the consumer got, added up.
#[derive(Debug, Default)]
pub(super) struct Judge {
    mailboxes: BTreeMap<(String, String), Seen>,
    /// Different events.
    pub(super) delivered: u64,
    /// Events that JetStream delivered, known ones included.
    pub(super) acknowledged: u64,
    /// Changes that came twice under two identities.
    pub(super) duplicates: u64,
    /// The last place in the stream: an event that comes from before it is delivered once more.
    last_sequence: u64,
    /// Messages that were expunged, whose arrival never came.
    never_arrived: u64,
    /// Events that came out of order, though not known.
    pub(super) late: u64,
}

impl Judge {
    /// The consumer has written a line.
    pub(super) fn add(&mut self, line: &Line) {
        self.acknowledged += 1;
        if line.known {
            return;
        }
        self.delivered += 1;
        self.late += u64::from(line.sequence < self.last_sequence);
        self.last_sequence = self.last_sequence.max(line.sequence);
        self.apply(&line.event);
    }

    fn apply(&mut self, event: &Event) {
        let seen = self.mailboxes.entry((event.account.clone(), event.mailbox.clone())).or_default();
        let validity = event.uid_validity.unwrap_or(0);
        if event.kind == Kind::Reset || (validity != 0 && seen.uid_validity != validity) {
            *seen = Seen { uid_validity: validity, ..Seen::default() };
        }
        let flags = || {
            let mut flags = event.flags.clone().unwrap_or_default();
            flags.sort();
            flags
        };
        match (event.kind, event.uid) {
            (Kind::Arrived, Some(uid)) => {
                self.duplicates += u64::from(!seen.arrived.insert(uid));
                seen.messages.insert(uid, flags());
            }
            (Kind::Flags, Some(uid)) => {
                if let Some(known) = seen.messages.get_mut(&uid) {
                    *known = flags();
                }
            }
            (Kind::Expunged, Some(uid)) => {
                self.duplicates += u64::from(!seen.expunged.insert(uid));
                self.never_arrived += u64::from(!seen.arrived.contains(&uid));
                seen.messages.remove(&uid);
            }
            (Kind::Deleted, _) => *seen = Seen::default(),
            _ => {}
        }
    }

    /// How many messages and flags differ from the truth, with some of them in words.
    pub(super) fn lost(&self, truth: &Truth) -> (u64, Vec<String>) {
        let mut lost = self.never_arrived;
        let mut examples = Vec::new();
        let mut differs = |what: String| {
            lost += 1;
            if examples.len() < 10 {
                examples.push(what);
            }
        };
        let nothing = Seen::default();
        for ((account, mailbox), there) in truth {
            let seen = self.mailboxes.get(&(account.clone(), mailbox.clone())).unwrap_or(&nothing);
            let place = format!("{account} {mailbox}");
            for (uid, flags) in &there.messages {
                match seen.messages.get(uid) {
                    None => differs(format!("{place}: {uid} is there and never arrived")),
                    Some(known) if known != flags => {
                        differs(format!("{place}: {uid} has flags {flags:?}, and the events say {known:?}"));
                    }
                    Some(_) => {}
                }
            }
            for uid in seen.messages.keys().filter(|uid| !there.messages.contains_key(uid)) {
                differs(format!("{place}: {uid} is gone, and no event says so"));
            }
        }
        (lost, examples)
    }
}

#[cfg(test)]
mod tests {
    use super::super::mail::TrueMailbox;
    use super::*;

    fn line(sequence: u64, kind: &str, uid: u32, flags: &[&str]) -> Line {
        let event = serde_json::json!({
            "version": 1, "id": format!("{kind}{uid}{flags:?}"), "account": "a",
            "mailbox": "INBOX", "kind": kind, "uid_validity": 7, "uid": uid, "flags": flags,
        });
        Line { sequence, known: false, event: serde_json::from_value(event).expect("an event") }
    }

    #[test]
    fn what_is_missing_doubled_or_wrong_is_found() {
        let messages = [(1, vec![]), (2, vec!["\\Seen".to_owned()])].into();
        let inbox = TrueMailbox { uid_validity: 7, messages };
        let truth: Truth = [(("a".to_owned(), "INBOX".to_owned()), inbox)].into();
        let mut judge = Judge::default();
        assert_eq!(judge.lost(&truth).0, 2);
        judge.add(&line(1, "arrived", 1, &[]));
        judge.add(&line(2, "arrived", 2, &[]));
        assert_eq!(judge.lost(&truth).0, 1, "flags");
        judge.add(&line(3, "flags", 2, &["\\Seen"]));
        assert_eq!(judge.lost(&truth).0, 0);
        judge.add(&line(4, "arrived", 3, &[]));
        assert_eq!(judge.lost(&truth).0, 1, "it is gone");
        judge.add(&line(5, "expunged", 3, &[]));
        assert_eq!((judge.lost(&truth).0, judge.duplicates), (0, 0));
        judge.add(&line(6, "expunged", 9, &[]));
        assert_eq!(judge.lost(&truth).0, 1, "it never arrived");
        judge.add(&line(6, "arrived", 1, &["again"]));
        assert_eq!(judge.duplicates, 1);
        judge.add(&Line { known: true, ..line(6, "arrived", 1, &["again"]) });
        assert_eq!((judge.duplicates, judge.delivered, judge.acknowledged), (1, 7, 8));
    }
}
