//! The embedded server beside Dovecot where a client asks for what can't be: read-only, nothing
//! selected, no such mailbox, no such message, an odd name, a bad argument. The same lines to both:
//! the same OK, NO or BAD, and the same code. A user's test that passes with one must not fail with
//! the other.

use std::fmt::Write as _;

use imap_duplex::testing;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::account::LIMIT;
use crate::server::Server;
use crate::support::other::Other;
use crate::support::within;

/// A line each; `|` stands for CRLF.
const LINES: &str = include_str!("odd_states.txt");

/// What Dovecot has not.
const ABSENT: [&str; 7] = [
    "APPENDLIMIT",
    "CREATE-SPECIAL-USE",
    "IMAP4rev2",
    "OBJECTID",
    "PARTIAL",
    "UNAUTHENTICATE",
    "UTF8=ACCEPT",
];

// Why they differ. Where the embedded server is the stricter one, a test finds out what another
// server may refuse.
const GRAMMAR: &str = "the grammar forbids it, which Dovecot does not mind";
const NUMBER: &str =
    "RFC 9051 section 9, seq-number: BAD for a number beyond the last message, in SEARCH too";
const DAY: &str = "there is no such day";
const LACKING: &str = "of an extension that the embedded server does not claim";
const WILDCARD: &str = "LIST can't name it alone (RFC 9051 section 5.1), so other servers refuse it";
const UTF7: &str =
    "no modified UTF-7: refused either way, as a name that is none or as an argument that is none";
const MAILDIR: &str = "a name that Maildir++ has no file for; other stores have, and so has memory";
const INBOX: &str = "RFC 9051 section 6.3.6 says what it does; Dovecot can't";
const DELETED: &str = "an item of RFC 9208, which is younger than Dovecot's QUOTA";
const ADMIN: &str = "annotations of the server are the administrator's there";
const EVENTS: &str =
    "RFC 5465: BADEVENT for events that are unknown; flags or annotations only with MessageNew";

