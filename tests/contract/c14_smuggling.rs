//! Promise 14: no argument, whatever bytes it has, can smuggle a second command: what does not fit
//! an atom or a quoted string is sent as a literal or refused.

use std::time::Duration;

use imap_duplex::command::{Items, Search, StatusItems, Store};
use imap_duplex::types::{Flag, Section};
use imap_duplex::{ErrorKind, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

use crate::c14_ways::{WAYS, hand_over};
use crate::client::uid;
use crate::session::{LIMIT, Session, quiet};
use crate::support::within;

#[tokio::test(start_paused = true)]
async fn line_ends_in_an_argument_go_as_a_literal() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let search = inbox.search(Search::subject("x\r\nA9 LOGOUT"));
        let tag = s.server.expect("UID SEARCH RETURN (ALL) SUBJECT {12+}").await;
        s.server.expect_bytes(b"x\r\nA9 LOGOUT\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        search.await.expect("searched");

        let append = s.imap.append("INBOX", "\r\nA9 LOGOUT\r\n");
        let tag = s.server.expect("APPEND INBOX {13+}").await;
        s.server.expect_bytes(b"\r\nA9 LOGOUT\r\n\r\n").await;
        s.server.say(&format!("{tag} OK done")).await;
        append.await.expect("appended");
        s.server.expect_silence(Duration::from_secs(1)).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn quotes_and_backslashes_are_escaped() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let search = inbox.search(Search::from(r#"a" OR ALL \"#));
        let tag = s.server.expect(r#"UID SEARCH RETURN (ALL) FROM "a\" OR ALL \\""#).await;
        s.server.say(&format!("{tag} OK done")).await;
        search.await.expect("searched");
        let status = s.imap.status(r#"a" (MESSAGES)"#, StatusItems::new().unseen());
        let tag = s.server.expect(r#"STATUS "a\" (MESSAGES)" (UNSEEN)"#).await;
        s.server.say(&format!("{tag} NO none")).await;
        assert_eq!(status.await.expect_err("refused").kind(), ErrorKind::No);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_login_of_any_characters_is_one_command() {
    within(LIMIT, async {
        let (theirs, server) = duplex(1 << 16);
        let config = quiet().login("al\"ice\\", "p\r\nA9 LOGOUT {5}").allow_plaintext_login(true);
        let (sent, mut received) = mpsc::unbounded_channel();
        let serving = tokio::spawn(serve(server, "* OK [CAPABILITY IMAP4rev1] ready", sent));
        let connected = config.connect_over(theirs).await;
        drop(connected.expect("the server takes anything"));
        let login = received.recv().await.expect("a command");
        assert_eq!(login, "LOGIN \"al\\\"ice\\\\\" {16}\r\np\r\nA9 LOGOUT {5}");
        drop(serving);
    })
    .await;
}

/// A server that frames commands by the rules of RFC 9051 section 4.3, passes on each, without its
/// tag, and answers OK.
async fn serve(mut stream: DuplexStream, greeting: &str, sent: mpsc::UnboundedSender<String>) {
    stream.write_all(format!("{greeting}\r\n").as_bytes()).await.expect("the client reads");
    let mut command = Vec::new();
    'commands: loop {
        // How much of the command has been looked at for a literal at a line's end.
        let mut line_start = command.len();
        loop {
            let Ok(byte) = stream.read_u8().await else { return };
            command.push(byte);
            if !command.ends_with(b"\r\n") {
                continue;
            }
            let line = &command[line_start..command.len() - 2];
            match announced(line) {
                Some((size, waits)) => {
                    if waits {
                        stream.write_all(b"+ go on\r\n").await.expect("the client reads");
                    }
                    let mut literal = vec![0; size];
                    if stream.read_exact(&mut literal).await.is_err() {
                        return;
                    }
                    command.extend(literal);
                    line_start = command.len();
                }
                None => break,
            }
        }
        command.truncate(command.len() - 2);
        let text = String::from_utf8_lossy(&command).into_owned();
        command.clear();
        let (tag, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let mut answer = format!("{tag} OK done\r\n");
        if rest == "CAPABILITY" {
            answer = format!("* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n");
        } else if rest == "SELECT INBOX" {
            answer = format!("* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n{tag} OK [READ-WRITE] done\r\n");
        } else if rest == "UID SEARCH ALL" || rest == "UID SEARCH RETURN (ALL) ALL" {
            answer = format!("* SEARCH 11\r\n{tag} OK done\r\n");
        } else if sent.send(rest.to_owned()).is_err() {
            break 'commands;
        } else if rest.starts_with("SELECT ") || rest.starts_with("EXAMINE ") {
            answer = format!("{tag} NO no such mailbox\r\n");
        }
        if stream.write_all(answer.as_bytes()).await.is_err() {
            break 'commands;
        }
    }
}

/// The size of the literal that a line announces at its end, and whether the client waits.
pub(crate) fn announced(line: &[u8]) -> Option<(usize, bool)> {
    let inside = line.strip_suffix(b"}")?;
    let open = inside.iter().rposition(|byte| *byte == b'{')?;
    let (size, waits) = match inside[open + 1..].strip_suffix(b"+") {
        Some(size) => (size, false),
        None => (&inside[open + 1..], true),
    };
    std::str::from_utf8(size).ok()?.parse().ok().map(|size| (size, waits))
}

pub(crate) const NASTY: [&str; 30] = [
    "",
    "x\r\nZ1 LOGOUT",
    "x\nZ1 LOGOUT",
    "x\rZ1 LOGOUT",
    "\r\n",
    "\n",
    "x\0y",
    "x {5}",
    "{5}",
    "x {5+}",
    "{0}",
    "x {5-}",
    "~{5}",
    "\"",
    "\\",
    "a\"b\\c",
    "\" Z1 LOGOUT \"",
    ") Z1 LOGOUT (",
    "x]",
    "x] Z1",
    "*",
    "%",
    "\\Seen",
    "\\Seen) (\\Deleted",
    "Grüße \u{1f600}",
    "\u{7f}",
    "&",
    "&-",
    " leading and trailing ",
    "NIL",
];

/// What servers have, in three kinds of literals.
const SERVERS: [&str; 3] = [
    "IMAP4rev1 LITERAL+ UIDPLUS ESEARCH MOVE ID BINARY",
    "IMAP4rev1 LITERAL- UIDPLUS MOVE ID",
    "IMAP4rev1 UIDPLUS ESEARCH MOVE ID",
];
/// And what the commands of extensions need.
const EXTENSIONS: &str = "LIST-EXTENDED LIST-STATUS LIST-METADATA METADATA ACL QUOTA SPECIAL-USE \
    CREATE-SPECIAL-USE LANGUAGE I18NLEVEL=2 CATENATE FILTERS MULTISEARCH NOTIFY OBJECTID REPLACE SEARCHRES \
    SEARCH=FUZZY SORT SORT=DISPLAY THREAD=REFERENCES URLAUTH URLAUTH=BINARY X-GM-EXT-1 \
    ANNOTATE-EXPERIMENT-1 CONDSTORE";

/// Hands each text to the library in that way, and sees what a server reads: one command or none.
/// How many were sent.
async fn hand_over_all(literals: &str, texts: impl Iterator<Item = (String, usize)>) -> usize {
    let capability = format!("{literals} {EXTENSIONS}");
    let (theirs, server) = duplex(1 << 16);
    let (sent, mut received) = mpsc::unbounded_channel();
    let greeting = format!("* PREAUTH [CAPABILITY {capability}] ready");
    let serving = tokio::spawn(async move { serve(server, &greeting, sent).await });
    let (imap, _events) = quiet().connect_over(theirs).await.expect("a greeting");
    let mut inbox = imap.select("INBOX").await.expect("selected");
    imap.noop().await.expect("OK");
    assert_eq!(received.recv().await.as_deref(), Some("NOOP"));
    let mut sent = 0;
    for (text, way) in texts {
        let end = hand_over(&imap, &inbox, &text, way).await;
        imap.create("MARK").await.expect("the session is in order");
        let mut commands = Vec::new();
        loop {
            let command = received.recv().await.expect("the server runs");
            if command == "CREATE MARK" {
                break;
            }
            commands.push(command);
        }
        let what = format!("{text:?} by way {way} with {capability}: {end:?}, {commands:?}");
        match &end {
            Err(error) if error.sent() == Sent::No => {
                let fits = matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Unsupported);
                assert!(fits && commands.is_empty(), "refused, and not sent: {what}");
            }
            _ => {
                assert_eq!(commands.len(), 1, "one command: {what}");
                sent += 1;
                assert!(!commands[0].starts_with("LOGOUT"), "{what}");
            }
        }
        if commands.iter().any(|sent| sent.starts_with("SELECT ") || sent.starts_with("EXAMINE ")) {
            inbox = imap.select("INBOX").await.expect("selected");
        }
    }
    serving.abort();
    sent
}

#[tokio::test(start_paused = true)]
async fn no_argument_in_any_command_makes_two_of_one() {
    for literals in SERVERS {
        let ways = NASTY.iter().flat_map(|text| (0..WAYS).map(|way| ((*text).to_owned(), way)));
        let sent = within(Duration::from_secs(10_000), hand_over_all(literals, ways)).await;
        assert!(sent > NASTY.len() * WAYS / 2, "most can be said: {sent}");
    }
}

/// Of pieces of hostile texts others are made, by a generator that gives the same each time.
#[tokio::test(start_paused = true)]
async fn nor_do_ten_thousands_of_others() {
    const TEXTS: usize = 8_000;
    let mut state: u64 = 0x5851_f42d_4c95_7f2d;
    let mut next = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap_or_default() % below
    };
    for literals in SERVERS {
        let mut texts = Vec::with_capacity(TEXTS);
        for _ in 0..TEXTS {
            let pieces = 1 + next(4);
            let text: String = (0..pieces).map(|_| NASTY[next(NASTY.len())]).collect();
            // Long ones are literals whatever is in them.
            let text = if next(20) == 0 { text.repeat(200) } else { text };
            texts.push((text, next(WAYS)));
        }
        let sent = within(Duration::from_secs(100_000), hand_over_all(literals, texts.into_iter())).await;
        assert!(sent > TEXTS / 3, "many can be said: {sent}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_cant_be_written_is_refused_unsent_and_says_why() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let errors = [
            s.imap.raw("NOOP\r\nA9 LOGOUT").await.map(drop).expect_err("two lines"),
            s.imap.raw("NOOP\n").await.map(drop).expect_err("a line's end"),
            s.imap.raw("APPEND INBOX {5}").await.map(drop).expect_err("it would swallow what follows"),
            s.imap.raw("APPEND INBOX {5+}").await.map(drop).expect_err("it would swallow what follows"),
            s.imap.raw("NOOP \0").await.map(drop).expect_err("NUL"),
            s.imap.raw("").await.map(drop).expect_err("nothing"),
            inbox.search(Search::subject("a\0b")).await.map(drop).expect_err("NUL"),
            s.imap.append("INBOX", "a\0b").await.map(drop).expect_err("NUL without BINARY"),
            inbox.store(uid(11), Store::add([Flag::new("a b")])).await.map(drop).expect_err("no flag"),
            inbox
                .fetch(uid(11), Items::section(Section::header_fields(["a\r\nb"])))
                .await
                .map(drop)
                .expect_err("no field"),
        ];
        for error in &errors {
            assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::No), "{error:?}");
            assert!(error.to_string().len() > 20, "it says why: {error}");
        }
        s.server.expect_silence(Duration::from_secs(1)).await;
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_users_own_line_cant_change_the_session_behind_the_librarys_back() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        for line in [
            "LOGOUT",
            "logout",
            "SELECT INBOX",
            "EXAMINE INBOX",
            "CLOSE",
            "UNSELECT",
            "IDLE",
            "DONE",
            "STARTTLS",
            "AUTHENTICATE PLAIN",
            "LOGIN a b",
            "COMPRESS DEFLATE",
            "ENABLE QRESYNC",
            "NOTIFY NONE",
            "UNAUTHENTICATE",
            "LANGUAGE de",
            "LANGUAGE",
            "COMPARATOR i;basic",
            "CANCELUPDATE \"A1\"",
            " LOGOUT",
            "  SELECT INBOX",
            "UID LOGOUT",
            // There are servers to which these are the same.
            "SELECT\tINBOX",
            "SELECT\u{b}INBOX",
            "\"SELECT\" INBOX",
            "(SELECT INBOX)",
            "UID\tLOGOUT",
        ] {
            let error = s.imap.raw(line).await.expect_err(line);
            let fits = matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid);
            assert!(fits && error.sent() == Sent::No, "{line:?}: {error:?}");
        }
        s.server.expect_silence(Duration::from_secs(1)).await;
        s.noop(&[]).await;
    })
    .await;
}
