//! What a program can see of its connections: the traffic in the log, spans, `Sender::stats`, and
//! what is reported to the crate `metrics`.

mod support;

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use imap_duplex::command::{Claim, Class, Command, Flow, Items, Line, Session as Known};
use imap_duplex::testing::Server;
use imap_duplex::types::{Done, Untagged};
use imap_duplex::{Config, Result};
use support::within;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const LIMIT: Duration = Duration::from_secs(3600);
/// It has to be sent as a literal, and percent-encoded in a URL.
const PASSWORD: &str = "correct/horse:bättery%";
const IN_URL: &str = "correct%2Fhorse%3Ab%C3%A4ttery%25";

/// All events, and all spans with what is known of them at their end.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<SeenState>>);

#[derive(Default)]
struct SeenState {
    lines: Vec<String>,
    spans: BTreeMap<u64, String>,
    open: usize,
}

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name @ ("took" | "lasted") => write!(self.0, " {name}=…"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

impl Seen {
    fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic").lines.clone()
    }

    fn spans(&self) -> Vec<String> {
        self.0.lock().expect("no panic").spans.values().cloned().collect()
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("imap_duplex")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut state = self.0.lock().expect("no panic");
        let id = u64::try_from(state.spans.len()).expect("few") + 1;
        let mut text = span.metadata().name().to_owned();
        span.record(&mut Text(&mut text));
        state.spans.insert(id, text);
        state.open += 1;
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut state = self.0.lock().expect("no panic");
        values.record(&mut Text(state.spans.get_mut(&id.into_u64()).expect("a span")));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = event.metadata().target().to_owned();
        event.record(&mut Text(&mut text));
        self.0.lock().expect("no panic").lines.push(text);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A command of a user's own with a secret in it.
struct SetPassword;

impl Command for SetPassword {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "XPASSWD"
    }

    fn class(&self) -> Class {
        Class::barrier()
    }

    fn encode(&mut self, line: &mut Line, _: &Known) -> Result<Flow> {
        line.atom("XPASSWD").atom("alice").secret(PASSWORD.as_bytes());
        Ok(Flow::Last)
    }

    fn claims(&self, _: &Untagged) -> Claim {
        Claim::No
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

/// A server that has nothing but the command LOGIN, and no literals that go at once.
fn server() -> Server {
    Server::builder().user("alice", PASSWORD).mechanisms([]).without(["LITERAL+", "LITERAL-"]).start()
}

fn config() -> Config {
    Config::from_url(&format!("imap://alice:{IN_URL}@localhost")).expect("a URL").plaintext()
}

/// A session with a login by literals, mail, a refused command, an IDLE and an end.
async fn session(server: &Server) {
    server.deliver("INBOX", "Subject: lunch\r\n\r\nhello\r\n");
    let (imap, mut events) = config().connect_over(server.connect()).await.expect("logged in");
    let inbox = imap.select("INBOX").await.expect("selected");
    inbox.fetch(inbox.newest(1), Items::body()).await.expect("fetched");
    inbox.fetch(inbox.newest(1), Items::flags()).await.expect("fetched");
    imap.submit(SetPassword).await.expect_err("there is no such command");
    imap.raw("XSOMETHING").await.expect_err("nor this");
    tokio::time::sleep(Duration::from_secs(60)).await;
    imap.logout().await.expect("logged out");
    while events.next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn the_traffic_is_in_the_log_and_secrets_are_not() {
    within(LIMIT, async {
        let seen = Seen::default();
        let _guard = tracing::subscriber::set_default(seen.clone());
        session(&server()).await;
        let lines = seen.lines();
        let wire: Vec<_> = lines.iter().filter_map(|line| line.strip_prefix("imap_duplex::wire ")).collect();
        for expected in [
            "C: A1 LOGIN (", // and the literals:
            "C: (23 bytes left out)",
            "C: A4 SELECT INBOX",
            "S: * 1 EXISTS",
            r"S: * 1 FETCH (UID 1 BODY[] {25}\r\nSubject: lunch\r\n\r\nhello\r\n)",
            "XPASSWD (",
            "XSOMETHING",
            "IDLE",
            "S: * 1 FETCH (UID 1 FLAGS (",
            "S: + ",
            "C: DONE",
            "LOGOUT",
            "S: * BYE",
        ] {
            assert!(wire.iter().any(|line| line.contains(expected)), "{expected}: {wire:#?}");
        }
        let all = format!("{lines:?} {:?} {:?}", seen.spans(), config()).to_lowercase();
        for form in ["correct", "horse", "ttery", "%2f", &"Y29ycmVjdC9ob3Jz".to_lowercase()] {
            assert!(!all.contains(form), "{form} in {all}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn spans_have_tag_mailbox_bytes_and_duration() {
    within(LIMIT, async {
        let seen = Seen::default();
        let guard = tracing::subscriber::set_default(seen.clone());
        session(&server()).await;
        while !seen.spans()[0].contains("lasted") {
            tokio::task::yield_now().await;
        }
        drop(guard);
        let spans = seen.spans();
        let has = |parts: &[&str]| spans.iter().any(|span| parts.iter().all(|part| span.contains(part)));
        for parts in [
            &["connection server=localhost port 143 user=alice received=", " sent=", " lasted=…"][..],
            &["login"],
            &["command ", "command=LOGIN", "tag=A1", "bytes=", "took=…", "result=OK"],
            &["command ", "command=FETCH mailbox=INBOX", "tag=A", "bytes=", "result=OK"],
            &["command ", "command=XSOMETHING", "result=BAD"],
            &["idle ", "command=IDLE", "mailbox=INBOX", "tag=A", "took=…", "result=OK"],
        ] {
            assert!(has(parts), "{parts:?}: {spans:#?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn stats_count_what_goes_and_what_waits() {
    within(LIMIT, async {
        // Else the place in the code could be noted as one without a listener, for all threads.
        let _guard = tracing::subscriber::set_default(Seen::default());
        let server = Server::new();
        (0..2).for_each(|_| _ = server.deliver("INBOX", "Subject: x\r\n\r\n"));
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        for compressed in [false, true] {
            let config = config.clone().auto_idle(false).compress(compressed);
            let (imap, mut events) = config.connect_over(server.connect()).await.expect("logged in");
            let before = imap.stats();
            assert_eq!((before.waiting, before.in_flight, before.unwritten, before.events), (0, 0, 0, 0));
            assert!(
                before.bytes_received > 50 && before.bytes_sent > 20 && before.commands >= 2,
                "{before:?}"
            );
            imap.noop().await.expect("done");
            let after = imap.stats();
            assert_eq!(
                after.bytes_sent - before.bytes_sent,
                u64::try_from("A5 NOOP\r\n".len()).expect("small")
            );
            assert_eq!((after.commands - before.commands, after.responses - before.responses), (1, 1));
            assert_eq!(after.events, 1, "the end of NOOP");
            assert!(after.event_bytes > 0);
            events.next().await.expect("an event");
            assert_eq!(imap.stats().events, 0);
            // One in flight, and others that wait for it.
            server.on("XSLOW").delay(Duration::from_secs(9));
            let slow = imap.raw("XSLOW");
            let all: Vec<_> = (0..10).map(|_| imap.noop()).collect();
            assert_eq!(imap.stats().waiting, 11, "{:?}", imap.stats());
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!((imap.stats().waiting, imap.stats().in_flight), (10, 1), "{:?}", imap.stats());
            drop((slow, all));
            tokio::time::sleep(Duration::from_secs(20)).await;
            assert_eq!((imap.stats().waiting, imap.stats().in_flight), (0, 0));
            for _ in 0..50 {
                imap.list("*").await.expect("listed");
            }
            // Rows of FETCH are responses like any other.
            let inbox = imap.select("INBOX").await.expect("selected");
            inbox.ready().await.expect("in step");
            let before = imap.stats().responses;
            let rows = inbox.fetch(inbox.newest(2), Items::new().flags()).await.expect("fetched");
            assert_eq!((rows.len(), imap.stats().responses - before), (2, 3));
            let ratio = imap.stats().compression;
            assert_eq!(ratio.is_some(), compressed);
            assert!(ratio.is_none_or(|ratio| ratio > 2.0), "{ratio:?}");
        }
    })
    .await;
}

/// Keeps what is reported to the crate `metrics`.
#[derive(Clone, Default)]
struct Metrics(Arc<Mutex<BTreeMap<String, f64>>>);

/// One of them.
struct Metric(Metrics, String);

impl Metric {
    fn change(&self, by: f64) {
        *self.0.0.lock().expect("no panic").entry(self.1.clone()).or_default() += by;
    }
}

#[allow(clippy::cast_precision_loss, reason = "small numbers")]
impl metrics::CounterFn for Metric {
    fn increment(&self, value: u64) {
        self.change(value as f64);
    }

    fn absolute(&self, _: u64) {}
}

impl metrics::GaugeFn for Metric {
    fn increment(&self, value: f64) {
        self.change(value);
    }

    fn decrement(&self, value: f64) {
        self.change(-value);
    }

    fn set(&self, _: f64) {}
}

impl metrics::HistogramFn for Metric {
    fn record(&self, value: f64) {
        self.change(value);
    }
}

impl Metrics {
    fn of(&self, key: &metrics::Key) -> Arc<Metric> {
        let labels = key.labels().map(|label| format!("{}={}", label.key(), label.value()));
        let name = format!("{}{{{}}}", key.name(), labels.collect::<Vec<_>>().join(","));
        Arc::new(Metric(self.clone(), name))
    }

    fn get(&self, name: &str) -> f64 {
        let all = self.0.lock().expect("no panic");
        all.get(name).copied().unwrap_or_else(|| panic!("{name} is not in {all:#?}"))
    }
}

impl metrics::Recorder for Metrics {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        metrics::Counter::from_arc(self.of(key))
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::from_arc(self.of(key))
    }

    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::from_arc(self.of(key))
    }
}

#[test]
fn metrics_count_connections_commands_and_bytes_with_labels_from_short_lists() {
    let seen = Metrics::default();
    let _guard = tracing::subscriber::set_default(Seen::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    metrics::with_local_recorder(&seen, || {
        runtime.expect("a runtime").block_on(within(LIMIT, async {
            let server = server();
            session(&server).await;
            let wrong = config().login("alice", "wrong").connect_over(server.connect()).await;
            wrong.map(drop).expect_err("refused");
            let (imap, events) = config().connect_over(server.connect()).await.expect("logged in");
            assert_eq!(seen.get("imap_connections{state=ready}"), 1.0);
            drop((imap, events));
            tokio::time::sleep(Duration::from_secs(60)).await;
        }));
    });
    for (name, value) in [
        ("imap_connections{state=ready}", 0.0),
        ("imap_connections{state=connecting}", 0.0),
        ("imap_connects_total{result=ok}", 2.0),
        ("imap_connects_total{result=login}", 1.0),
        ("imap_commands_total{verb=SELECT,result=ok}", 1.0),
        ("imap_commands_total{verb=LOGIN,result=no}", 1.0),
        ("imap_commands_total{verb=other,result=bad}", 2.0),
        ("imap_commands_total{verb=LOGOUT,result=ok}", 2.0),
    ] {
        assert_eq!(seen.get(name), value, "{name}");
    }
    for name in ["imap_bytes_total{dir=in}", "imap_bytes_total{dir=out}", "imap_responses_total{}"] {
        assert!(seen.get(name) > 10.0, "{name}");
    }
    assert!(seen.get("imap_command_seconds{verb=IDLE}") > 50.0);
    let all = format!("{:?}", seen.0.lock().expect("no panic"));
    for name in ["alice", "INBOX", "localhost", "XSOMETHING", "XPASSWD", "correct"] {
        assert!(!all.contains(name), "{name} in {all}");
    }
}
