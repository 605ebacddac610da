//! A session by script: what the client must write, line by line, and what the server answers to
//! it. For the engine's dialogues that no model server knows, such as QRESYNC.

use super::shown::shown;
use super::{Bench, poll_once, settings};
use crate::client::{Mailbox, Select, Sender, Token};
use crate::engine::{BatchSizes, Settings};
use crate::types::{EventKind, Status};

pub(super) struct Script {
    pub(super) bench: Bench,
    pub(super) sender: Sender,
    lines: Vec<String>,
}

impl Script {
    /// A session of a server with these capabilities, of which these are switched on.
    pub(super) fn new(capabilities: &str, enabled: &[&str]) -> Self {
        Self::with(capabilities, enabled, Settings { auto_idle: false, ..settings() })
    }

    /// One in which the engine asks of so many messages at once.
    pub(super) fn windowed(capabilities: &str, uids: u32, flags: u32) -> Self {
        Self::with(
            capabilities,
            &[],
            Settings { auto_idle: false, windows: BatchSizes { uids, flags }, ..settings() },
        )
    }

    /// One with these settings.
    pub(super) fn with(capabilities: &str, enabled: &[&str], settings: Settings) -> Self {
        let (mut bench, sender) = Bench::new(settings);
        bench.feed(format!("* PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hello\r\n").as_bytes());
        bench.engine.set_ready(true);
        bench.engine.session.enabled.extend(enabled.iter().map(|name| (*name).to_owned()));
        while bench.event().is_some() {}
        Self { bench, sender, lines: Vec::new() }
    }

    /// The next line that the client writes is this one, its tag aside; the server answers so,
    /// `TAG` being the line's.
    pub(super) fn line(&mut self, expected: &str, answer: &str) -> &mut Self {
        let tag = self.expect(expected);
        self.say(&answer.replace("TAG", &tag))
    }

    /// The next line that the client writes is this one. Its tag.
    pub(super) fn expect(&mut self, expected: &str) -> String {
        let written = String::from_utf8(self.bench.write_all()).expect("text");
        self.lines.extend(written.split_terminator("\r\n").map(str::to_owned));
        assert!(!self.lines.is_empty(), "{expected:?} was to be written, and nothing was");
        let line = self.lines.remove(0);
        let (tag, rest) = line.split_once(' ').expect("a tag");
        assert_eq!(rest, expected);
        tag.to_owned()
    }

    /// A minute later the connection, which can't idle, asks: the server finds these changes of
    /// flags since a mod-sequence.
    pub(super) fn looks_back(&mut self, since: u64, rows: &str) -> &mut Self {
        self.bench.wait(settings().poll_every);
        self.line("NOOP", "TAG OK done");
        self.line(&format!("UID FETCH 1:* (FLAGS) (CHANGEDSINCE {since})"), &format!("{rows}TAG OK done"))
    }

    /// The next line is the one that ends IDLE.
    pub(super) fn expect_done(&mut self) {
        let written = String::from_utf8(self.bench.write_all()).expect("text");
        self.lines.extend(written.split_terminator("\r\n").map(str::to_owned));
        assert_eq!(self.lines.first().map(String::as_str), Some("DONE"));
        self.lines.remove(0);
    }

    /// The server says these lines.
    pub(super) fn say(&mut self, lines: &str) -> &mut Self {
        for line in lines.lines() {
            self.bench.feed(format!("{}\r\n", line.trim()).as_bytes());
        }
        self
    }

    /// The client has no more to write.
    pub(super) fn quiet(&mut self) -> &mut Self {
        let written = String::from_utf8(self.bench.write_all()).expect("text");
        assert_eq!((self.lines.as_slice(), &*written), (&[][..], ""), "nothing more is to be written");
        self
    }

    /// The events since the last time, each as its line for tests; without successful ends, and
    /// without that a view is complete.
    pub(super) fn events(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.bench.event())
            .filter(|event| match &event.kind {
                EventKind::Completed { status, .. } => status.status != Status::Ok,
                kind => !matches!(kind, EventKind::Ready { .. }),
            })
            .map(|event| shown(&event))
            .collect()
    }

    /// Selects INBOX, and the server answers so to what the client is expected to write.
    pub(super) fn select(&mut self, select: Select, expected: &str, answer: &str) -> Mailbox {
        let token = self.sender.select(select);
        self.line(expected, answer);
        resolved(token)
    }
}

/// What a token that has resolved gives.
pub(super) fn resolved<C: crate::Submit>(mut token: Token<C>) -> C::Output {
    match poll_once(&mut token) {
        Some(Ok(output)) => output,
        Some(Err(error)) => panic!("{error}"),
        None => panic!("it has not resolved"),
    }
}
