//! The model server: true mailboxes, one session with its snapshot, and what it has said that the
//! client has not read yet. It reads the client's bytes itself and stops the test at whatever a
//! client may not send.
//!
//! Each rule has its section of RFC 9051. What it answers, and when, is in `answers`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client_knowledge::{ClientKnowledge, Note};
use super::commands::{Cmd, Part, announced};
use super::kinds::Kind;
use super::mailboxes::{Folder, Selected, WORK};
use super::notify_server::Watching;
use super::rules::Rules;
use crate::engine::Shared;
use crate::types::CommandId;

/// A command that has been received whole and not been answered yet.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) tag: String,
    pub(super) id: CommandId,
    pub(super) cmd: Cmd,
    /// UIDs that are still to be answered for; `None` if it has not begun.
    pub(super) todo: Option<Vec<u32>>,
    /// What `todo` was at first.
    pub(super) whole: Vec<u32>,
    /// The mailbox's mod-sequence when it began.
    pub(super) since: u64,
}

/// What happened to a command of the client, over all its lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) lines: usize,
    /// Of a FETCH: the messages that it named when the server began with each line.
    pub(super) fetches: Option<Vec<u32>>,
    /// The mailbox that was selected when it was executed.
    pub(super) folder: Option<usize>,
    /// The messages that it named, of those the session knew of when each line came.
    pub(super) named: Option<Vec<u32>>,
    /// The session's snapshot then.
    pub(super) numbered_then: Vec<u32>,
    /// How many rows with flags had been read by the client when it began to send this.
    pub(super) rows_before: usize,
    pub(super) removed_before: usize,
    pub(super) rows: Vec<u32>,
    /// Those that `n:*` named only because there is none from n on.
    pub(super) by_star: Vec<u32>,
    pub(super) found: Vec<u32>,
    pub(super) copied: Vec<(u32, u32)>,
    pub(super) expunged: Vec<u32>,
    pub(super) appended: Option<u32>,
    pub(super) listed: Vec<String>,
    pub(super) status: Option<(u32, u32, u32, u32)>,
    /// The server answered in place of a `+`: the last line was not received whole.
    pub(super) cut_short: bool,
    /// The tagged responses that the client has read: `OK`, `NO`, `BAD`.
    pub(super) ends: Vec<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Idling {
    No,
    Asked,
    /// The client has lost patience with it, and sent DONE.
    AskedInVain,
    On,
    /// Ended by the server, while DONE may be under way.
    Ended,
}

pub(super) struct Server {
    pub(super) kind: Kind,
    pub(super) shared: Arc<Shared>,
    pub(super) rules: Rules,
    pub(super) folders: Vec<Folder>,
    pub(super) session: Option<Selected>,
    pub(super) tasks: Vec<Task>,
    pub(super) idling: Idling,
    pub(super) idle: Option<(String, CommandId)>,
    pub(super) now: Instant,
    /// IDLE has been refused where it might have been taken, or ended, or was not answered in time.
    pub(super) idle_disturbed: bool,
    /// When the last IDLE came.
    idle_since: Option<Instant>,
    pub(super) outcomes: BTreeMap<CommandId, Outcome>,
    pub(super) response: ClientKnowledge,
    pub(super) users: BTreeSet<CommandId>,
    /// What it has said, and how much of the first piece has been read.
    pub(super) out: VecDeque<(Vec<u8>, Note)>,
    read: usize,
    /// The line that is being received.
    parts: Vec<Part>,
    text: Vec<u8>,
    literal: usize,
    /// A literal waits for our `+`.
    pub(super) wants_plus: bool,
    /// We have answered, and the client has not read it.
    pub(super) blocked: bool,
    /// The tags of commands whose tagged response the client had not read when the line began.
    unanswered: Vec<String>,
    rows_before: usize,
    removed_before: usize,
    /// All commands whose tagged response the client has not read.
    pub(super) open: BTreeMap<String, (CommandId, Cmd, bool)>,
    tags: BTreeSet<String>,
    pub(super) ended: bool,
    pub(super) watching: Watching,
    /// Rows have mod-sequences.
    pub(super) mods_on: bool,
    /// The highest mod-sequence of rows since the last tagged response.
    pub(super) highest_row: u64,
    /// Up to which UID the client's view is complete.
    pub(super) client_knows: u32,
}

