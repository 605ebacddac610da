//! A session with a server that the test scripts.
//!
//! In: the server's capabilities, and the client's configuration. Out: a [`Session`]: the client's
//! two halves, logged in (by PREAUTH, so that nothing else is sent first), and the server.

use std::time::Duration;

use imap_duplex::types::ViewSync;
use imap_duplex::{Config, Mailbox, Sender};

use crate::client::Events;
use crate::support::wire::Peer;

/// How long a test may take, on tokio's clock: no more than the library's own longest patience,
/// twice.
pub(crate) const LIMIT: Duration = Duration::from_secs(600);

/// A server with what most tests need.
pub(crate) const CAPABILITIES: &str = "IMAP4rev1 LITERAL+ UIDPLUS ESEARCH MOVE UNSELECT IDLE";

/// A client that does nothing unasked: no ENABLE, no ID, no IDLE.
pub(crate) fn quiet() -> Config {
    Config::new("server.test").plaintext().enable(Vec::<String>::new()).id(None).auto_idle(false)
}

/// One that knows no UIDs, so that numbers go out as numbers.
pub(crate) fn blind() -> Config {
    quiet().view_sync(ViewSync::Off)
}

/// The two halves of a client, and its server.
pub(crate) struct Session {
    pub(crate) imap: Sender,
    pub(crate) events: Events,
    pub(crate) server: Peer,
}

impl Session {
    /// Of a quiet client with a well-behaved server.
    pub(crate) async fn open() -> Self {
        Self::with(&quiet(), CAPABILITIES).await
    }

    /// With a server that will misbehave.
    pub(crate) async fn hostile() -> Self {
        let mut session = Self::on(&quiet(), CAPABILITIES, Peer::pair(), false).await;
        session.events.ready();
        session
    }

    /// Of this client, with a server that can do this.
    pub(crate) async fn with(config: &Config, capabilities: &str) -> Self {
        Self::on(config, capabilities, Peer::pair(), true).await
    }

    /// Over this pair of streams.
    pub(crate) async fn on(
        config: &Config,
        capabilities: &str,
        pair: (tokio::io::DuplexStream, Peer),
        strict: bool,
    ) -> Self {
        let (stream, mut server) = pair;
        let greeting = format!("* PREAUTH [CAPABILITY {capabilities}] ready");
        let (connected, ()) = tokio::join!(config.connect_over(stream), server.say(&greeting));
        let (imap, receiver) = connected.expect("a greeting by PREAUTH is a login");
        let events = if strict { Events::strict(receiver) } else { Events::any(receiver) };
        Self { imap, events, server }
    }

    /// Selects INBOX with messages of these UIDs, and lets the client fill its view. All events of
    /// this have been read.
    pub(crate) async fn select(&mut self, uids: &[u32]) -> Mailbox {
        let token = self.imap.select("INBOX");
        let tag = self.server.expect("SELECT INBOX").await;
        self.tell_selected(&tag, uids.len()).await;
        let mailbox = token.await.expect("selected");
        self.fill(uids).await;
        // The answer to this follows the view's.
        self.noop(&[]).await;
        self.events.until_brief("NOOP OK").await;
        mailbox
    }

    /// Selects INBOX with so many messages, of which the client (`ViewSync::Off`) is not to know
    /// the UIDs.
    pub(crate) async fn select_blind(&mut self, exists: usize) -> Mailbox {
        let token = self.imap.select("INBOX");
        let tag = self.server.expect("SELECT INBOX").await;
        self.tell_selected(&tag, exists).await;
        let mailbox = token.await.expect("selected");
        self.noop(&[]).await;
        self.events.until_brief("NOOP OK").await;
        mailbox
    }

    /// Answers a SELECT.
    pub(crate) async fn tell_selected(&mut self, tag: &str, exists: usize) {
        let next = exists + 1000;
        self.server.say(r"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft)").await;
        self.server.say(&format!("* {exists} EXISTS")).await;
        self.server.say("* OK [UIDVALIDITY 7] valid").await;
        self.server.say(&format!("* OK [UIDNEXT {next}] next")).await;
        self.server.say(&format!("{tag} OK [READ-WRITE] selected")).await;
    }

    /// Answers the search by which the view is filled; there is none for an empty mailbox.
    pub(crate) async fn fill(&mut self, uids: &[u32]) {
        if uids.is_empty() {
            return;
        }
        let tag = self.server.expect("UID SEARCH RETURN (ALL) ALL").await;
        let list: Vec<String> = uids.iter().map(ToString::to_string).collect();
        self.server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ALL {}", list.join(","))).await;
        self.server.say(&format!("{tag} OK searched")).await;
    }

    /// Runs a NOOP, in answer to which the server says these lines.
    pub(crate) async fn noop(&mut self, lines: &[&str]) {
        let token = self.imap.noop();
        self.answer("NOOP", lines).await;
        token.await.expect("the server said OK");
    }

    /// Expects this command and answers it with these lines and an OK.
    pub(crate) async fn answer(&mut self, command: &str, lines: &[&str]) {
        let tag = self.server.expect(command).await;
        for line in lines {
            self.server.say(line).await;
        }
        self.server.say(&format!("{tag} OK done")).await;
    }
}
