//! Promise 13, the beginning: greetings of all kinds, and what logging in makes of them.

use std::time::Duration;

use imap_duplex::types::{CloseReason, Status};
use imap_duplex::{Config, Error, ErrorKind, Receiver, Sender};

use crate::client::{Events, whole_text};
use crate::session::{LIMIT, quiet};
use crate::support::wire::Peer;
use crate::support::within;

/// A client that wants to log in, with what came of it once the server has done its part.
async fn connect<F>(
    config: Config,
    serve: impl FnOnce(Peer) -> F,
) -> (Result<(Sender, Receiver), Error>, Peer)
where
    F: Future<Output = Peer>,
{
    let (stream, server) = Peer::pair();
    tokio::join!(config.connect_over(stream), serve(server))
}

fn login() -> Config {
    quiet().login("alice", "s3cret").allow_plaintext_login(true)
}

async fn says(line: &str) -> (Result<(Sender, Receiver), Error>, Peer) {
    connect(login(), |mut server| async move {
        server.send(line.as_bytes()).await;
        server
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_the_greeting_is_reported_in_the_servers_words() {
    within(LIMIT, async {
        let (end, mut server) = says("* BYE [UNAVAILABLE] too many friends\r\n").await;
        let error = end.expect_err("BYE");
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert!(error.to_string().contains("too many friends"), "{error}");
        assert_eq!(error.code().map(|code| code.name()), Some("UNAVAILABLE"));
        server.expect_end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_greeting_is_an_error_that_shows_it() {
    within(LIMIT, async {
        for said in
            ["HTTP/1.1 400 Bad Request\r\n", "220 mail.example.org ESMTP\r\n", "SSH-2.0-OpenSSH_9.6\r\n"]
        {
            let (end, mut server) = says(said).await;
            let error = end.expect_err("no IMAP");
            assert!(error.to_string().contains(said.trim_end()), "{error}");
            server.expect_end().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_close_before_the_greeting_is_reported_as_one() {
    within(LIMIT, async {
        for said in ["", "* OK hel", "* OK hello\r"] {
            let (stream, mut server) = Peer::pair();
            let config = login();
            let serving = async {
                server.send(said.as_bytes()).await;
                drop(server);
            };
            let (end, ()) = tokio::join!(config.connect_over(stream), serving);
            let error = end.expect_err("it closed");
            assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
            assert!(error.to_string().contains("closed") || error.to_string().contains("ended"), "{error}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_never_comes_is_waited_for_as_long_as_configured() {
    within(LIMIT, async {
        let start = tokio::time::Instant::now();
        let (end, mut server) = says("").await;
        let error = end.expect_err("nothing came");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("greeting"), "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(30));
        server.expect_end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_comes_byte_by_byte_and_an_answer_that_never_does() {
    within(LIMIT, async {
        let start = tokio::time::Instant::now();
        let (end, mut server) = connect(login(), |mut server| async move {
            for byte in b"* OK [CAPABILITY IMAP4rev1] slowly\r\n" {
                tokio::time::sleep(Duration::from_millis(100)).await;
                server.send(&[*byte]).await;
            }
            server.expect("LOGIN \"alice\" \"s3cret\"").await;
            server
        })
        .await;
        let error = end.expect_err("no answer to LOGIN");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("login"), "{error}");
        assert!(start.elapsed() >= Duration::from_secs(60));
        server.expect_end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_is_greeted_with_preauth_need_not_log_in() {
    within(LIMIT, async {
        let (end, mut server) = says("* PREAUTH [CAPABILITY IMAP4rev1] welcome back\r\n").await;
        let (imap, receiver) = end.expect("logged in already");
        let mut events = Events::strict(receiver);
        server.expect_silence(Duration::from_secs(1)).await;
        let token = imap.noop();
        let tag = server.expect("NOOP").await;
        server.say(&format!("{tag} OK")).await;
        token.await.expect("OK");
        assert_eq!(events.ready_briefs(), ["NOOP OK"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn capabilities_are_asked_for_where_the_server_does_not_tell_them() {
    within(LIMIT, async {
        let (end, _server) = connect(login(), |mut server| async move {
            server.say("* OK ready").await;
            let tag = server.expect("CAPABILITY").await;
            server.say("* CAPABILITY IMAP4rev1").await;
            server.say(&format!("{tag} OK done")).await;
            let tag = server.expect("LOGIN \"alice\" \"s3cret\"").await;
            server.say(&format!("{tag} OK welcome")).await;
            // They may be others now.
            let tag = server.expect("CAPABILITY").await;
            server.say("* CAPABILITY IMAP4rev1 MOVE").await;
            server.say(&format!("{tag} OK done")).await;
            server
        })
        .await;
        let (imap, receiver) = end.expect("logged in");
        assert!(imap.capabilities().has("MOVE"));
        assert_eq!(Events::strict(receiver).ready_briefs(), [""; 0], "logging in is no event");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn capabilities_in_the_answer_to_login_are_not_asked_for_again() {
    within(LIMIT, async {
        for in_tagged_line in [true, false] {
            let (end, _server) = connect(login(), |mut server| async move {
                server.say("* OK [CAPABILITY IMAP4rev1] ready").await;
                let tag = server.expect("LOGIN \"alice\" \"s3cret\"").await;
                if in_tagged_line {
                    server.say(&format!("{tag} OK [CAPABILITY IMAP4rev1 MOVE] welcome")).await;
                } else {
                    server.say("* CAPABILITY IMAP4rev1 MOVE").await;
                    server.say(&format!("{tag} OK welcome")).await;
                }
                server.expect_silence(Duration::from_secs(1)).await;
                server
            })
            .await;
            let (imap, _events) = end.expect("logged in");
            assert!(imap.capabilities().has("MOVE"));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn plain_goes_in_one_line_where_the_server_allows_it_and_in_two_where_not() {
    within(LIMIT, async {
        // NUL alice NUL s3cret, in base64.
        let secret = "AGFsaWNlAHMzY3JldA==";
        for ir in [true, false] {
            let (end, _server) = connect(login(), |mut server| async move {
                let also = if ir { "SASL-IR " } else { "" };
                server.say(&format!("* OK [CAPABILITY IMAP4rev1 {also}AUTH=PLAIN] ready")).await;
                let tag = if ir {
                    server.expect(&format!("AUTHENTICATE PLAIN {secret}")).await
                } else {
                    let tag = server.expect("AUTHENTICATE PLAIN").await;
                    server.expect_silence(Duration::from_secs(1)).await;
                    server.say("+ ").await;
                    server.expect_line(secret).await;
                    tag
                };
                server.say(&format!("{tag} OK [CAPABILITY IMAP4rev1] welcome")).await;
                server
            })
            .await;
            end.expect("logged in");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_says_who_refused_and_why() {
    within(LIMIT, async {
        for capability in ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN SASL-IR"] {
            let (end, mut server) = connect(login(), |mut server| async move {
                server.say(&format!("* OK [CAPABILITY {capability}] ready")).await;
                let (tag, _) = server.expect_start("").await;
                server.say(&format!("{tag} NO [AUTHENTICATIONFAILED] not with these words")).await;
                server
            })
            .await;
            let error = end.expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::Login);
            assert_eq!(error.code().map(|code| code.name()), Some("AUTHENTICATIONFAILED"));
            let text = whole_text(&error);
            assert!(text.contains("not with these words") && !text.contains("s3cret"), "{text}");
            server.expect_end().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_in_the_midst_of_login_is_a_lost_connection() {
    within(LIMIT, async {
        for bye in ["", "* BYE no more\r\n"] {
            let (stream, mut server) = Peer::pair();
            let config = login();
            let serving = async {
                server.say("* OK [CAPABILITY IMAP4rev1] ready").await;
                server.expect("LOGIN \"alice\" \"s3cret\"").await;
                server.send(bye.as_bytes()).await;
                drop(server);
            };
            let (end, ()) = tokio::join!(config.connect_over(stream), serving);
            let error = end.expect_err("it closed");
            assert_eq!(error.kind(), ErrorKind::Closed);
            let is_bye = matches!(error.close_reason(), Some(CloseReason::Bye(_)));
            assert_eq!(is_bye, !bye.is_empty(), "{error:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_no_password_may_go_in_clear_none_goes() {
    within(LIMIT, async {
        // An address that is not this machine's own, no TLS, and no word that this is as it should
        // be.
        let config = quiet().login("alice", "s3cret");
        let (end, mut server) = connect(config, |mut server| async move {
            server.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready").await;
            server.expect_end().await;
            server
        })
        .await;
        let error = end.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Insecure);
        assert!(error.to_string().contains("encrypted"), "{error}");
        server.expect_end().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_login_is_sent_none() {
    within(LIMIT, async {
        let (end, _server) = connect(login(), |mut server| async move {
            server.say("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] ready").await;
            server.expect_end().await;
            server
        })
        .await;
        let error = end.expect_err("it takes none");
        assert_eq!(error.kind(), ErrorKind::Insecure);
        assert!(error.to_string().contains("LOGINDISABLED"), "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn starttls_that_is_asked_for_and_not_offered_or_not_possible_is_an_error() {
    within(LIMIT, async {
        let asks =
            || Config::new("server.test").starttls().login("alice", "s3cret").allow_plaintext_login(true);
        for (greeting, why) in [
            ("* OK [CAPABILITY IMAP4rev1] ready", "STARTTLS"),
            ("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] ready", "STARTTLS is no longer possible"),
            ("* PREAUTH [CAPABILITY IMAP4rev1] ready", "STARTTLS is no longer possible"),
        ] {
            let (end, mut server) = connect(asks(), |mut server| async move {
                server.say(greeting).await;
                server
            })
            .await;
            let error = end.expect_err("no TLS, no login");
            assert_eq!(error.kind(), ErrorKind::Tls, "{greeting}");
            assert!(error.to_string().contains(why), "{error}");
            server.expect_end().await;
        }
        let (end, _server) = connect(asks(), |mut server| async move {
            server.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready").await;
            let tag = server.expect("STARTTLS").await;
            server.say(&format!("{tag} NO not today")).await;
            server.expect_end().await;
            server
        })
        .await;
        let error = end.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Tls);
        assert!(error.to_string().contains("not today"), "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_slipped_in_behind_the_answer_to_starttls_is_an_error() {
    within(LIMIT, async {
        for config in [
            Config::new("server.test").starttls().login("alice", "s3cret"),
            Config::new("server.test").opportunistic_tls().login("alice", "s3cret"),
        ] {
            let (end, _server) = connect(config, |mut server| async move {
                server.say("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready").await;
                let tag = server.expect("STARTTLS").await;
                server.send(format!("{tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n").as_bytes()).await;
                server.expect_end().await;
                server
            })
            .await;
            let error = end.expect_err("bytes in clear behind STARTTLS");
            assert_eq!(error.kind(), ErrorKind::Tls);
            assert!(error.to_string().contains("clear text"), "{error}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn id_and_enable_are_said_where_they_are_offered_and_a_refusal_is_no_obstacle() {
    within(LIMIT, async {
        let config = Config::new("server.test").plaintext().auto_idle(false);
        let (end, _server) = connect(config, |mut server| async move {
            server.say("* PREAUTH [CAPABILITY IMAP4rev1 ENABLE ID QRESYNC] ready").await;
            let id = server.expect("ID (\"name\" \"imap-duplex\")").await;
            let enable = server.expect("ENABLE QRESYNC").await;
            server.say(&format!("{id} BAD who cares")).await;
            server.say("* ENABLED QRESYNC").await;
            server.say(&format!("{enable} OK done")).await;
            server
        })
        .await;
        let (_imap, receiver) = end.expect("none of it is in the way");
        assert_eq!(Events::strict(receiver).ready_briefs(), [""; 0]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_program_gives_its_own_name_or_none() {
    within(LIMIT, async {
        let config = quiet().program("Reader \"2\"", "1.0");
        assert!(format!("{:?}", config.get_id()).contains("Reader"), "{:?}", config.get_id());
        let (end, server) = connect(config, |mut server| async move {
            server.say("* PREAUTH [CAPABILITY IMAP4rev1 ID] ready").await;
            let id = server.expect(r#"ID ("name" "Reader \"2\"" "version" "1.0")"#).await;
            server.say(&format!("{id} OK hello")).await;
            server
        })
        .await;
        drop((end.expect("logged in"), server));
        let config = quiet().program("Reader", "1.0").id(None);
        assert!(config.get_id().is_none());
        let (end, mut server) = connect(config, |mut server| async move {
            server.say("* PREAUTH [CAPABILITY IMAP4rev1 ID] ready").await;
            server
        })
        .await;
        let _halves = end.expect("logged in");
        server.expect_silence(Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_greeting_with_an_alert_is_reported_on_the_stream() {
    within(LIMIT, async {
        let (end, _server) = connect(quiet(), |mut server| async move {
            server.say("* PREAUTH [ALERT] maintenance at noon").await;
            let tag = server.expect("CAPABILITY").await;
            server.say("* CAPABILITY IMAP4rev1").await;
            server.say(&format!("{tag} OK done")).await;
            server
        })
        .await;
        let (_imap, receiver) = end.expect("greeted");
        assert_eq!(Events::strict(receiver).ready_briefs(), ["alert maintenance at noon"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_greeting_of_no_is_no_greeting() {
    within(LIMIT, async {
        // RFC 9051 section 7.1: a greeting is OK, PREAUTH or BYE.
        for said in ["* NO go away\r\n", "* BAD go away\r\n", "* 3 EXISTS\r\n", "+ go\r\n", "A1 OK hello\r\n"]
        {
            let start = tokio::time::Instant::now();
            let (end, _server) = says(said).await;
            let error = end.expect_err(said);
            assert!(!error.to_string().is_empty());
            assert_ne!(error.status().map(|status| status.status), Some(Status::Ok), "{said}");
            assert!(start.elapsed() <= Duration::from_secs(30), "{said}: {error}");
            if said.contains("go away") {
                assert!(error.to_string().contains("go away"), "{said}: {error}");
            }
        }
    })
    .await;
}
