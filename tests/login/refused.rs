//! Logins that are refused, sorted by what to do about it: other credentials, later, another
//! set-up.

use std::time::Duration;

use imap_duplex::testing::{MECHANISMS, Server};
use imap_duplex::types::{Code, Status, StatusResponse};
use imap_duplex::{Config, ErrorKind, Mechanism, Remedy};

use crate::support::wire::Peer;
use crate::support::within;
use crate::{LIMIT, TOKEN, clear, failure, server};

const LATER: Remedy = Remedy::Later { after: None };

#[tokio::test(start_paused = true)]
async fn by_code_and_by_words() {
    within(LIMIT, async {
        let backoff = "Request is throttled. Suggested Backoff Time: 92415 milliseconds";
        let alert = Some(Code::Alert);
        for (code, text, remedy, hint) in [
            (Some(Code::AuthenticationFailed), "no", Remedy::Credentials, "user and password"),
            (Some(Code::Expired), "no", Remedy::Credentials, "has expired"),
            (Some(Code::AuthorizationFailed), "no", Remedy::Setup, "permission"),
            (Some(Code::PrivacyRequired), "no", Remedy::Setup, "encryption"),
            (Some(Code::Unavailable), "no", LATER, "try again later"),
            (Some(Code::Limit), "no", LATER, "try again later"),
            (Some(Code::InUse), "no", LATER, "try again later"),
            (alert.clone(), "Too many simultaneous connections. (Failure)", LATER, "try again later"),
            (
                alert.clone(),
                "Application-specific password required (Failure)",
                Remedy::Credentials,
                "one program",
            ),
            (alert, "Please log in via your web browser (Failure)", Remedy::Setup, ""),
            (
                None,
                backoff,
                Remedy::Later { after: Some(Duration::from_millis(92_415)) },
                "try again in 92.415s",
            ),
            (None, "LOGIN failed.", Remedy::Credentials, "user and password"),
        ] {
            let server = server();
            server
                .on("AUTHENTICATE")
                .always()
                .instead(format!("{{tag}} {}\r\n", StatusResponse::new(Status::No, code.clone(), text)));
            let config = clear().login("alice", "secret").mechanism(Mechanism::Plain);
            let error = failure(config.connect_over(server.connect()).await);
            assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(remedy)), "{code:?} {text}");
            assert!(error.to_string().contains(text), "the server's own words: {error}");
            assert!(error.hint().unwrap_or_default().contains(hint), "{error:#}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn before_any_login() {
    within(LIMIT, async {
        for (greeting, kind, remedy) in [
            ("* BYE [UNAVAILABLE] back at noon", ErrorKind::Closed, LATER),
            (
                "* BYE Suggested Backoff Time: 5 milliseconds",
                ErrorKind::Closed,
                Remedy::Later { after: Some(Duration::from_millis(5)) },
            ),
            ("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED STARTTLS] hello", ErrorKind::Insecure, Remedy::Setup),
            ("* OK [CAPABILITY IMAP4rev1] hello", ErrorKind::Insecure, Remedy::Setup),
        ] {
            let (stream, mut server) = Peer::pair();
            let config = Config::new("imap.example.org").plaintext().login("alice", "secret");
            let (end, ()) = tokio::join!(config.connect_over(stream), server.say(greeting));
            let error = failure(end);
            assert_eq!((error.kind(), error.remedy()), (kind, Some(remedy)), "{greeting}: {error:#}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_token_with_what_the_server_says_of_it() {
    within(LIMIT, async {
        let google = r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#;
        let scope = r#"{"status":"insufficient_scope","scope":"imap"}"#;
        for mechanism in [Mechanism::Xoauth2, Mechanism::OauthBearer] {
            for (json, remedy, hint) in [
                (google, Remedy::Credentials, "has expired or was withdrawn"),
                (scope, Remedy::Setup, "lacks the scope"),
                ("not JSON", Remedy::Credentials, "is the token still valid"),
            ] {
                let builder = Server::builder().mechanisms(MECHANISMS.iter().copied()).token_failure(json);
                let server = builder.start();
                server.set_token(TOKEN);
                server.expire_token();
                let config = clear().token("alice", TOKEN).mechanism(mechanism);
                let error = failure(config.connect_over(server.connect()).await);
                assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(remedy)), "{error:#}");
                assert_eq!(error.code(), Some(&Code::AuthenticationFailed));
                assert!(error.to_string().contains(json), "{error}");
                assert!(error.hint().is_some_and(|text| text.contains(hint)), "{error:#}");
                let text = format!("{error:#} {error:?}");
                assert!(!text.contains("ya29.vF9"), "{text}");
            }
        }
        // A server that repeats the token is not quoted.
        let builder = Server::builder().mechanisms(["XOAUTH2"]);
        let server = builder.token_failure(format!(r#"{{"status":"401","token":"{TOKEN}"}}"#)).start();
        let error = failure(clear().token("alice", TOKEN).connect_over(server.connect()).await);
        assert_eq!(error.remedy(), Some(Remedy::Credentials));
        assert!(!format!("{error:#} {error:?}").contains("ya29"), "{error:#}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_server_does_not_offer() {
    within(LIMIT, async {
        let few = || Server::builder().mechanisms(["PLAIN", "SCRAM-SHA-1"]).start();
        let password = || clear().login("alice", "secret");
        for (config, words) in [
            (
                password().mechanism(Mechanism::ScramSha256),
                "offers no SCRAM-SHA-256; it offers PLAIN, SCRAM-SHA-1",
            ),
            (password().mechanism(Mechanism::ScramSha1Plus), "offers no SCRAM-SHA-1-PLUS"),
            (
                password().mechanism(Mechanism::Xoauth2),
                "XOAUTH2 logs in by a token, and what was given is a password",
            ),
            (clear().token("alice", TOKEN), "takes no token; it offers PLAIN, SCRAM-SHA-1"),
            (clear().token("alice", TOKEN).mechanism(Mechanism::Plain), "PLAIN logs in by a password"),
            (clear().external(None), "takes no login by EXTERNAL"),
            (clear().anonymous(""), "takes no anonymous login"),
        ] {
            let server = few();
            let error = failure(config.connect_over(server.connect()).await);
            assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Setup)), "{error:#}");
            assert!(error.to_string().contains(words), "{words}: {error:#}");
            assert_eq!(server.received().iter().filter(|command| command.name == "AUTHENTICATE").count(), 0);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_secret_goes_in_clear_to_another_machine() {
    within(LIMIT, async {
        let there = || Config::new("imap.example.org").plaintext();
        let server = server();
        for (config, is_sent) in [
            (there().login("alice", "secret"), false),
            (there().login("alice", "secret").mechanism(Mechanism::ScramSha256), false),
            (there().token("alice", TOKEN), false),
            (there().external(None), true),
            (there().anonymous(""), true),
            (there().token("alice", TOKEN).allow_plaintext_login(true), true),
        ] {
            let before = server.received().len();
            match config.connect_over(server.connect()).await {
                Ok(_) => assert!(is_sent, "{config:?}"),
                Err(error) => {
                    assert!(!is_sent, "{config:?}: {error:#}");
                    assert_eq!((error.kind(), error.remedy()), (ErrorKind::Insecure, Some(Remedy::Setup)));
                    assert_eq!(server.received().len(), before, "not a word");
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_no_tokens_are_not_sent() {
    within(LIMIT, async {
        for bad in ["", "two words", "line\r\nend", "a\x01auth=Bearer b"] {
            let server = server();
            let error = failure(clear().token("alice", bad).connect_over(server.connect()).await);
            assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Setup)), "{error:#}");
            assert_eq!(server.received().iter().filter(|command| command.name == "AUTHENTICATE").count(), 0);
        }
    })
    .await;
}
