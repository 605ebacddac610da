//! Mechanisms of a user's own: at the embedded server, which does in them what the test says, and
//! at a peer whose each line a test writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use imap_duplex::testing::{Quirk, SaslTurn, Server};
use imap_duplex::{
    Config, Credentials, ErrorKind, Mechanism, Remedy, SaslExchange, SaslMechanism, SaslPlace,
};

use crate::support::wire::Peer;
use crate::support::within;
use crate::{LIMIT, clear, failure, name_of, ways};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What both sides say, in turns.
#[derive(Clone, Default)]
struct Script {
    name: &'static str,
    /// What the client says first.
    first: Option<&'static str>,
    /// Challenges and answers; an answer of `!` gives up.
    turns: Vec<(&'static str, &'static str)>,
    in_clear: bool,
    /// Why it can't begin.
    refusal: Option<&'static str>,
    begun: Arc<AtomicUsize>,
}

impl SaslMechanism for Script {
    fn name(&self) -> &str {
        self.name
    }

    fn user(&self) -> Option<&str> {
        Some("tim")
    }

    fn needs_encryption(&self) -> bool {
        !self.in_clear
    }

    fn begin(&self, place: &SaslPlace) -> Result<Box<dyn SaslExchange>, BoxError> {
        assert_eq!((place.port(), place.is_encrypted(), place.channel_binding()), (143, false, None));
        self.begun.fetch_add(1, Ordering::Relaxed);
        match self.refusal {
            Some(why) => Err(why.into()),
            None => Ok(Box::new(Saying { script: self.clone(), said: 0 })),
        }
    }
}

struct Saying {
    script: Script,
    said: usize,
}

impl SaslExchange for Saying {
    fn first(&mut self) -> Result<Option<Vec<u8>>, BoxError> {
        Ok(self.script.first.map(Into::into))
    }

    fn step(&mut self, challenge: &[u8]) -> Result<Vec<u8>, BoxError> {
        let (wanted, answer) = self.script.turns[self.said];
        self.said += 1;
        if challenge != wanted.as_bytes() || answer == "!" {
            return Err("the challenge is not right".into());
        }
        Ok(answer.into())
    }

    fn is_done(&self) -> bool {
        self.said == self.script.turns.len()
    }
}

const CHALLENGE: &str = "<1896.697170952@postoffice.reston.mci.net>";
const ANSWER: &str = "tim b913a602c7eda7a495b4e6e7334d3890";

/// The example of RFC 2195.
fn cram() -> Script {
    Script { name: "CRAM-MD5", turns: vec![(CHALLENGE, ANSWER)], in_clear: true, ..Script::default() }
}

/// As GSSAPI goes: the client speaks first, and the server has the last word.
fn gssapi() -> Script {
    let turns = vec![("context", "token"), ("layers", "none"), ("good", "")];
    Script { name: "gssapi", first: Some("ticket"), turns, in_clear: true, ..Script::default() }
}

fn server() -> Server {
    let turn = |text: &str| SaslTurn::Challenge(text.as_bytes().to_vec());
    Server::builder()
        .user("alice", "secret")
        .sasl("cram-md5", move |answers| match answers {
            [] => turn(CHALLENGE),
            [answer] if answer == ANSWER.as_bytes() => SaslTurn::Accept("tim".into()),
            _ => SaslTurn::Refuse,
        })
        .sasl("GSSAPI", move |answers| {
            let answers: Vec<_> = answers.iter().map(|answer| String::from_utf8_lossy(answer)).collect();
            match answers.iter().map(AsRef::as_ref).collect::<Vec<&str>>()[..] {
                [] => turn(""),
                ["ticket"] => turn("context"),
                ["ticket", "token"] => turn("layers"),
                ["ticket", "token", "none"] => turn("good"),
                ["ticket", "token", "none", ""] => SaslTurn::Accept("alice".into()),
                _ => SaslTurn::Refuse,
            }
        })
        .start()
}

