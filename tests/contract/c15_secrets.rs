//! Promise 15: secrets stay secret: in Debug, in errors and in traces.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use imap_duplex::command::{Claim, Class, Command, Flow, Line, Secret, Session as Known};
use imap_duplex::types::{Answer, Done, EventKind, Untagged};
use imap_duplex::{Config, Error, ErrorKind, Receiver, Result, Sender, Sent};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::client::{Events, whole_text};
use crate::session::{LIMIT, quiet};
use crate::support::wire::Peer;
use crate::support::within;

const USER: &str = "alice";
const PASSWORD: &str = "correct-horse";
/// NUL alice NUL correct-horse, in base64.
const PLAIN: &str = "AGFsaWNlAGNvcnJlY3QtaG9yc2U=";

/// All that is traced, at each level, as text.
#[derive(Clone, Default)]
struct Traces(Arc<Mutex<String>>);

impl Traces {
    fn text(&self) -> String {
        self.0.lock().expect("nothing panics under this lock").clone()
    }
}

struct Writing<'a>(&'a mut String);

impl Visit for Writing<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Traces {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Writing(&mut self.0.lock().expect("nothing panics under this lock")));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Writing(&mut self.0.lock().expect("nothing panics under this lock")));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = self.0.lock().expect("nothing panics under this lock");
        let _ = write!(text, "{}", event.metadata().target());
        event.record(&mut Writing(&mut text));
        text.push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn assert_secret(what: &str, text: &str) {
    for secret in [PASSWORD, PLAIN, "correct", "horse"] {
        assert!(!text.contains(secret), "{what} shows it: {text}");
    }
}

fn config() -> Config {
    quiet().login(USER, PASSWORD).allow_plaintext_login(true)
}

/// A login with a server of these capabilities that answers it so. What came of it, and the server.
async fn log_in(capability: &str, answer: &str) -> (Result<(Sender, Receiver), Error>, Peer) {
    let (stream, mut server) = Peer::pair();
    let config = config();
    let serving = async {
        server.say(&format!("* OK [CAPABILITY {capability}] ready")).await;
        let (tag, mut line) = server.expect_start("").await;
        if line == "AUTHENTICATE PLAIN" {
            server.say("+ ").await;
            server.expect_line(PLAIN).await;
            line.push_str(PLAIN);
        }
        assert!(line.contains(PASSWORD) || line.contains(PLAIN), "it was sent: {line}");
        server.say(&format!("{tag} {answer}")).await;
    };
    let (end, ()) = tokio::join!(config.connect_over(stream), serving);
    (end, server)
}

const WAYS: [&str; 3] = ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 AUTH=PLAIN SASL-IR"];

