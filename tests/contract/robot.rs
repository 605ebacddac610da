//! A server that answers by itself, slowly: each answer is sent in pieces, a piece a millisecond,
//! so that a test can stop at any moment of it.
//!
//! In: a mailbox of three messages. Out: a stream for the client, all lines that came, and the
//! server's task, which ends when the client has gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::task::JoinHandle;

/// Bytes sent in a millisecond.
const PIECE: usize = 24;

/// What the robot can do.
pub(crate) const CAN: &str = "IMAP4rev1 ENABLE ID SASL-IR UIDPLUS ESEARCH MOVE UNSELECT IDLE NOTIFY";

/// The lines that came, without their tags; literals are left out.
pub(crate) type LoggedCommand = Arc<Mutex<Vec<String>>>;

pub(crate) struct Robot {
    stream: BufReader<DuplexStream>,
    response: LoggedCommand,
    uids: Vec<u32>,
}

impl Robot {
    /// A robot that greets so.
    pub(crate) fn start(greeting: String) -> (DuplexStream, LoggedCommand, JoinHandle<()>) {
        let (ours, theirs) = duplex(65_536);
        let response = LoggedCommand::default();
        let robot = Self { stream: BufReader::new(ours), response: response.clone(), uids: vec![11, 12, 13] };
        (theirs, response, tokio::spawn(robot.run(greeting)))
    }

    async fn run(mut self, greeting: String) {
        if self.say(&format!("{greeting}\r\n")).await.is_none() {
            return;
        }
        // `None`: the client has gone.
        while let Some(line) = self.line().await {
            let (tag, command) = line.split_once(' ').expect("a tag");
            self.response.lock().expect("no panic").push(command.to_owned());
            let answer = self.answer(tag, command);
            let ends = command == "LOGOUT";
            if command == "IDLE" {
                if self.say("+ idling\r\n").await.is_none() {
                    return;
                }
                match self.line().await.as_deref() {
                    Some("DONE") => {}
                    None => return,
                    other => panic!("{other:?} in place of DONE"),
                }
            }
            if self.say(&answer).await.is_none() || ends {
                return;
            }
        }
    }

    /// One line with its literals, which are asked for and left out.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            let mut part = String::new();
            if self.stream.read_line(&mut part).await.ok()? == 0 || !part.ends_with('\n') {
                return None;
            }
            line.push_str(part.trim_end());
            let Some(announced) = part.trim_end().strip_suffix('}').and_then(|rest| rest.rsplit('{').next())
            else {
                return Some(line);
            };
            if !announced.ends_with('+') {
                self.say("+ go on\r\n").await?;
            }
            let mut literal = vec![0; announced.trim_end_matches('+').parse().expect("a length")];
            self.stream.read_exact(&mut literal).await.ok()?;
        }
    }

    async fn say(&mut self, text: &str) -> Option<()> {
        for piece in text.as_bytes().chunks(PIECE) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.stream.write_all(piece).await.ok()?;
        }
        Some(())
    }

    fn answer(&mut self, tag: &str, command: &str) -> String {
        let verb: Vec<&str> = command.split(' ').collect();
        let lines: Vec<String> = match verb[..] {
            ["SELECT" | "EXAMINE", ..] => vec![
                r"FLAGS (\Answered \Flagged \Deleted \Seen \Draft)".into(),
                format!("{} EXISTS", self.uids.len()),
                "OK [UIDVALIDITY 7] valid".into(),
                "OK [UIDNEXT 40] next".into(),
            ],
            ["UID", "SEARCH", ..] => vec![format!("ESEARCH (TAG \"{tag}\") UID ALL {}", list(&self.uids))],
            ["UID", "FETCH" | "STORE", set, ..] => {
                let item = |uid: u32| match command.contains("SIZE") {
                    true => format!("RFC822.SIZE {uid}"),
                    false => r"FLAGS (\Flagged)".to_owned(),
                };
                let rows = (1..).zip(&self.uids).filter(|(_, uid)| has(set, **uid));
                rows.map(|(seq, uid)| format!("{seq} FETCH (UID {uid} {})", item(*uid))).collect()
            }
            ["UID", what @ ("MOVE" | "EXPUNGE"), set, ..] => {
                let mut lines: Vec<String> =
                    (what == "MOVE").then(|| "OK [COPYUID 7 11 21] moved".into()).into_iter().collect();
                while let Some(at) = self.uids.iter().position(|uid| has(set, *uid)) {
                    self.uids.remove(at);
                    lines.push(format!("{} EXPUNGE", at + 1));
                }
                lines
            }
            ["LIST", ..] => vec!["LIST () \"/\" INBOX".into(), "LIST () \"/\" Work".into()],
            ["STATUS", name, ..] => vec![format!("STATUS {name} (MESSAGES 3)")],
            ["ID", ..] => vec!["ID NIL".into()],
            ["CAPABILITY"] => vec![format!("CAPABILITY {CAN}")],
            ["LOGOUT"] => vec!["BYE see you".into()],
            _ => Vec::new(),
        };
        let code = match verb[0] {
            "APPEND" => "[APPENDUID 7 30] ",
            "SELECT" => "[READ-WRITE] ",
            "EXAMINE" => "[READ-ONLY] ",
            _ => "",
        };
        let untagged: String = lines.iter().map(|line| format!("* {line}\r\n")).collect();
        format!("{untagged}{tag} OK {code}done\r\n")
    }
}

fn list(uids: &[u32]) -> String {
    uids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Whether a set, `11:13` or `11`, has this UID.
fn has(set: &str, uid: u32) -> bool {
    let number = |text: &str| text.parse().unwrap_or(u32::MAX);
    set.split(',').any(|range| match range.split_once(':') {
        Some((first, last)) => (number(first)..=number(last)).contains(&uid),
        None => number(range) == uid,
    })
}
