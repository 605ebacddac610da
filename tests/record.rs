//! A session with the tests' Dovecot, recorded: `tests/data/dovecot.session`, for tests that cut it
//! off anywhere.
//!
//! In: a fresh mailbox, the commands below, and what another session does meanwhile. Out: the
//! recording. The test compares it with the one that is checked in, so that the file stays what
//! Dovecot really sends; `tests/record` writes it again.

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use support::dovecot::Dovecot;
use support::other::{Other, dial};
use support::recording::{Recording, Said};
use support::wire::Recorder;
use support::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const LIMIT: Duration = Duration::from_secs(60);

/// A reply with an attachment; its subject has a quote, so that Dovecot sends it in an ENVELOPE as
/// a literal.
const FIRST: &str = "Date: Wed, 17 Jul 2024 02:23:25 -0700\r\n\
    From: \"Zoe\" <zoe@example.org>\r\n\
    To: alice@example.org, Bob <bob@example.net>\r\n\
    Subject: the \"north\" gate\r\n\
    Message-ID: <1@example.org>\r\n\
    In-Reply-To: <0@example.net>\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/mixed; boundary=cut\r\n\
    \r\n\
    --cut\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    \r\n\
    It is open {7}\r\n\
    --cut\r\n\
    Content-Type: application/pdf; name=plan.pdf\r\n\
    Content-Disposition: attachment; filename=plan.pdf\r\n\
    Content-Transfer-Encoding: base64\r\n\
    \r\n\
    JVBERg==\r\n\
    --cut--\r\n";
/// Plain, and in bytes beyond ASCII, as some programs write it.
const SECOND: &str = "Date: Thu, 18 Jul 2024 08:00:00 +0200\r\n\
    From: bob@example.net\r\n\
    Subject: Gr\u{fc}\u{df}e\r\n\
    \r\n\
    )\r\na1 OK not a line of the server\r\n";

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dovecot.session")
}

/// Runs the session against a Dovecot of its own.
async fn session() -> Recording {
    let server = Dovecot::start();
    let mut other = server.session("alice").await;
    other.append("INBOX", "", FIRST.as_bytes()).await;
    other.append("INBOX", "\\Seen $Work", SECOND.as_bytes()).await;
    other.select("INBOX").await;

    let (stream, log) = Recorder::new(dial(server.plain_addr()).await);
    let mut client = Other::over(stream).await;
    client.login("alice").await;
    client.command("ID NIL").await;
    client.command("LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT))").await;
    assert!(!client.attempt("SELECT Nowhere").await.is_ok());
    client.select("INBOX").await;
    client.command("UID SEARCH RETURN (ALL) 1:*").await;

    // Three commands in one write.
    let pipeline = [
        ("p1", "UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"),
        ("p2", "UID FETCH 1:* (BODYSTRUCTURE)"),
        ("p3", "UID FETCH 1:* (BODY.PEEK[])"),
    ];
    let lines: String = pipeline.iter().map(|(tag, command)| format!("{tag} {command}\r\n")).collect();
    client.write(lines.as_bytes()).await;
    for (tag, _) in pipeline {
        assert!(client.reply(tag).await.is_ok());
    }

    other.append("INBOX", "", SECOND.as_bytes()).await;
    client.command("NOOP").await;
    client.append("INBOX", "\\Draft", SECOND.as_bytes()).await;
    client.command("UID STORE 1 +FLAGS (\\Deleted)").await;

    let idle = client.send("IDLE").await;
    assert!(client.response().await.starts_with(b"+ "));
    // One at a time, each reported before the next, so that it is the same session every time.
    other.append("INBOX", "", SECOND.as_bytes()).await;
    response(&mut client, "EXISTS").await;
    other.store("2", "-FLAGS ($Work)").await;
    response(&mut client, "FETCH").await;
    other.remove("3").await;
    response(&mut client, "EXPUNGE").await;
    client.write(b"DONE\r\n").await;
    assert!(client.reply(&idle).await.is_ok());

    client.command("UID EXPUNGE 1").await;
    client.command("CREATE Archive").await;
    client.command("UID MOVE 2 Archive").await;
    client.command("STATUS Archive (MESSAGES UIDNEXT UIDVALIDITY)").await;
    assert!(!client.attempt("NONSENSE").await.is_ok());
    client.command("CLOSE").await;
    client.logout().await;
    Recording::of(&log.take())
}

