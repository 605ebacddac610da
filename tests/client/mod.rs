//! What the tests of the library itself share: the event stream, read with a time limit and shown
//! in short form.
//!
//! In: `#[path = "../client/mod.rs"] mod client;`. Out: [`Events`], which panics, with all that
//! came, where an event is missing; and, if it is strict, at any event by which the library says
//! that it did not understand the server.
#![allow(dead_code, reason = "each test file uses another part of it")]

use std::fmt::Write as _;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use imap_duplex::types::{Answer, CloseReason, Event, EventKind, Seq, Uid};
use imap_duplex::{Config, Error, Receiver, TlsBackend};

/// The variable that says by which library the tests' connections are encrypted: `native`, or by
/// default rustls.
const TLS: &str = "IMAP_DUPLEX_TLS";

/// This host, by the TLS that the tests are to run with.
pub(crate) fn config_for(host: impl Into<String>) -> Config {
    let config = Config::new(host);
    match std::env::var(TLS).as_deref() {
        Ok("native") => config.tls_backend(TlsBackend::Native),
        Ok("rustls") | Err(_) => config,
        Ok(other) => panic!("{TLS} is native or rustls, not {other}"),
    }
}

/// How long one event may be waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A [`Receiver`] with all events read so far.
pub(crate) struct Events {
    receiver: Receiver,
    seen: Vec<Event>,
    strict: bool,
}

impl Events {
    /// For a server whose responses are all understood: `Unparsed`, `Unknown` and `Contradiction`
    /// fail the test, and so do those that are unread when this is dropped.
    pub(crate) fn strict(receiver: Receiver) -> Self {
        Self { receiver, seen: Vec::new(), strict: true }
    }

    /// For a server that misbehaves.
    pub(crate) fn any(receiver: Receiver) -> Self {
        Self { receiver, seen: Vec::new(), strict: false }
    }

    fn note(&mut self, event: &Event) {
        let misunderstood = matches!(
            event.kind,
            EventKind::Unparsed { .. } | EventKind::Unknown { .. } | EventKind::Contradiction { .. }
        );
        self.seen.push(event.clone());
        assert!(!misunderstood || !self.strict, "the server was not understood: {event}\n{}", self.story());
    }

    /// All that came so far, a line for each.
    fn story(&self) -> String {
        self.seen.iter().fold(String::from("all events:\n"), |mut text, event| {
            let _ = writeln!(text, "  {event}");
            text
        })
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> Event {
        match tokio::time::timeout(PATIENCE, self.receiver.next()).await {
            Ok(Some(event)) => {
                self.note(&event);
                event
            }
            Ok(None) => panic!("the stream has ended\n{}", self.story()),
            Err(_) => panic!("no event within {PATIENCE:?}\n{}", self.story()),
        }
    }

    /// The next event, as [`brief`] shows it.
    pub(crate) async fn brief(&mut self) -> String {
        brief(&self.next().await)
    }

    /// Reads on to the first event that fits.
    pub(crate) async fn until(&mut self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        loop {
            match tokio::time::timeout(PATIENCE, self.receiver.next()).await {
                Ok(Some(event)) => {
                    self.note(&event);
                    if fits(&event) {
                        return event;
                    }
                }
                Ok(None) => panic!("the stream ended before {what}\n{}", self.story()),
                Err(_) => panic!("not within {PATIENCE:?}: {what}\n{}", self.story()),
            }
        }
    }

    /// Reads on to the event that [`brief`] shows so.
    pub(crate) async fn until_brief(&mut self, wanted: &str) -> Event {
        self.until(wanted, |event| brief(event) == wanted).await
    }

    /// What is in the stream at this moment, without waiting.
    pub(crate) fn ready(&mut self) -> Vec<Event> {
        let mut ready = Vec::new();
        loop {
            let next = pin!(self.receiver.next()).poll(&mut Context::from_waker(Waker::noop()));
            let Poll::Ready(Some(event)) = next else { return ready };
            self.note(&event);
            ready.push(event);
        }
    }

    /// What is in the stream at this moment, as [`brief`] shows it.
    pub(crate) fn ready_briefs(&mut self) -> Vec<String> {
        self.ready().iter().map(brief).collect()
    }

    /// Reads to the end: the last event has to be `Closed`, and none follows it. Returns the reason
    /// and, as [`brief`] shows it, all events before.
    pub(crate) async fn end(&mut self) -> (CloseReason, Vec<String>) {
        let mut before = Vec::new();
        loop {
            let event = self.next().await;
            if let EventKind::Closed { reason, .. } = event.kind {
                let after = tokio::time::timeout(PATIENCE, self.receiver.next()).await;
                assert!(matches!(after, Ok(None)), "after Closed: {after:?}\n{}", self.story());
                return (reason, before);
            }
            before.push(brief(&event));
        }
    }

    /// All events so far that [`brief`] shows so.
    pub(crate) fn count(&self, wanted: &str) -> usize {
        self.seen.iter().filter(|event| brief(event) == wanted).count()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[allow(clippy::print_stderr, reason = "why a test failed may be in there")]
            {
                eprintln!("{}", self.story());
            }
        } else {
            self.ready();
        }
    }
}

