//! Servers that do what Dovecot can't be made to do: wrong continuations, refusals in each place,
//! silence, OK too early.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use imap_duplex::{Config, Error, ErrorKind, Mechanism, Remedy};

use crate::support::wire::Peer;
use crate::support::within;
use crate::{LIMIT, TOKEN, failure};

fn config() -> Config {
    Config::new("imap.example.org").plaintext().allow_plaintext_login(true).login("alice", "s3cret-pencil")
}

/// Why there is no login at a server with these capabilities that answers each line of the client
/// so. `NONCE` stands for the client's nonce, `TAG` for the tag; what stands in `<>` goes as
/// base64. Gives the client's lines, too.
async fn refused(config: Config, capabilities: &str, says: &[&str]) -> (Error, Vec<String>) {
    let (stream, mut server) = Peer::pair();
    let serving = async {
        server.say(&format!("* OK [CAPABILITY IMAP4rev1 {capabilities}] ready")).await;
        let (mut tag, mut nonce, mut lines) = (String::new(), String::new(), Vec::new());
        for text in says {
            let line = server.next_line().await;
            let words: Vec<_> = line.split(' ').collect();
            if words.len() > 1 {
                words[0].clone_into(&mut tag);
            }
            let last = BASE64.decode(words[words.len() - 1]).unwrap_or_default();
            if let Some((_, theirs)) = String::from_utf8_lossy(&last).split_once(",n=user,r=") {
                theirs.clone_into(&mut nonce);
            } else if let Some((_, theirs)) = String::from_utf8_lossy(&last).split_once("n=alice,r=") {
                theirs.clone_into(&mut nonce);
            }
            lines.push(line);
            let text = text.replace("TAG", &tag).replace("NONCE", &nonce);
            let text = match (text.split_once('<'), text.ends_with('>')) {
                (Some((before, rest)), true) => {
                    format!("{before}{}", BASE64.encode(rest.trim_end_matches('>')))
                }
                _ => text,
            };
            server.say(&text).await;
        }
        lines.extend(server.lines_until_silence(std::time::Duration::from_secs(1)).await);
        (server, lines)
    };
    let (end, (_server, lines)) = tokio::join!(config.connect_over(stream), serving);
    (failure(end), lines)
}

const FIRST: &str = "+ <r=NONCEmore,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096>";