#[tokio::test(start_paused = true)]
async fn they_log_in_with_and_without_an_initial_response() {
    within(LIMIT, async {
        for (own, user) in [(cram(), "tim"), (gssapi(), "alice")] {
            let server = server();
            let config = clear().sasl(own.clone());
            assert_eq!((config.get_user(), config.get_sasl().next()), (Some("tim"), Some(own.name)));
            assert!(!format!("{config:?}").contains("b913"), "{config:?}");
            let (imap, _events) = config.connect_over(server.connect()).await.expect(own.name);
            assert_eq!(server.sessions()[0].user().as_deref(), Some(user));
            assert_eq!(imap.list("*").await.expect("LIST").len(), 4);
            assert_eq!(ways(&server), [format!("AUTHENTICATE {}", own.name.to_uppercase())]);
        }
        // A server that has SASL-IR, and refuses it: the exchange is begun once more.
        let turns = |answers: &[Vec<u8>]| match answers {
            [] => SaslTurn::Challenge(Vec::new()),
            [ticket] if ticket == b"ticket" => SaslTurn::Accept("alice".into()),
            _ => SaslTurn::Refuse,
        };
        let server = Server::builder().sasl("GSSAPI", turns).quirk(Quirk::RefusesInitialResponse).start();
        let own = Script { turns: Vec::new(), ..gssapi() };
        clear().sasl(own.clone()).connect_over(server.connect()).await.expect("without it");
        assert_eq!(own.begun.load(Ordering::Relaxed), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_first_that_is_offered_and_can_be_begun_is_used() {
    within(LIMIT, async {
        let server = server();
        let missing = Script { name: "NTLM", ..cram() };
        let no_ticket = Script { refusal: Some("no ticket"), ..gssapi() };
        let config = clear().login("alice", "secret").sasl(missing.clone()).sasl(no_ticket.clone());
        for (config, used) in [
            (config.clone().sasl(cram()), "CRAM-MD5"),
            (config.clone(), "PLAIN"),
            (config.clone().sasl(cram()).mechanism(Mechanism::Plain), "PLAIN"),
        ] {
            let (imap, _events) = config.connect_over(server.connect()).await.expect(used);
            imap.logout().await.expect("goodbye");
            assert_eq!(ways(&server).last().map(|way| name_of(way)), Some(used));
        }
        assert_eq!(missing.begun.load(Ordering::Relaxed), 0);
        assert_eq!(no_ticket.begun.load(Ordering::Relaxed), 2);
        // From a callback.
        let own = cram();
        let config = clear().credentials("tim", move |_| {
            let own = own.clone();
            async move { Ok(Credentials::sasl(own)) }
        });
        config.connect_over(server.connect()).await.expect("in");
        assert_eq!(server.sessions().last().and_then(|session| session.user()).as_deref(), Some("tim"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_names_the_mechanism_and_is_final() {
    within(LIMIT, async {
        let server = server();
        let wrong = Script { turns: vec![(CHALLENGE, "tim 0000")], ..cram() };
        let unlike = Script { turns: vec![("what", "never")], ..cram() };
        let gives_up = Script { turns: vec![(CHALLENGE, "!")], ..cram() };
        for (own, kind, words) in [
            (wrong, ErrorKind::Login, "refuses alice"),
            (unlike, ErrorKind::Login, "gives up"),
            (gives_up, ErrorKind::Login, "gives up"),
        ] {
            let config = clear().login("alice", "secret").sasl(own);
            let before = ways(&server).len();
            let error = failure(config.connect_over(server.connect()).await);
            assert_eq!(error.kind(), kind, "{error:#}");
            let text = format!("{error:#}");
            assert!(text.contains(words) && text.contains("CRAM-MD5"), "{text}");
            assert_eq!(ways(&server).len(), before + 1, "no password after it");
        }
        let none = Script { refusal: Some("no ticket"), ..cram() };
        let error = failure(clear().sasl(none).connect_over(server.connect()).await);
        assert!(format!("{error:#}").contains("CRAM-MD5") && format!("{error:#}").contains("no ticket"));
        let error =
            failure(clear().sasl(Script { name: "NTLM", ..cram() }).connect_over(server.connect()).await);
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Setup)));
        let text = format!("{error:#}");
        assert!(text.contains("does not offer NTLM") && text.contains("CRAM-MD5"), "{text}");
        let named = clear().sasl(cram()).mechanism(Mechanism::Plain);
        let error = failure(named.connect_over(server.connect()).await);
        assert!(format!("{error:#}").contains("PLAIN logs in by a password"), "{error:#}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_needs_encryption_is_not_sent_without() {
    within(LIMIT, async {
        let server = server();
        let far = Config::new("imap.example.org").plaintext();
        let own = Script { in_clear: false, ..cram() };
        let config = far.login("alice", "secret").sasl(own.clone());
        let error = failure(config.clone().connect_over(server.connect()).await);
        assert_eq!(error.kind(), ErrorKind::Insecure, "{error:#}");
        assert!(format!("{error:#}").contains("the login by CRAM-MD5 of alice"), "{error:#}");
        assert!(ways(&server).is_empty() && own.begun.load(Ordering::Relaxed) == 0);
        let allowed = config.allow_plaintext_login(true);
        allowed.connect_over(server.connect()).await.expect("the user allows it");
        // One that shows nothing needs none; the password behind it does.
        let far = || Config::new("imap.example.org").plaintext();
        far().sasl(cram()).connect_over(server.connect()).await.expect("it shows nothing");
        let config = far().login("alice", "secret").sasl(Script { refusal: Some("no"), ..cram() });
        let error = failure(config.connect_over(server.connect()).await);
        assert_eq!(error.kind(), ErrorKind::Insecure, "{error:#}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_out_of_step_is_not_believed_and_repeats_nothing() {
    within(LIMIT, async {
        let own = || Script { turns: vec![("one", "my-long-answer"), ("two", "")], ..cram() };
        for (own, says, words) in [
            (own(), &["TAG OK in"][..], "before the exchange by CRAM-MD5 is over"),
            (own(), &["+ b25l", "TAG OK in"], "before the exchange by CRAM-MD5 is over"),
            (own(), &["+ b25l", "+ dHdv", "+ ", "TAG NO no"], "after the exchange had ended"),
            (own(), &["+ !", "TAG BAD no"], "not base64"),
            (own(), &["+ b25l", "TAG NO you said my-long-answer"], "refuses tim"),
            (own(), &["+ b25l", "TAG NO you said bXktbG9uZy1hbnN3ZXI="], "refuses tim"),
            (gssapi(), &["+ b25l", "TAG BAD no"], "the server speaks first"),
        ] {
            let (stream, mut server) = Peer::pair();
            let name = own.name.to_uppercase();
            let serving = async {
                server.say(&format!("* OK [CAPABILITY IMAP4rev1 AUTH={name}] ready")).await;
                let mut tag = String::new();
                for text in says {
                    let line = server.next_line().await;
                    if let Some((first, _)) = line.split_once(" AUTHENTICATE") {
                        first.clone_into(&mut tag);
                    }
                    server.say(&text.replace("TAG", &tag)).await;
                }
                server
            };
            let config = clear().sasl(own);
            let (end, _server) = tokio::join!(config.connect_over(stream), serving);
            let error = failure(end);
            let text = format!("{error:#} {error:?}");
            assert!(text.contains(words), "{says:?}: {text}");
            assert!(!text.contains("my-long") && !text.contains("bXktbG9u"), "{text}");
        }
    })
    .await;
}