fn which(seq: Option<Seq>, uid: Option<Uid>) -> String {
    let show = |number: Option<u32>| number.map_or("?".to_owned(), |n| n.to_string());
    format!("{} uid {}", show(seq.map(Seq::get)), show(uid.map(Uid::get)))
}

/// An event in a few words that do not change with the wording for people: `flags 1 uid 4 (\Seen)`.
pub(crate) fn brief(event: &Event) -> String {
    match &event.kind {
        EventKind::Opened { exists, .. } => format!("opened {exists}"),
        EventKind::Ready { exists, .. } => format!("ready {exists}"),
        EventKind::Exists { count, .. } => format!("exists {count}"),
        EventKind::Arrived { seq, uid, .. } => format!("arrived {}", which(*seq, Some(*uid))),
        EventKind::Expunged { seq, uid, .. } => format!("removed {}", which(*seq, *uid)),
        EventKind::FlagsChanged { seq, uid, flags, .. } => format!("flags {} {flags}", which(*seq, *uid)),
        EventKind::UidValidityChanged { uid_validity, .. } => {
            format!("uidvalidity {}", uid_validity.map_or(0, |it| it.get()))
        }
        EventKind::SelectionEnded => "selection ended".into(),
        EventKind::Status(status) => format!("status {}", status.name),
        EventKind::MailboxCreated(entry) => format!("created {}", entry.name),
        EventKind::MailboxRenamed { from, .. } => {
            format!("renamed {from} to {}", event.mailbox().map_or("?", |name| name.as_str()))
        }
        EventKind::MailboxDeleted => {
            format!("deleted {}", event.mailbox().map_or("?", |name| name.as_str()))
        }
        EventKind::MailboxSubscribed { subscribed, .. } => {
            let name = event.mailbox().map_or("?", |name| name.as_str());
            format!("{} {name}", if *subscribed { "subscribed" } else { "unsubscribed" })
        }
        EventKind::NotificationsLost { asked_again, .. } => format!("notifications lost {asked_again}"),
        EventKind::Data(Answer::Fetch(row)) => format!("data fetch {}", which(row.seq(), row.uid())),
        EventKind::Data(Answer::List(entry)) => format!("data list {}", entry.name),
        EventKind::Data(Answer::MailboxStatus(status)) => format!("data status {}", status.name),
        EventKind::Data(other) => format!("data {other:?}"),
        EventKind::Completed { command, status, detached, .. } => {
            let end = if *detached { "detached " } else { "" };
            format!("{end}{command} {}", status.status)
        }
        EventKind::Failed { command, .. } => format!("{command} failed"),
        EventKind::Alert { text, .. } => format!("alert {text}"),
        EventKind::Notice(status) => format!("notice {status}"),
        EventKind::Capabilities(all) => format!("capabilities {all}"),
        EventKind::Lagged(lag) => format!("lagged {}", lag.events),
        EventKind::Contradiction { what, .. } => format!("contradiction {what}"),
        EventKind::Unknown { name, .. } => format!("unknown {name}"),
        EventKind::Unparsed { bytes, .. } => format!("unparsed {}", bytes.escape_ascii()),
        EventKind::Closed { reason, .. } => format!("closed {reason}"),
        other => format!("{other:?}"),
    }
}

/// The UID with this value.
pub(crate) fn uid(value: u32) -> Uid {
    Uid::new(value).expect("not 0")
}

/// The sequence number with this value.
pub(crate) fn seq(value: u32) -> Seq {
    Seq::new(value).expect("not 0")
}

/// All that an error says of itself, by `Display` and `Debug`, its sources included.
pub(crate) fn whole_text(error: &Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let _ = write!(text, " {inner} {inner:?}");
        source = inner.source();
    }
    text
}