impl Server {
    pub(super) fn new(kind: Kind, shared: Arc<Shared>, sizes: [u8; 2], now: Instant) -> Self {
        Self {
            kind,
            shared,
            rules: Rules::default(),
            folders: vec![
                Folder::new("INBOX", 7, sizes[0]),
                Folder { keeps_mods: !kind.nomods, ..Folder::new(WORK, 9, sizes[1]) },
            ],
            session: None,
            tasks: Vec::new(),
            idling: Idling::No,
            idle: None,
            now,
            idle_disturbed: false,
            idle_since: None,
            outcomes: BTreeMap::new(),
            response: ClientKnowledge::default(),
            users: BTreeSet::new(),
            out: VecDeque::new(),
            read: 0,
            parts: Vec::new(),
            text: Vec::new(),
            literal: 0,
            wants_plus: false,
            blocked: false,
            unanswered: Vec::new(),
            rows_before: 0,
            removed_before: 0,
            open: BTreeMap::new(),
            tags: BTreeSet::new(),
            ended: false,
            watching: Watching::default(),
            mods_on: !kind.enabled().is_empty(),
            highest_row: 0,
            client_knows: 0,
        }
    }

    pub(super) fn capabilities(&self) -> String {
        let Kind { literals, rev2, esearch, moves, uidplus, idle, condstore, qresync, .. } = self.kind;
        let mods = [(condstore, " CONDSTORE"), (qresync, " ENABLE QRESYNC"), (self.kind.notify, " NOTIFY")];
        let literals = ["", " LITERAL+", " LITERAL-"][usize::from(literals)];
        if rev2 {
            // All that IMAP4rev2 contains need not be named (RFC 9051 appendix E).
            let mods: String = mods.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
            return format!("IMAP4rev2 MULTIAPPEND{literals}{mods}");
        }
        let more = [(esearch, " ESEARCH"), (moves, " MOVE"), (uidplus, " UIDPLUS"), (idle, " IDLE")];
        let more: String = more.iter().chain(&mods).filter(|(has, _)| *has).map(|(_, name)| *name).collect();
        format!("IMAP4rev1 UNSELECT MULTIAPPEND{literals}{more}")
    }

    pub(super) fn say(&mut self, text: impl Into<Vec<u8>>, note: Note) {
        let mut bytes = text.into();
        let line = String::from_utf8_lossy(&bytes);
        assert_eq!(self.rules.said(&line), Ok(()), "the model says {line:?}");
        bytes.extend_from_slice(b"\r\n");
        self.out.push_back((bytes, note));
    }

    /// Up to so many bytes on their way to the client.
    pub(super) fn deliver(&mut self, mut most: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while most > 0 {
            let Some((piece, _)) = self.out.front() else { break };
            let end = piece.len().min(self.read.saturating_add(most));
            bytes.extend_from_slice(&piece[self.read..end]);
            most -= end - self.read;
            self.read = end;
            if end == piece.len() {
                self.read = 0;
                if let Some((_, note)) = self.out.pop_front() {
                    self.was_read(note);
                }
            }
            // Notes without a text belong to what stands before them.
            while let Some((_, note)) = self.out.pop_front_if(|(piece, _)| piece.is_empty()) {
                self.was_read(note);
            }
        }
        bytes
    }