/// Reads untagged responses up to one of this kind.
async fn response<S: AsyncReadExt + AsyncWriteExt + Unpin>(client: &mut Other<S>, kind: &str) {
    loop {
        let response = client.response().await;
        assert!(response.starts_with(b"* "), "{}", String::from_utf8_lossy(&response));
        if String::from_utf8_lossy(&response).split(' ').nth(2) == Some(kind) {
            return;
        }
    }
}

/// What the server said, in kinds: `* OK`, `* n FETCH`, `p1 OK`; the same for each Dovecot 2.3.
async fn kinds(recording: &Recording) -> Vec<String> {
    let bytes = recording.server();
    let (mut ours, theirs) = duplex(bytes.len() + 1);
    ours.write_all(&bytes).await.expect("there is room");
    drop(ours);
    let mut client = Other::over(theirs).await;
    let mut kinds = Vec::new();
    while let Some(response) = client.read_response().await {
        let text = String::from_utf8_lossy(&response);
        let mut words = text.split(' ').map(|word| if word.parse::<u32>().is_ok() { "n" } else { word });
        let mut kind: Vec<_> = words.by_ref().take(2).collect();
        kind.extend(if kind == ["*", "n"] { words.next() } else { None });
        // Which of two sessions sees a message as recent is a matter of luck.
        if kind != ["*", "n", "RECENT"] {
            kinds.push(kind.join(" "));
        }
    }
    kinds
}

#[tokio::test]
async fn the_recorded_session_is_what_dovecot_says() {
    within(LIMIT, async {
        let now = session().await;
        if std::env::var_os("IMAP_DUPLEX_RECORD").is_some() {
            std::fs::write(file(), now.to_bytes()).expect("the file can be written");
        }
        let kept = std::fs::read(file()).expect("the recording is checked in");
        let kept = Recording::parse(&kept).expect("a recording");
        let client = |turn: &Said| matches!(turn, Said::Client(_)).then(|| turn.clone());
        let (ours, theirs): (Vec<_>, Vec<_>) =
            (now.turns.iter().filter_map(client).collect(), kept.turns.iter().filter_map(client).collect());
        assert_eq!(
            ours, theirs,
            "the client says what it said then; if the session was changed, run tests/record"
        );
        assert_eq!(
            kinds(&now).await,
            kinds(&kept).await,
            "Dovecot answers as it did; if not, run tests/record"
        );
    })
    .await;
}

#[tokio::test]
async fn the_recorded_session_has_what_it_is_for() {
    let kept = std::fs::read(file()).expect("the recording is checked in");
    let kept = Recording::parse(&kept).expect("a recording");
    let kinds = within(LIMIT, kinds(&kept)).await;
    for kind in [
        "+ OK",
        "+ idling",
        "* n EXISTS",
        "* n FETCH",
        "* n EXPUNGE",
        "* ESEARCH",
        "* LIST",
        "* STATUS",
        "* BYE",
    ] {
        assert!(kinds.contains(&kind.to_owned()), "no {kind}: {kinds:#?}");
    }
    let text = String::from_utf8_lossy(&kept.server()).into_owned();
    assert!(text.contains("}\r\nthe \"north\" gate"), "a literal in an ENVELOPE");
    for status in ["o4 NO ", " BAD ", "[APPENDUID ", "[COPYUID "] {
        assert!(text.contains(status), "no {status}");
    }
}
