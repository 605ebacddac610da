//! What a server may send, and when: the RFCs' rules, independent of the engine's and of the model
//! server. Everything that the model server sends is checked by them, and so are recorded sessions
//! of real servers: the model does nothing illegal, and the rules forbid nothing that servers do.
//!
//! | it says                     | only                                                                  | says           |
//! |-----------------------------|-----------------------------------------------------------------------|----------------|
//! | tagged OK, NO, BAD          | once for each command, when that has come whole                       | 9051 2.2.2, 7.1 |
//! |                             | or in place of the `+` that it waits for                              | 9051 7.6       |
//! |                             | not before one that came first and on which its outcome hangs         | 9051 5.5       |
//! | `+`                         | while a literal or an IDLE waits for it                               | 9051 7.6, 6.3.13 |
//! | EXISTS                      | of a mailbox that is selected or being selected                       | 9051 7.4.1     |
//! |                             | never fewer: removals are reported by EXPUNGE                         | 9051 7.5.1     |
//! | EXPUNGE, VANISHED           | while a command is in progress, and none of those is FETCH, STORE or  | 9051 7.5.1, 5.5; |
//! |                             | SEARCH by number                                                      | 7162 3.2.10    |
//! |                             | of a message that is there                                            | 9051 7.5.1     |
//! |                             | or at any time, after NOTIFY with `selected`                          | 5465 5.3       |
//! | VANISHED (EARLIER)          | while SELECT or UID FETCH runs                                        | 7162 3.2.10    |
//! | FETCH                       | of a message that is there, at any time                               | 9051 7.5.2     |
//! | ESEARCH with a tag          | while that search runs                                                | 9051 7.3.4     |
//! | SEARCH                      | while a search runs that asked for no ESEARCH                         | 3501 7.2.5     |
//! | all else                    | at any time: a client must be ready for it                            | 9051 5.2       |

use super::commands::{Cmd, Part};
use super::order::{answers_look_alike, copies_in_order, in_order, let_expunge_through};

/// The session, as far as the rules hang on it.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Commands in progress, in the order in which they came.
    running: Vec<Running>,
    /// The command whose literal has been announced.
    announced: Option<String>,
    idle_waits: bool,
    /// NOTIFY with `selected` holds.
    notified: bool,
    selected: bool,
    /// How many messages were reported to the client; unknown after VANISHED.
    exists: Option<u32>,
}

#[derive(Debug)]
struct Running {
    tag: String,
    verb: String,
    /// `None` for one of which the model knows nothing.
    cmd: Option<Cmd>,
}

type Legal = Result<(), &'static str>;

fn only(legal: bool, rule: &'static str) -> Legal {
    if legal { Ok(()) } else { Err(rule) }
}

impl Rules {
    /// A command has come whole.
    pub(super) fn asked(&mut self, tag: &str, verb: &str, cmd: Option<Cmd>) {
        self.announced = None;
        self.idle_waits |= verb == "IDLE";
        self.running.push(Running { tag: tag.to_owned(), verb: verb.to_owned(), cmd });
    }

    /// A command has announced a literal, and waits.
    pub(super) fn announced(&mut self, tag: &str) {
        self.announced = Some(tag.to_owned());
    }

    fn runs(&self, verbs: &[&str]) -> bool {
        self.running.iter().any(|running| verbs.contains(&running.verb.as_str()))
    }

    fn is_opening(&self) -> bool {
        self.runs(&["SELECT", "EXAMINE"])
    }

    /// The server says this.
    pub(super) fn said(&mut self, text: &str) -> Legal {
        let line = text.lines().next().unwrap_or_default();
        let words: Vec<&str> = line.split(' ').collect();
        let number = |text: &str| text.parse::<u32>().ok();
        match words[..] {
            ["+", ..] => {
                let awaited = self.announced.is_some() || std::mem::take(&mut self.idle_waits);
                only(awaited, "RFC 9051 section 7.6: nothing waits for a +")
            }
            ["*", count, "EXISTS"] if number(count).is_some() => {
                only(self.selected || self.is_opening(), "RFC 9051 section 7.4.1: no mailbox is selected")?;
                let fewer = number(count) < self.exists && !self.is_opening();
                self.exists = number(count);
                only(!fewer, "RFC 9051 section 7.5.1: only EXPUNGE makes them fewer")
            }
            ["*", seq, "EXPUNGE"] if number(seq).is_some() => {
                self.is_there(number(seq))?;
                self.exists = self.exists.map(|count| count - 1);
                self.may_expunge()
            }
            ["*", "VANISHED", "(EARLIER)", ..] => {
                only(self.runs(&["SELECT", "EXAMINE", "FETCH"]), "RFC 7162 section 3.2.10: no such command")
            }
            ["*", "VANISHED", ..] => {
                self.exists = None;
                self.may_expunge()
            }
            ["*", seq, "FETCH", ..] => self.is_there(number(seq)),
            ["*", "ESEARCH", "(TAG", tag, ..] => {
                let tag = tag.trim_matches(['"', ')']);
                let asked = self.running.iter().any(|r| r.tag == tag && r.verb == "SEARCH");
                only(asked, "RFC 9051 section 7.3.4: no search has this tag")
            }
            ["*", "SEARCH", ..] => only(self.runs(&["SEARCH"]), "RFC 3501 section 7.2.5: no SEARCH runs"),
            ["*", "OK", code, ..] => {
                if code.starts_with("[CLOSED]") {
                    (self.selected, self.exists) = (false, None);
                }
                Ok(())
            }
            ["*", ..] => Ok(()),
            [tag, status, ..] => self.tagged(tag, status),
            _ => Err("RFC 9051 section 2.2.2: this is no response"),
        }
    }