/// Where they differ: the line, what Dovecot says, what the embedded server says, and why.
const DIFFERENT: &[(&str, &str, &str, &str)] = &[
    (r#"STORE 1 FLAGS"#, "OK", "BAD", GRAMMAR),
    (r#"SEARCH 99"#, "OK", "BAD", NUMBER),
    (r#"NOOP x"#, "OK", "BAD", GRAMMAR),
    (r#"CREATE a*b"#, "OK", "BAD", GRAMMAR),
    (r#"RENAME INBOX Moved"#, "NO CANNOT", "OK", INBOX),
    (r#"EXPUNGE 1"#, "OK", "BAD", GRAMMAR),
    (r#"FETCH 1 BODY[0]"#, "OK", "BAD", GRAMMAR),
    (r#"FETCH 1 BODY[TEXT]<0.0>"#, "OK", "BAD", GRAMMAR),
    (r#"FETCH 1 BODY.PEEK[]<0>"#, "OK", "BAD", GRAMMAR),
    (r#"SEARCH KEYWORD \Seen"#, "OK", "BAD", GRAMMAR),
    (r#"SEARCH SINCE 32-Jan-2020"#, "OK", "BAD", DAY),
    (r#"SEARCH 99:*"#, "OK", "BAD", NUMBER),
    (r#"SEARCH 1:99"#, "OK", "BAD", NUMBER),
    (r#"STATUS Old (DELETED)"#, "BAD", "OK", DELETED),
    (r#"SELECT Src ()"#, "OK READ-WRITE", "BAD", GRAMMAR),
    (r#"CREATE "a%b""#, "OK", "NO CANNOT", WILDCARD),
    (r#"CREATE &bogus"#, "NO", "BAD", UTF7),
    (r#"SELECT &bogus"#, "NO", "BAD", UTF7),
    (r#"STATUS &bogus (MESSAGES)"#, "NO", "BAD", UTF7),
    (r#"CREATE y (USE (\Sent))"#, "OK", "BAD", LACKING),
    (r#"CREATE z (USE (\Bogus))"#, "OK", "BAD", LACKING),
    (r#"CREATE ~"#, "NO CANNOT", "OK", MAILDIR),
    (r#"CREATE ."#, "NO CANNOT", "OK", MAILDIR),
    (r#"CREATE a/../b"#, "NO CANNOT", "OK", MAILDIR),
    (r#"CREATE a.b"#, "NO CANNOT", "OK", MAILDIR),
    (r#"RENAME r3 "r*""#, "NO NONEXISTENT", "NO CANNOT", WILDCARD),
    (r#"LIST "" ()"#, "OK", "BAD", GRAMMAR),
    (r#"XLIST "" *"#, "OK", "BAD", LACKING),
    (r#"APPEND Old "1-Jan-2020 00:00:00 +0000" {3+}|abc"#, "OK APPENDUID", "BAD", GRAMMAR),
    (r#"APPEND Old "32-Jan-2020 00:00:00 +0000" {3+}|abc"#, "OK APPENDUID", "BAD", DAY),
    (r#"SETMETADATA "" (/shared/comment NIL)"#, "NO CANNOT", "OK", ADMIN),
    (r#"NAMESPACE x"#, "OK", "BAD", GRAMMAR),
    (r#"ID"#, "OK", "BAD", GRAMMAR),
    (r#"ID ("name")"#, "OK", "BAD", GRAMMAR),
    (r#"ENABLE"#, "OK", "BAD", GRAMMAR),
    (r#"CAPABILITY x"#, "OK", "BAD", GRAMMAR),
    (r#"NOTIFY SET"#, "OK", "BAD", GRAMMAR),
    (r#"NOTIFY SET (personal (MessageNew))"#, "OK", "BAD", GRAMMAR),
    (r#"NOTIFY SET (personal (AnnotationChange))"#, "NO BADEVENT", "BAD", EVENTS),
    (r#"NOTIFY SET (personal (BogusEvent))"#, "BAD", "NO BADEVENT", EVENTS),
    (r#"NOTIFY NONE x"#, "OK", "BAD", GRAMMAR),
];

/// OK, NO or BAD, and the code's name.
fn short(tagged: &str) -> String {
    let status = tagged.split(' ').next().unwrap_or_default();
    let code = tagged[status.len()..].trim_start().strip_prefix('[');
    match code.and_then(|code| code.split([' ', ']']).next()) {
        Some(code) => format!("{status} {code}"),
        None => status.to_owned(),
    }
}

/// The results of all lines.
async fn run<S: AsyncRead + AsyncWrite + Unpin>(mut session: Other<S>) -> Vec<String> {
    for name in ["Src", "Old"] {
        session.command(&format!("CREATE {name}")).await;
    }
    for _ in 0..3 {
        session.append("Src", "", b"Subject: x\r\n\r\nhi\r\n").await;
    }
    let mut ends = Vec::new();
    for line in LINES.lines() {
        let reply = session.attempt(&line.replace('|', "\r\n")).await;
        if reply.tagged.starts_with("BAD") {
            // Dovecot hangs up after twenty in a row.
            session.command("NOOP").await;
        }
        ends.push(short(&reply.tagged));
    }
    ends
}

#[tokio::test]
async fn the_embedded_server_answers_as_dovecot_does() {
    within(LIMIT, async {
        let (dovecot, embedded) =
            (Server::start(), testing::Server::builder().any_user("secret").without(ABSENT).start());
        let theirs = run(dovecot.session("alice").await).await;
        let mut session = Other::over(embedded.connect()).await;
        session.login("alice").await;
        let ours = run(session).await;
        let mut wrong = String::new();
        let mut known = Vec::new();
        for ((line, theirs), ours) in LINES.lines().zip(theirs).zip(ours) {
            let listed =
                DIFFERENT.iter().find(|(other, a, b, _)| (*other, *a, *b) == (line, &*theirs, &*ours));
            known.extend(listed);
            if theirs != ours && listed.is_none() {
                let _ = writeln!(wrong, "    (r#\"{line}\"#, \"{theirs}\", \"{ours}\", \"\"),");
            }
        }
        for (line, _, _, _) in DIFFERENT.iter().filter(|one| !known.contains(one)) {
            let _ = writeln!(wrong, "no longer so: {line}");
        }
        assert!(wrong.is_empty(), "Dovecot and the embedded server differ:\n{wrong}");
    })
    .await;
}