#[tokio::test(start_paused = true)]
async fn no_debug_shows_the_password() {
    within(LIMIT, async {
        assert_secret("Config", &format!("{:?} {:#?}", config(), config()));
        assert!(format!("{:?}", config()).contains(USER), "who it is may be seen");
        assert_secret("Secret", &format!("{:?}", Secret::from(PASSWORD)));
        for way in WAYS {
            let (end, server) = log_in(way, "OK [CAPABILITY IMAP4rev1] welcome").await;
            let (imap, receiver) = end.expect("logged in");
            assert_secret("the halves", &format!("{imap:?} {receiver:?}"));
            let mut events = Events::strict(receiver);
            drop(server);
            let (reason, before) = events.end().await;
            assert_secret("the events", &format!("{reason:?} {before:?}"));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_error_shows_the_password() {
    within(LIMIT, async {
        for way in WAYS {
            for answer in ["NO no", "BAD what", "NO [AUTHENTICATIONFAILED] no", "OK"] {
                let (end, _server) = log_in(way, answer).await;
                if let Err(error) = end {
                    assert_secret(way, &whole_text(&error));
                }
            }
        }
        // What ends the connection midway.
        for way in WAYS {
            let (stream, mut server) = Peer::pair();
            let config = config();
            let serving = async {
                server.say(&format!("* OK [CAPABILITY {way}] ready")).await;
                server.expect_start("").await;
                drop(server);
            };
            let (end, ()) = tokio::join!(config.connect_over(stream), serving);
            assert_secret(way, &whole_text(&end.expect_err("it hung up")));
        }
        // A password that can't be written at all.
        let config = quiet().login(USER, format!("{PASSWORD}\0")).allow_plaintext_login(true);
        for way in WAYS {
            let (stream, mut server) = Peer::pair();
            let greeting = format!("* OK [CAPABILITY {way}] ready");
            let (end, ()) = tokio::join!(
                tokio::time::timeout(std::time::Duration::from_secs(100), config.connect_over(stream)),
                server.say(&greeting)
            );
            let error = end.expect("its own patience is shorter").expect_err("NUL goes nowhere");
            assert_secret(way, &whole_text(&error));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_trace_shows_the_password() {
    let traces = Traces::default();
    let guard = tracing::subscriber::set_default(traces.clone());
    within(LIMIT, async {
        for way in WAYS {
            for answer in ["OK [CAPABILITY IMAP4rev1] welcome", "NO no", "BAD what"] {
                let (end, server) = log_in(way, answer).await;
                drop(server);
                if let Ok((_imap, receiver)) = end {
                    Events::strict(receiver).end().await;
                }
            }
        }
        tracing::info!("the traces are recorded");
    })
    .await;
    drop(guard);
    let text = traces.text();
    assert!(text.contains("the traces are recorded"), "{text}");
    assert_secret("a trace", &text);
}

/// A user's command with an argument that is a secret.
struct SetPassword(&'static str);

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
        line.atom("XPASSWD").secret(self.0.as_bytes());
        assert_secret("Line", &format!("{line:?} {line:#?}"));
        Ok(Flow::Last)
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_secret_of_a_users_command_stays_one() {
    let traces = Traces::default();
    let guard = tracing::subscriber::set_default(traces.clone());
    within(LIMIT, async {
        let mut s = crate::session::Session::open().await;
        let token = s.imap.submit(SetPassword(PASSWORD));
        assert_secret("Token", &format!("{token:?}"));
        let tag = s.server.expect(&format!("XPASSWD \"{PASSWORD}\"")).await;
        s.server.say(&format!("{tag} NO too weak")).await;
        assert_secret("the error", &whole_text(&token.await.expect_err("refused")));
        for event in s.events.ready() {
            assert_secret("an event", &format!("{event} {event:?}"));
        }
    })
    .await;
    drop(guard);
    assert_secret("a trace", &traces.text());
}

/// How a server may quote what it was sent: `{}` is what it quotes.
const QUOTES: [&str; 9] = [
    "{tag} NO no such line: {}",
    "{tag} BAD {}",
    "{tag} NO [X-LINE {}] no",
    "* NO {}\r\n{tag} NO no",
    "* BAD [ALERT] {}\r\n{tag} NO no",
    "* BYE what is {}",
    "* XECHO {} (\r\n{tag} NO no",
    "* XECHO {} {4000000000}",
    "* ID (\"line\" \"{}\")\r\nA99 OK {}\r\n+ {}\r\n{tag} OK [CAPABILITY IMAP4rev1] {}",
];

/// The forms in which it may: as it came, cut short, in capitals, the password alone, in base64.
fn quoted(line: &str) -> Vec<String> {
    let words = line.trim_end();
    let cut = words[..words.len() - 3].to_owned();
    let password = PASSWORD.to_uppercase();
    vec![
        words.to_owned(),
        cut,
        words.to_uppercase(),
        format!("<{password}>"),
        "Y29ycmVjdC1ob3JzZQ".into(),
        PLAIN.into(),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_server_that_quotes_the_login_is_not_quoted() {
    let traces = Traces::default();
    let guard = tracing::subscriber::set_default(traces.clone());
    within(LIMIT, async {
        for way in WAYS {
            for quote in QUOTES {
                for form in 0..6 {
                    let (stream, mut server) = Peer::pair();
                    let config = config();
                    let serving = async {
                        server.say(&format!("* OK [CAPABILITY {way}] ready")).await;
                        let (tag, mut line) = server.expect_start("").await;
                        if line == "AUTHENTICATE PLAIN" {
                            server.say("+ ").await;
                            server.expect_line(PLAIN).await;
                            line = PLAIN.into();
                        }
                        let said = quote.replace("{tag}", &tag).replace("{}", &quoted(&line)[form]);
                        server.say(&said).await;
                        drop(server);
                    };
                    let (end, ()) = tokio::join!(config.connect_over(stream), serving);
                    let what = format!("{way}, {quote}, {form}");
                    let texts = match end {
                        Err(error) => format!("{} {:?}", whole_text(&error), error.status()),
                        Ok((imap, receiver)) => {
                            let mut events = Events::any(receiver);
                            let (reason, before) = events.end().await;
                            format!("{imap:?} {reason:?} {before:?}")
                        }
                    };
                    let texts = texts.to_lowercase();
                    for secret in [PASSWORD, "correct", "y29ycmvjdc1ob3jzzq", &PLAIN[..16].to_lowercase()] {
                        assert!(!texts.contains(secret), "{what}: {texts}");
                    }
                }
            }
        }
    })
    .await;
    drop(guard);
    assert_secret("a trace", &traces.text());
}

#[tokio::test(start_paused = true)]
async fn passwords_that_are_short_or_need_escapes_are_not_quoted_either() {
    within(LIMIT, async {
        for (password, echo, shown) in [
            ("xy", "LOGIN alice \"xy\"", false),
            ("a\"b\\c", "LOGIN alice \"a\\\"b\\\\c\"", false),
            ("a\"b\\c", "a\"b\\c", false),
            ("grün", "gr\u{fc}n", false),
            ("", "LOGIN alice \"\"", true),
            ("correct-horse", "that user or that word is wrong, alice", true),
            // What it says has but a part of them in it, or they are parts of words.
            ("Login123", "Login failed.", true),
            ("Login123", "what is LOGIN alice Login123", false),
            ("Mail2024", "Mailbox is over quota", true),
            ("a", "that was a bad password", true),
            ("a", "LOGIN alice a", false),
        ] {
            let (stream, mut server) = Peer::pair();
            let config = quiet().login(USER, password).allow_plaintext_login(true);
            let serving = async {
                server.say("* OK [CAPABILITY IMAP4rev1 LITERAL+] ready").await;
                let (tag, line) = server.expect_start("LOGIN").await;
                if line.ends_with('}') {
                    server.next_line().await;
                }
                server.say(&format!("{tag} NO {echo}")).await;
            };
            let (end, ()) = tokio::join!(config.connect_over(stream), serving);
            let error = end.expect_err("refused");
            assert_eq!(error.to_string().contains(echo), shown, "{password}: {error}");
            assert_eq!(error.to_string().contains("left out"), !shown, "{password}: {error}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_secret_of_a_users_command_is_not_quoted() {
    within(LIMIT, async {
        let mut s = crate::session::Session::open().await;
        let token = s.imap.submit(SetPassword(PASSWORD));
        let tag = s.server.expect(&format!("XPASSWD \"{PASSWORD}\"")).await;
        s.server.say(&format!("* NO {PASSWORD} is too weak")).await;
        s.server.say(&format!("{tag} NO {PASSWORD} is too weak")).await;
        assert_secret("the error", &whole_text(&token.await.expect_err("refused")));
        for event in s.events.ready() {
            assert_secret("an event", &format!("{event} {event:?}"));
        }
        // Once it is over, nothing is left out any more.
        let token = s.imap.create("a");
        let tag = s.server.expect("CREATE a").await;
        s.server.say(&format!("{tag} NO correct-horse is taken")).await;
        assert!(token.await.expect_err("refused").to_string().contains("correct-horse"));
        s.events.ready();
    })
    .await;
}

/// A user's command with a secret, whose answers are of a kind that the library has no type for, or
/// an ID, or a code.
struct Ask;

impl Command for Ask {
    type Item = Untagged;
    type Output = Vec<Untagged>;

    fn name(&self) -> &str {
        "XASK"
    }

    fn class(&self) -> Class {
        Class::barrier()
    }

    fn encode(&mut self, line: &mut Line, _: &Known) -> Result<Flow> {
        line.atom("XASK").secret(PASSWORD.as_bytes());
        Ok(Flow::Last)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        let code = match response.answer() {
            Answer::Status(status) => status.code.as_ref().is_some_and(|code| code.name() == "X-ASKED"),
            answer => matches!(answer, Answer::Id(_)),
        };
        if code || response.name() == "XDATA" { Claim::Whole } else { Claim::No }
    }

    fn item(response: Untagged) -> Option<Untagged> {
        Some(response)
    }

    fn finish(self, _: Done, items: Vec<Untagged>) -> Result<Vec<Untagged>> {
        Ok(items)
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_reaches_its_command_whole_and_no_event_or_error_shows_its_secret() {
    within(LIMIT, async {
        let long = format!("* XDATA {{20000}}\r\n{}", "x".repeat(20_000));
        let secret = format!("* XDATA ({PASSWORD})");
        let id = format!("* ID (\"token\" \"{PASSWORD}\")");
        let code = format!("* OK [X-ASKED {PASSWORD}] {PASSWORD}");
        for (answer, has_secret) in [(&long, false), (&secret, true), (&id, true), (&code, true)] {
            let mut s = crate::session::Session::hostile().await;
            let token = s.imap.submit(Ask);
            let tag = s.server.expect(&format!("XASK \"{PASSWORD}\"")).await;
            s.server.say(answer).await;
            s.server.say(&format!("{tag} OK done")).await;
            let response = token.await.expect("all of it");
            assert_eq!(response.len(), 1, "{answer:.40}");
            assert_eq!(format!("{response:?}").contains(PASSWORD), has_secret, "{answer:.40}");
            for event in s.events.ready() {
                assert_secret("an event", &format!("{event} {event:?}"));
            }
            // Refused, detached, or without an owner.
            let token = s.imap.submit(Ask);
            let tag = s.server.expect(&format!("XASK \"{PASSWORD}\"")).await;
            s.server.say(answer).await;
            s.server.say(&format!("{tag} NO no")).await;
            let error = token.await.expect_err("refused");
            assert_secret("an error", &format!("{} {:?}", whole_text(&error), error.answers()));
            s.events.ready();
            let detached = s.imap.submit(Ask).detach();
            let tag = s.server.expect(&format!("XASK \"{PASSWORD}\"")).await;
            s.server.say(answer).await;
            s.server.say(&format!("{tag} OK done")).await;
            let end = s.events.until("its end", |event| {
                assert_secret("an event", &format!("{event} {event:?}"));
                event.cause == Some(detached) && matches!(event.name(), "completed" | "failed")
            });
            let end = match end.await.kind {
                EventKind::Failed { kind, sent, .. } => Some((kind, sent)),
                _ => None,
            };
            assert_eq!(end, has_secret.then_some((ErrorKind::Incomplete, Sent::Fully)), "{answer:.40}");
        }
    })
    .await;
}