    fn is_there(&self, seq: Option<u32>) -> Legal {
        only(self.selected || self.is_opening(), "RFC 9051 section 7.5: no mailbox is selected")?;
        let there = seq.is_some_and(|seq| seq > 0 && self.exists.is_none_or(|count| seq <= count));
        only(there, "RFC 9051 section 7.5: no such message was reported")
    }

    fn may_expunge(&self) -> Legal {
        only(self.selected || self.is_opening(), "RFC 9051 section 7.5.1: no mailbox is selected")?;
        let may = let_expunge_through(self.running.iter().map(|running| running.cmd.as_ref()));
        only(may || self.notified, "RFC 9051 section 7.5.1: EXPUNGE may not come now")
    }

    fn tagged(&mut self, tag: &str, status: &str) -> Legal {
        if self.announced.as_deref() == Some(tag) {
            // In place of the `+`; the rest of the line is never sent either.
            self.announced = None;
            return only(status != "PREAUTH", "RFC 9051 section 7.1.4: PREAUTH is a greeting");
        }
        let at = self.running.iter().position(|running| running.tag == tag);
        let Some(at) = at else { return Err("RFC 9051 section 2.2.2: no command in progress has this tag") };
        let ended = self.running.remove(at);
        let hangs_on = |older: &Running| match (&older.cmd, &ended.cmd) {
            (Some(older), Some(younger)) => {
                in_order(older, younger)
                    || answers_look_alike(older, younger, true)
                    || copies_in_order(older, younger, true)
            }
            _ => false,
        };
        let too_early = self.running[..at].iter().any(hangs_on);
        if let (Some(Cmd::Notify { immediately, .. }), "OK") = (&ended.cmd, status) {
            self.notified = *immediately;
        }
        match (ended.verb.as_str(), status) {
            ("SELECT" | "EXAMINE", "OK") => self.selected = true,
            // RFC 9051 section 6.3.2: a SELECT that fails leaves nothing selected; BAD is none that
            // was tried.
            ("SELECT" | "EXAMINE", "NO") | ("CLOSE" | "UNSELECT", "OK") => {
                (self.selected, self.exists) = (false, None);
            }
            ("IDLE", _) => self.idle_waits = false,
            _ => {}
        }
        only(!too_early, "RFC 9051 section 5.5: one that came first was to be executed first")
    }
}

/// The verbs of the commands that the model knows with any arguments.
const KNOWN: [&str; 13] = [
    "NOOP",
    "CAPABILITY",
    "LOGOUT",
    "IDLE",
    "SELECT",
    "CLOSE",
    "UNSELECT",
    "CREATE",
    "FETCH",
    "STORE",
    "COPY",
    "MOVE",
    "EXPUNGE",
];