#[tokio::test(start_paused = true)]
async fn wrong_messages_of_scram_end_the_login() {
    within(LIMIT, async {
        let can = "SASL-IR AUTH=SCRAM-SHA-256";
        for (says, kind, words) in [
            (&["+ !!", "TAG BAD cancelled"][..], ErrorKind::Protocol, "not base64"),
            (&["+ <r=NONCE,s,i>", "TAG BAD no"], ErrorKind::Protocol, "makes no sense"),
            (&["+ ", "TAG BAD no"], ErrorKind::Protocol, "makes no sense"),
            (&["+ <r=other,s=QQ==,i=4096>", "TAG BAD no"], ErrorKind::Login, "nonce"),
            (&["+ <r=NONCEmore,s=QQ==,i=4096,x=y>", "TAG BAD no"], ErrorKind::Login, "extensions"),
            (&["+ <r=NONCEmore,s=QQ==,i=2000000000>", "TAG BAD no"], ErrorKind::Protocol, "2000000000"),
            (&[FIRST, "+ <v=AAAA>", "TAG BAD no"], ErrorKind::Login, "has not shown that it knows"),
            (&[FIRST, "+ ", "TAG BAD no"], ErrorKind::Protocol, "makes no sense"),
            // OK, whatever it knows.
            (&["TAG OK welcome"], ErrorKind::Login, "has not shown that it knows"),
            (&[FIRST, "TAG OK welcome"], ErrorKind::Login, "has not shown that it knows"),
            (
                &[FIRST, "+ <e=invalid-proof>", "TAG OK welcome"],
                ErrorKind::Login,
                "has not shown that it knows",
            ),
            (&[FIRST, "+ <e=invalid-proof>", "TAG NO no"], ErrorKind::Login, "invalid-proof"),
            (&[FIRST, "TAG NO [AUTHENTICATIONFAILED] no"], ErrorKind::Login, "AUTHENTICATIONFAILED"),
            (&[FIRST, "* BYE too much"], ErrorKind::Closed, "too much"),
            (&["TAG NO [UNAVAILABLE] later"], ErrorKind::Login, "UNAVAILABLE"),
        ] {
            let (error, lines) = refused(config().mechanism(Mechanism::ScramSha256), can, says).await;
            assert_eq!(error.kind(), kind, "{says:?}: {error:#}");
            assert!(error.to_string().contains(words), "{says:?}: {error:#}");
            let text = format!("{error:#} {error:?}");
            assert!(text.contains("imap.example.org") && !text.contains("s3cret"), "{text}");
            let own = lines.iter().filter(|line| line.contains("AUTHENTICATE")).count();
            assert_eq!(own, 1, "{lines:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_sasl_ir_is_refused_it_is_done_once_more_without() {
    within(LIMIT, async {
        for (mechanism, config) in [
            (Mechanism::Plain, config()),
            (Mechanism::ScramSha256, config()),
            (Mechanism::Xoauth2, config().token("alice", TOKEN)),
            (Mechanism::OauthBearer, config().token("alice", TOKEN)),
        ] {
            let can = format!("SASL-IR AUTH={mechanism}");
            let says = ["TAG BAD no continuation was asked for", "+ ", "TAG NO [AUTHENTICATIONFAILED] no"];
            let (error, lines) = refused(config.mechanism(mechanism), &can, &says).await;
            assert_eq!(error.kind(), ErrorKind::Login, "{error:#}");
            assert_eq!(lines.len(), 3, "{lines:?}");
            assert!(lines[0].contains(&format!("AUTHENTICATE {mechanism} ")), "{lines:?}");
            assert!(lines[1].ends_with(&format!("AUTHENTICATE {mechanism}")), "{lines:?}");
            assert!(BASE64.decode(&lines[2]).is_ok_and(|first| first.len() > 10), "{lines:?}");
        }
        // BAD to what comes later is the end: the password has been shown.
        let config = config().mechanism(Mechanism::ScramSha256);
        let (_, lines) = refused(config, "SASL-IR AUTH=SCRAM-SHA-256", &[FIRST, "TAG BAD what"]).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn scram_that_is_refused_before_it_has_begun_gives_way() {
    within(LIMIT, async {
        let can = "SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-1";
        let failed = "TAG NO [AUTHENTICATIONFAILED] no";
        let (_, lines) = refused(config(), can, &[failed, failed]).await;
        assert!(lines[0].contains("AUTHENTICATE SCRAM-SHA-256 "), "{lines:?}");
        assert!(lines[1].contains("AUTHENTICATE PLAIN "), "{lines:?}");
        assert_eq!(lines.len(), 2);
        // Not after the proof, not where a name was given, not where it is to be tried later.
        let (_, lines) = refused(config(), can, &[FIRST, failed]).await;
        assert_eq!(lines.len(), 2, "{lines:?}");
        let (_, lines) = refused(config().mechanism(Mechanism::ScramSha256), can, &[failed]).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        let (error, lines) = refused(config(), can, &["TAG NO [UNAVAILABLE] the database is away"]).await;
        assert_eq!((lines.len(), error.remedy()), (1, Some(Remedy::Later { after: None })), "{lines:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn continuations_that_should_not_be() {
    within(LIMIT, async {
        let can = "SASL-IR AUTH=PLAIN AUTH=LOGIN";
        // PLAIN has no more to say: it is given up.
        let says = ["+ <and now?>", "TAG BAD cancelled"];
        let (error, lines) = refused(config().mechanism(Mechanism::Plain), can, &says).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error:#}");
        assert_eq!(lines[1], "*");
        let says = ["+ <Username:>", "+ <Password:>", "+ <Again:>", "TAG BAD cancelled"];
        let (error, lines) = refused(config().mechanism(Mechanism::Login), can, &says).await;
        assert_eq!(error.kind(), ErrorKind::Protocol, "{error:#}");
        assert_eq!(lines[1..], ["YWxpY2U=".to_owned(), "czNjcmV0LXBlbmNpbA==".into(), "*".into()]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_not_waited_for_for_ever() {
    within(LIMIT * 10, async {
        for says in [&[][..], &["+ "], &[FIRST], &[FIRST, "+ <e=other-error>"]] {
            let (error, _) = refused(config(), "SASL-IR AUTH=SCRAM-SHA-256", says).await;
            // A challenge that makes no sense is answered by `*`, and that by nothing.
            assert_eq!(error.kind(), ErrorKind::Timeout, "{says:?}: {error:#}");
            assert_eq!(error.remedy(), Some(Remedy::Later { after: None }));
            assert!(error.to_string().contains("longer than 60s"), "{error}");
        }
    })
    .await;
}
