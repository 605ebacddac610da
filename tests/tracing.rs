//! What the log says (crate `tracing`): the connection's life at `info`, each command and its end
//! at `debug`; no secrets and no mail at any level.

mod support;

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use imap_duplex::command::{Items, Search};
use imap_duplex::testing::Server;
use imap_duplex::types::Code;
use imap_duplex::{Config, Timeouts};
use support::wire::Peer;
use support::within;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

const LIMIT: Duration = Duration::from_secs(3600);

/// Keeps all lines up to this level.
#[derive(Clone)]
struct Log(Level, Arc<Mutex<Vec<String>>>);

impl Log {
    fn new(level: Level) -> Self {
        Self(level, Arc::default())
    }

    /// What has been logged since the last call.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.1.lock().expect("nothing panics under this lock"))
    }
}

/// The message first, then the fields; durations and addresses, which differ, as dots.
#[derive(Default)]
struct Line(String, String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name @ ("took" | "address" | "can" | "bytes") => write!(self.1, " {name}=…"),
            name => write!(self.1, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.1, " {}={value}", field.name());
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.0
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        // The traffic is in `tests/observe.rs`.
        if event.metadata().target() != "imap_duplex" {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        let text = format!("{} {}{}", event.metadata().level(), line.0, line.1);
        self.1.lock().expect("nothing panics under this lock").push(text);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A sync of three folders, an IDLE that is renewed, and an end.
async fn sync(log: &Log) -> Vec<Vec<String>> {
    let _guard = tracing::subscriber::set_default(log.clone());
    let server = Server::new();
    let uid = server.deliver("INBOX", "Subject: topsecret\r\n\r\nhello\r\n");
    let config = Config::new("imap.example.org").plaintext().login(server.user(), server.password());
    let (imap, mut events) =
        config.allow_plaintext_login(true).connect_over(server.connect()).await.expect("logged in");
    let mut said = vec![log.take()];
    for folder in ["INBOX", "Drafts", "Sent"] {
        let mailbox = imap.select(folder).await.expect("selected");
        mailbox.search(Search::subject("topsecret")).await.expect("found");
        mailbox.fetch(uid, Items::body()).await.expect("fetched");
    }
    said.push(log.take());
    server.on("STATUS").no_with(Code::InUse, "busy with topsecret");
    let counts = imap_duplex::command::StatusItems::counts();
    imap.status("Sent", counts).await.expect_err("busy");
    said.push(log.take());
    // Two renewals of IDLE.
    tokio::time::sleep(Duration::from_secs(1300)).await;
    said.push(log.take());
    imap.logout().await.expect("logged out");
    while events.next().await.is_some() {}
    said.push(log.take());
    said
}

#[tokio::test(start_paused = true)]
async fn at_info_the_life_of_the_connection() {
    within(LIMIT, async {
        let said = sync(&Log::new(Level::INFO)).await;
        assert_eq!(
            said.concat(),
            [
                "INFO logged in server=imap.example.org user=alice",
                "INFO ready server=imap.example.org encrypted=false",
                "INFO closed reason=logged out",
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn at_debug_each_command_and_its_end() {
    within(LIMIT, async {
        let log = Log::new(Level::DEBUG);
        let said = sync(&log).await;
        let [connecting, folders, refused, idle, end] = &said[..] else { panic!("{said:#?}") };
        assert_eq!(
            connecting.first().map(String::as_str),
            Some("DEBUG greeted server=imap.example.org logged_in=false")
        );
        assert!(
            connecting
                .iter()
                .any(|line| line.starts_with("DEBUG sending")
                    && line.contains("command=AUTHENTICATE own=true")),
            "{connecting:#?}"
        );
        assert!(
            connecting.iter().any(|line| line.contains("command=ENABLE own=true result=OK bytes=… took=…")),
            "{connecting:#?}"
        );
        // Of each folder, in this order; what the view asks for aside.
        let own = |line: &&String| !line.contains("own=true");
        let mut lines = folders.iter().filter(own).map(|line| {
            let parts = line.split(' ').filter(|part| !part.starts_with("id=") && !part.starts_with("tag="));
            parts.collect::<Vec<_>>().join(" ")
        });
        for (at, folder) in ["INBOX", "Drafts", "Sent"].iter().enumerate() {
            let left = ["", "INBOX", "Drafts"][at];
            let messages = usize::from(at == 0);
            let mut expected = vec![format!("DEBUG sending command=SELECT mailbox={folder}")];
            if at > 0 {
                expected.push(format!("DEBUG no longer selected mailbox={left} by=Another"));
            }
            expected.push(format!("DEBUG selected mailbox={folder} messages={messages}"));
            expected.push(format!("DEBUG ended command=SELECT mailbox={folder} result=OK bytes=… took=…"));
            for command in ["SEARCH", "FETCH"] {
                expected.push(format!("DEBUG sending command={command} mailbox={folder}"));
                expected
                    .push(format!("DEBUG ended command={command} mailbox={folder} result=OK bytes=… took=…"));
            }
            let said: Vec<_> = lines.by_ref().take(expected.len()).collect();
            assert_eq!(said, expected, "{folders:#?}");
        }
        assert_eq!(lines.next(), None);
        assert!(
            refused
                .iter()
                .any(|line| line.contains("command=STATUS mailbox=Sent result=NO [INUSE] bytes=… took=…")),
            "{refused:#?}"
        );
        let count = |what: &str| idle.iter().filter(|line| line.contains(what)).count();
        assert_eq!((count("DEBUG idling"), count("IDLE is renewed"), count("ended")), (3, 2, 2), "{idle:#?}");
        assert_eq!(end.last().map(String::as_str), Some("INFO closed reason=logged out"), "{end:#?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn at_no_level_secrets_or_mail() {
    within(LIMIT, async {
        let log = Log::new(Level::TRACE);
        let text = sync(&log).await.concat().join("\n");
        assert!(text.contains("logged in"), "{text}");
        let password = Server::new().password().to_owned();
        for secret in ["topsecret", "hello", &password] {
            assert!(!text.contains(secret), "{secret} in:\n{text}");
        }
        // A server that repeats what it was sent, when it refuses it.
        let _guard = tracing::subscriber::set_default(log.clone());
        let (stream, mut server) = Peer::pair();
        let config =
            Config::new("imap.example.org").plaintext().login("alice", "s3cret").allow_plaintext_login(true);
        let serving = async {
            server.send(b"* OK [CAPABILITY IMAP4rev1] ready\r\n").await;
            let tag = server.expect_start("LOGIN").await.0;
            server.say(&format!("{tag} NO no such thing as LOGIN")).await;
        };
        let (refused, ()) = tokio::join!(config.connect_over(stream), serving);
        refused.map(drop).expect_err("refused");
        let text = log.take().join("\n");
        assert!(
            text.contains("INFO not connected error=LOGIN: imap.example.org refuses alice: NO no such"),
            "{text}"
        );
        assert!(text.contains("command=LOGIN own=true result=NO bytes=… took=…"), "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    })
    .await;
}

/// Contract, promise 15: a server may say again what it was sent, in whatever ends the login.
#[tokio::test(start_paused = true)]
async fn a_server_that_repeats_the_password_puts_it_into_no_line() {
    within(LIMIT, async {
        let log = Log::new(Level::TRACE);
        let _guard = tracing::subscriber::set_default(log.clone());
        for (capabilities, command) in
            [("IMAP4rev1", "LOGIN"), ("IMAP4rev1 AUTH=PLAIN SASL-IR", "AUTHENTICATE")]
        {
            for status in ["NO", "BAD", "* BYE"] {
                if (command, status) == ("AUTHENTICATE", "BAD") {
                    continue; // It is asked again, without its first answer.
                }
                let (stream, mut server) = Peer::pair();
                let config = Config::new("imap.example.org").plaintext().login("alice", "s3cret");
                let config = config.allow_plaintext_login(true);
                let serving = async {
                    server.send(format!("* OK [CAPABILITY {capabilities}] ready\r\n").as_bytes()).await;
                    let (tag, rest) = server.expect_start(command).await;
                    let tag = if status.starts_with('*') { String::new() } else { format!("{tag} ") };
                    server.say(&format!("{tag}{status} what is {command} {rest}")).await;
                    rest
                };
                let (refused, rest) = tokio::join!(config.connect_over(stream), serving);
                refused.map(drop).expect_err("refused");
                let text = log.take().join("\n");
                assert!(text.contains("INFO not connected error=") && text.contains("(left out: "), "{text}");
                let sent = rest.split(' ').next_back().expect("it has an end");
                assert!(!text.contains("s3cret") && !text.contains(sent), "{text}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_is_logged_with_the_reason() {
    within(LIMIT, async {
        let log = Log::new(Level::INFO);
        let _guard = tracing::subscriber::set_default(log.clone());
        let server = Server::new();
        let mut timeouts = Timeouts::default();
        timeouts.silence = Duration::from_secs(7);
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        let (imap, mut events) =
            config.timeouts(timeouts).connect_over(server.connect()).await.expect("logged in");
        server.on("NOOP").delay(Duration::from_secs(60));
        imap.noop().await.expect_err("silence");
        while events.next().await.is_some() {}
        let said = log.take();
        let closed = said.last().expect("it says so");
        assert!(closed.starts_with("INFO closed reason=timed out waiting for"), "{said:#?}");
    })
    .await;
}