/// Lines of a client; `DONE` and what belongs to a literal aside.
fn client_sent(rules: &mut Rules, turn: &[u8]) {
    let text = String::from_utf8_lossy(turn);
    if let Some(tag) = rules.announced.clone() {
        // The literal, and the rest of the line.
        return rules.asked(&tag, "APPEND", None);
    }
    for line in text.lines().filter(|line| *line != "DONE") {
        let (tag, rest) = line.split_once(' ').expect("a tag");
        if rest.ends_with('}') {
            rules.announced(tag);
            continue;
        }
        let verb = rest.trim_start_matches("UID ").split(' ').next().unwrap_or_default();
        let cmd = KNOWN.contains(&verb).then(|| Cmd::parse(&[Part::Text(rest.into())]));
        rules.asked(tag, verb, cmd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Replay;
    use crate::types::Limits;

    /// The turns of a recording (`tests/data/README.md`): whether the server's, and its bytes.
    fn turns(mut recording: &[u8]) -> Vec<(bool, &[u8])> {
        let mut turns = Vec::new();
        while let Some(end) = recording.iter().position(|byte| *byte == b'\n') {
            let head = std::str::from_utf8(&recording[..end]).expect("ASCII");
            let (who, size) = head.split_once(' ').expect("who spoke, and how much");
            let (from, size): (usize, usize) = (end + 1, size.parse().expect("a number"));
            turns.push((who == "S", &recording[from..from + size]));
            recording = &recording[from + size + 1..];
        }
        turns
    }

    #[test]
    fn they_allow_what_dovecot_does() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dovecot.session");
        let recording = std::fs::read(file).expect("the recorded session");
        let (mut rules, mut said) = (Rules::default(), 0);
        for (server, turn) in turns(&recording) {
            if !server {
                client_sent(&mut rules, turn);
                continue;
            }
            for response in Replay::new(turn, &Limits::default()) {
                let text = String::from_utf8_lossy(&turn[response.offset..response.offset + response.bytes]);
                assert_eq!(rules.said(&text), Ok(()), "{text:?} in {rules:?}");
                said += 1;
            }
        }
        assert!(said > 50, "{said} responses");
        assert!(rules.running.is_empty(), "all was answered: {rules:?}");
    }

    /// A session of Cyrus: COPYUID untagged before the EXPUNGEs of a MOVE; BAD to SELECT leaves the
    /// old mailbox selected.
    #[test]
    fn they_allow_what_cyrus_does() {
        let session = "C a SELECT INBOX\nS * 3 EXISTS\nS a OK [READ-WRITE] done\nC b UID MOVE 1:2 Archive\n\
                       S * OK [COPYUID 9 1:2 5:6] moved\nS * 1 EXPUNGE\nS * 1 EXPUNGE\nS b OK done\n\
                       C c SELECT Odd (QRESYNC (1 1))\nS c BAD what\nC d NOOP\nS * 2 EXISTS\nS d OK done";
        let mut rules = Rules::default();
        for line in session.lines() {
            match line.split_once(' ') {
                Some(("C", line)) => client_sent(&mut rules, line.as_bytes()),
                Some((_, line)) => assert_eq!(rules.said(line), Ok(()), "{line}"),
                None => panic!("who said it?"),
            }
        }
    }

    #[test]
    fn they_forbid_what_no_server_may_do() {
        let selected = "a SELECT INBOX\n* 3 EXISTS\na OK [READ-WRITE] done";
        for (session, section) in [
            ("a NOOP\na OK done\n a OK", "2.2.2"),
            ("b OK done", "2.2.2"),
            ("+ go on", "7.6"),
            ("a IDLE\n+ idling\n+ idling", "7.6"),
            ("* 3 EXISTS", "7.4.1"),
            (&format!("{selected}\n* 2 EXISTS"), "7.5.1"),
            (&format!("{selected}\n* 1 EXPUNGE"), "7.5.1"),
            (&format!("{selected}\nb NOOP\n* 4 EXPUNGE"), "7.5"),
            (&format!("{selected}\nb FETCH 1 (UID)\n* 1 EXPUNGE"), "7.5.1"),
            (&format!("{selected}\nb NOOP\nc STORE 1 FLAGS ()\n* 1 EXPUNGE"), "7.5.1"),
            (&format!("{selected}\nb FETCH 1 (UID)\n* VANISHED 7"), "7.5.1"),
            (&format!("{selected}\nb NOOP\n* VANISHED (EARLIER) 7"), "3.2.10"),
            (&format!("{selected}\n* 4 FETCH (FLAGS ())"), "7.5"),
            (&format!("{selected}\nb UNSELECT\nb OK done\n* 1 FETCH (FLAGS ())"), "7.5"),
            (&format!("{selected}\nb NOOP\n* ESEARCH (TAG \"b\") UID ALL 1"), "7.3.4"),
            (&format!("{selected}\n* SEARCH 1"), "7.2.5"),
            (&format!("{selected}\nb UID STORE 1 FLAGS ()\nc UID FETCH 1 (FLAGS)\nc OK done"), "5.5"),
            (&format!("{selected}\nb UID FETCH 1 (FLAGS)\nc SELECT Work\nc OK done"), "5.5"),
        ] {
            let mut rules = Rules::default();
            let lines: Vec<&str> = session.lines().collect();
            let (last, before) = lines.split_last().expect("a line");
            for line in before {
                let tagged = line.split(' ').nth(1).is_some_and(|word| ["OK", "NO", "BAD"].contains(&word));
                if line.starts_with(['*', '+']) || tagged {
                    assert_eq!(rules.said(line), Ok(()), "{line} of {session:?}");
                } else {
                    client_sent(&mut rules, line.as_bytes());
                }
            }
            let refused = rules.said(last.trim()).expect_err(session);
            assert!(refused.contains(&format!("section {section}:")), "{session:?}: {refused}");
        }
    }
}
