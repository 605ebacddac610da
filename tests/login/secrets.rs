//! Nothing that is traced, at any level, and nothing that `Debug` or `Display` show has a password
//! or a token in it, in any form: as it is, in base64 at any offset, as it was sent.

use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use imap_duplex::testing::{MECHANISMS, Quirk, Server};
use imap_duplex::{Config, Credentials, Error, Mechanism, Receiver, Sender};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::wire::{Log, Peer, Recorder};
use crate::support::within;
use crate::{LIMIT, clear, name_of};

const PASSWORD: &str = "correct-horse-battery";
const TOKEN: &str = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";

/// All that is traced, at each level, as text.
#[derive(Clone, Default)]
struct Traces(Arc<Mutex<String>>);

struct Writing<'a>(&'a mut String);

impl Visit for Writing<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Traces {
    fn write(&self, what: impl FnOnce(&mut Writing<'_>)) {
        let mut text = self.0.lock().expect("nothing panics under this lock");
        what(&mut Writing(&mut text));
        text.push('\n');
    }
}

impl Subscriber for Traces {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.write(|text| span.record(text));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.write(|text| values.record(text));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.write(|text| event.record(text));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The forms of a secret that could be seen somewhere, in small letters.
fn forms(secret: &str, sent: &[String]) -> Vec<String> {
    let mut forms = vec![secret.to_owned(), secret[..12].to_owned(), secret[secret.len() - 12..].to_owned()];
    for before in 0..3 {
        let encoded = BASE64.encode([&[0; 3][..before], secret.as_bytes()].concat());
        forms.push(encoded[4..16].to_owned());
    }
    // What was sent, whatever it means: a proof of SCRAM among it.
    let pieces = sent.iter().flat_map(|text| text.split([' ', '\r', '\n']));
    forms.extend(pieces.filter(|piece| piece.len() > 20).map(|piece| piece[piece.len() - 16..].to_owned()));
    forms.iter().map(|form| form.to_lowercase()).collect()
}

#[track_caller]
fn assert_none(what: &str, text: &str, forms: &[String]) {
    let text = text.to_lowercase();
    for form in forms {
        assert!(!text.contains(form.as_str()), "{what} shows {form}: {text}");
    }
}

fn shown(end: &Result<(Sender, Receiver), Error>) -> String {
    match end {
        Ok((sender, receiver)) => format!("{sender:?} {receiver:?}"),
        Err(error) => {
            format!("{error} {error:#} {error:?} {error:#?} {:?} {:?}", error.status(), error.answers())
        }
    }
}

/// With the right secret, or another one as secret.
fn config(mechanism: Mechanism, secret: &str) -> Config {
    let config = match mechanism {
        Mechanism::OauthBearer | Mechanism::Xoauth2 => clear().token("alice", secret),
        _ => clear().login("alice", secret),
    };
    config.mechanism(mechanism)
}

fn secret_of(mechanism: Mechanism) -> &'static str {
    match mechanism {
        Mechanism::OauthBearer | Mechanism::Xoauth2 => TOKEN,
        _ => PASSWORD,
    }
}

fn mechanisms() -> impl Iterator<Item = Mechanism> {
    let names = MECHANISMS.iter().filter(|name| !name.ends_with("-PLUS"));
    let all = names.map(|name| name.parse().expect("a name"));
    all.filter(|mechanism| !matches!(mechanism, Mechanism::External | Mechanism::Anonymous))
}

fn sent(log: &Log) -> Vec<String> {
    log.writes().into_iter().filter(|line| !line.contains("CAPABILITY") && !line.contains(" ID ")).collect()
}

#[tokio::test(start_paused = true)]
async fn at_a_server_that_takes_or_refuses_them() {
    let traces = Traces::default();
    let guard = tracing::subscriber::set_default(traces.clone());
    within(LIMIT, async {
        for mechanism in mechanisms() {
            for quirk in [
                None,
                Some(Quirk::RefusesInitialResponse),
                Some(Quirk::EchoesLogin),
                Some(Quirk::ForgedSignature),
            ] {
                let builder = Server::builder().mechanisms(MECHANISMS.iter().copied());
                for is_right in [true, false] {
                    let server = quirk
                        .into_iter()
                        .fold(builder.clone(), |builder, quirk| builder.quirk(quirk))
                        .start();
                    if is_right {
                        server.set_password(PASSWORD);
                        server.set_token(TOKEN);
                    }
                    let secret = secret_of(mechanism);
                    let config = config(mechanism, secret);
                    let (stream, log) = Recorder::new(server.connect());
                    let end = config.connect_over(stream).await;
                    let forms = forms(secret, &sent(&log));
                    assert!(forms.len() > 6, "{mechanism}: something was sent: {:?}", log.writes());
                    let what = format!("{mechanism} {quirk:?} {is_right}");
                    assert_none(&what, &format!("{} {config:?}", shown(&end)), &forms);
                    assert_none(&what, &traces.0.lock().expect("no panic"), &forms);
                }
            }
        }
        let credentials = [Credentials::password(PASSWORD), Credentials::token(TOKEN)];
        assert_none(
            "Credentials",
            &format!("{credentials:?}"),
            &[forms(PASSWORD, &[]), forms(TOKEN, &[])].concat(),
        );
    })
    .await;
    drop(guard);
    let text = traces.0.lock().expect("no panic").clone();
    assert!(text.contains("logging in") && text.contains("mechanism=SCRAM-SHA-256"), "{text}");
    // The traffic is there, too.
    for line in ["C: A1 AUTHENTICATE PLAIN", "S: * OK [CAPABILITY", "S: + (", "C: ("] {
        assert!(text.contains(line), "{line} in {text}");
    }
    for scram in ["biws", "Yz1iaXdz", "cj0"] {
        assert!(!text.contains(scram), "{scram} in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_they_are_renewed() {
    let traces = Traces::default();
    let guard = tracing::subscriber::set_default(traces.clone());
    within(LIMIT, async {
        let server = Server::builder().mechanisms(["XOAUTH2"]).start();
        let requests = Arc::new(Mutex::new(String::new()));
        let notes = requests.clone();
        let config = clear().credentials("alice", move |request| {
            let _ = write!(notes.lock().expect("no panic"), "{request:?}");
            let token = if request.error().is_some() { "fresh-but-no-better-token" } else { TOKEN };
            async move { Ok(Credentials::token(token)) }
        });
        let (stream, log) = Recorder::new(server.connect());
        let end = config.connect_over(stream).await;
        let forms = [forms(TOKEN, &sent(&log)), forms("fresh-but-no-better-token", &[])].concat();
        let requests = requests.lock().expect("no panic").clone();
        assert!(requests.contains("Expired"), "{requests}");
        assert_none("the requests", &requests, &forms);
        assert_none("the error", &format!("{} {config:?}", shown(&end)), &forms);
        assert_none("the traces", &traces.0.lock().expect("no panic"), &forms);
    })
    .await;
    drop(guard);
}

/// A server that repeats what it was sent in each place where it can.
#[tokio::test(start_paused = true)]
async fn at_a_server_that_repeats_what_it_is_sent() {
    const QUOTES: [&str; 7] = [
        "TAG NO no such line: {}",
        "TAG BAD {}",
        "TAG NO [ALERT] {}",
        "* NO {}\r\nTAG NO no",
        "* BYE what is {}",
        "+ {}\r\nTAG NO no",
        "+ {}\r\n+ {}\r\nTAG BAD {}",
    ];
    let traces = Traces::default();
    let guard = tracing::subscriber::set_default(traces.clone());
    within(LIMIT, async {
        for mechanism in mechanisms().filter(|mechanism| !mechanism.name().starts_with("SCRAM")) {
            for quote in QUOTES {
                for form in 0..4 {
                    let (stream, mut server) = Peer::pair();
                    let secret = secret_of(mechanism);
                    let config = config(mechanism, secret);
                    let serving = async {
                        let also = if mechanism == Mechanism::Login { "" } else { "SASL-IR " };
                        server
                            .say(&format!("* OK [CAPABILITY IMAP4rev1 {also}AUTH={mechanism}] ready"))
                            .await;
                        let mut line = server.next_line().await;
                        let tag = line.split(' ').next().unwrap_or_default().to_owned();
                        if mechanism == Mechanism::Login {
                            server.say("+ ").await;
                            server.next_line().await;
                            server.say("+ ").await;
                            line = server.next_line().await;
                        }
                        let last = line.rsplit(' ').next().unwrap_or_default().to_owned();
                        let said = match form {
                            0 => line.clone(),
                            1 => last.clone(),
                            2 => secret.to_uppercase(),
                            _ => format!("{{\"status\":\"401\",\"token\":\"{secret}\"}}"),
                        };
                        let said = if quote.starts_with('+') { BASE64_PADDED.encode(said) } else { said };
                        server.say(&quote.replace("TAG", &tag).replace("{}", &said)).await;
                        server.lines_until_silence(std::time::Duration::from_secs(1)).await;
                        drop(server);
                        vec![last]
                    };
                    let (end, sent) = tokio::join!(config.connect_over(stream), serving);
                    let what = format!("{} {quote} {form}", name_of(mechanism.name()));
                    let forms = forms(secret, &sent);
                    assert_none(&what, &shown(&end), &forms);
                    assert_none(&what, &traces.0.lock().expect("no panic"), &forms);
                }
            }
        }
    })
    .await;
    drop(guard);
}

const BASE64_PADDED: base64::engine::GeneralPurpose = base64::engine::general_purpose::STANDARD;