    /// Bytes from the client.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            // RFC 9051 section 4.3: a client that sent `{n}` waits for the `+`.
            assert!(!self.wants_plus, "bytes before the `+`: {:?}", String::from_utf8_lossy(bytes));
            assert!(
                !self.blocked || self.is_idle_overdue(),
                "bytes before the server's answer to a literal was read"
            );
            assert!(!self.ended, "bytes after LOGOUT");
            if self.parts.is_empty() && self.text.is_empty() {
                self.line_begins();
            }
            if self.literal > 0 {
                if let Some(Part::Literal(literal)) = self.parts.last_mut() {
                    literal.push(byte);
                }
                self.literal -= 1;
                continue;
            }
            self.text.push(byte);
            if self.text.ends_with(b"\r\n") {
                self.line_ends();
            }
        }
    }

    fn line_begins(&mut self) {
        self.unanswered = self.open.keys().cloned().collect();
        self.rows_before = self.response.flags.len();
        self.removed_before = self.response.removed.len();
    }

    fn line_ends(&mut self) {
        let mut text = std::mem::take(&mut self.text);
        text.truncate(text.len() - 2);
        if matches!(self.idling, Idling::On | Idling::Asked | Idling::AskedInVain) {
            // RFC 9051 section 6.3.13: nothing but DONE while IDLE lasts.
            assert_eq!(text, b"DONE", "during IDLE");
            match self.idling {
                Idling::On => self.done(),
                // DONE answers the `+`; one that is never sent is not waited for without end.
                now => {
                    assert!(now == Idling::Asked && self.is_idle_overdue(), "DONE before the `+` of IDLE");
                    (self.idling, self.idle_disturbed) = (Idling::AskedInVain, true);
                }
            }
            return;
        }
        if text == b"DONE" {
            assert!(self.idling == Idling::Ended || self.is_idle_overdue(), "DONE without IDLE");
            self.idling = Idling::No;
            self.rules.asked("DONE", "DONE", None);
            return self.refuse_done();
        }
        if let Some((size, waits)) = announced(&text) {
            text.truncate(text.iter().rposition(|b| *b == b'{').unwrap_or(0));
            // RFC 7888 section 3: `{n+}` needs LITERAL+, or LITERAL- and at most 4,096 bytes.
            let free = match self.kind.literals {
                1 => true,
                2 => size <= 4096,
                _ => self.kind.rev2 && size <= 4096,
            };
            assert!(waits || free, "a non-synchronising literal of {size} bytes");
            self.parts.extend([Part::Text(text), Part::Literal(Vec::new())]);
            self.literal = size;
            self.wants_plus = waits;
            if let Some(tag) = self.waiting_tag() {
                self.rules.announced(&tag);
            }
            return;
        }
        self.parts.push(Part::Text(text));
        let parts = std::mem::take(&mut self.parts);
        self.command(parts);
    }

    /// What a server says that has ended IDLE by itself: DONE is a tag without a command.
    pub(super) fn refuse_done(&mut self) {
        self.say("DONE BAD Missing command", Note::Nothing);
    }

    /// The client may have lost patience with an IDLE that has not been answered, as far as it
    /// knew.
    fn is_idle_overdue(&self) -> bool {
        self.idle_since.is_some_and(|since| self.now.duration_since(since) >= Duration::from_secs(30))
    }

    /// The tag and the command of the line that waits for a `+`.
    pub(super) fn waiting_tag(&self) -> Option<String> {
        let Some(Part::Text(text)) = self.parts.first().filter(|_| self.wants_plus) else { return None };
        Some(String::from_utf8_lossy(text).split(' ').next()?.to_owned())
    }

    /// Answers the announcement of a literal: by `+`, or by a tagged response that ends the
    /// command.
    pub(super) fn answer_literal(&mut self, refusal: Option<&'static str>) {
        let Some(tag) = self.waiting_tag() else { return };
        self.wants_plus = false;
        self.blocked = true;
        let Some(how) = refusal else { return self.say("+ go ahead", Note::Unblocked) };
        self.parts.clear();
        self.literal = 0;
        let id = self.owner(&tag);
        self.known_tag(&tag);
        self.report_mod_seq();
        let outcome = self.outcomes.entry(id).or_default();
        (outcome.lines, outcome.cut_short) = (outcome.lines + 1, true);
        self.say(format!("{tag} {how} not here {{5}}"), Note::Tagged(id, tag, how, true));
    }

    fn owner(&self, tag: &str) -> CommandId {
        // Contract, promise 2: it is in the tag table before its first byte is sent.
        self.shared.owner(tag).unwrap_or_else(|| panic!("{tag} is not in the tag table"))
    }

    /// RFC 9051 section 2.2.1: a tag is not used twice.
    fn known_tag(&mut self, tag: &str) {
        assert!(!tag.is_empty() && tag.bytes().all(|b| b.is_ascii_alphanumeric()), "the tag {tag:?}");
        assert!(self.tags.insert(tag.to_owned()), "the tag {tag} is used twice");
    }

    fn command(&mut self, mut parts: Vec<Part>) {
        let Some(Part::Text(first)) = parts.first_mut() else { panic!("a line begins with its tag") };
        let space = first.iter().position(|b| *b == b' ').expect("a command stands behind its tag");
        let tag = String::from_utf8(first.drain(..=space).take(space).collect()).expect("a tag is ASCII");
        let id = self.owner(&tag);
        self.known_tag(&tag);
        let cmd = Cmd::parse(&parts);
        self.rules.asked(&tag, cmd.verb(), Some(cmd.clone()));
        self.check(&tag, &cmd);
        let (rows_before, removed_before) = (self.rows_before, self.removed_before);
        let named = cmd.named().map(|which| self.resolve(which));
        let numbered_then = self.session.iter().flat_map(|s| &s.numbered).map(|m| m.uid).collect();
        let outcome = self.outcomes.entry(id).or_default();
        outcome.lines += 1;
        if outcome.lines == 1 {
            let before = std::mem::take(outcome);
            *outcome = Outcome { named, numbered_then, rows_before, removed_before, ..before };
        } else if let (Some(all), Some(more)) = (&mut outcome.named, named) {
            all.extend(more);
        }
        let selected = self.session.is_some();
        if self.idling == Idling::Ended {
            // The client knew, and sent no DONE.
            self.idling = Idling::No;
        }
        self.open.insert(tag.clone(), (id, cmd.clone(), selected));
        self.idle_since = Some(self.now).filter(|_| cmd == Cmd::Idle);
        if cmd == Cmd::Idle {
            self.idling = Idling::Asked;
            self.idle = Some((tag, id));
            return;
        }
        self.tasks.push(Task { tag, id, cmd, todo: None, whole: Vec::new(), since: 0 });
    }

    /// What a client may not send while other commands run.
    fn check(&self, tag: &str, cmd: &Cmd) {
        let before = |is: &dyn Fn(&(CommandId, Cmd, bool)) -> bool| {
            let found = self.unanswered.iter().filter_map(|tag| Some((tag, self.open.get(tag)?)));
            found.into_iter().find(|(_, other)| is(other)).map(|(tag, (_, cmd, _))| format!("{tag} {cmd:?}"))
        };
        self.check_watching(tag, cmd);
        // RFC 9051 section 5.5: no message numbers while an EXPUNGE may be under way.
        if cmd.is_by_number() {
            let open = before(&|(_, other, _)| other.lets_expunge_through());
            assert_eq!(open, None, "{tag} {cmd:?} uses numbers, and this may let EXPUNGE through");
            let expunged =
                self.out.iter().any(|(_, note)| matches!(note, Note::Expunged(_) | Note::Vanished(_)));
            assert!(!expunged, "{tag} {cmd:?} uses numbers, and an EXPUNGE is under way");
        }
        // RFC 3501 section 5.5: what hangs on flags is not sent while they are being changed; with
        // IMAP4rev2 it may be.
        let (writes, reads) = cmd.flag_use();
        if !self.kind.rev2 && (writes || reads) {
            let open = before(&|(_, other, _)| {
                let (their_writes, their_reads) = other.flag_use();
                let meet = match (cmd.named(), other.named()) {
                    (Some(mine), Some(theirs)) => mine.by_uid == theirs.by_uid && mine.may_meet(theirs),
                    _ => true,
                };
                meet && (writes && (their_writes || their_reads) || reads && their_writes)
            });
            assert_eq!(open, None, "{tag} {cmd:?} is ambiguous beside this");
        }
        // ARCHITECTURE.md, section 6: nothing that hangs on the selection crosses a change of it.
        if cmd.changes_selection() && self.session.is_some() {
            let leaves = matches!(cmd, Cmd::Deselect { .. });
            let open =
                before(&|(_, other, _)| !leaves || other.is_about_messages() || other.changes_selection());
            assert_eq!(open, None, "{tag} {cmd:?} ends a selection that this needs");
        }
        if cmd.is_about_messages() {
            let open = before(&|(_, other, selected)| other.changes_selection() && *selected);
            assert_eq!(open, None, "{tag} {cmd:?} would hit the old mailbox if this failed");
        }
    }
}
