//! Promise 13, bytes of any kind: no panic, no overflow, no allocation beyond the limits, no loop;
//! what can't be read is an event with its bytes, and the connection survives unless the framing
//! itself is lost.

use std::time::Duration;

use imap_duplex::command::{Items, Search, StatusItems};
use imap_duplex::types::{CloseReason, EventKind, Limits};
use imap_duplex::{ErrorKind, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use crate::client::{Events, uid};
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

#[tokio::test(start_paused = true)]
async fn an_unknown_response_is_an_event_with_its_bytes_and_the_connection_goes_on() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        s.noop(&["* XWEATHER (\"rain\" {4}\r\nwind) 7", "* 12 XCOUNT", "* XQUOTA \"\" (STORAGE 1 2)"]).await;
        let events = s.events.ready();
        let reported: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Unknown { name, bytes, .. } => Some((name.as_str(), bytes.to_vec())),
                _ => None,
            })
            .collect();
        assert_eq!(
            reported,
            [
                ("XWEATHER", b"* XWEATHER (\"rain\" {4}\r\nwind) 7".to_vec()),
                ("XCOUNT", b"* 12 XCOUNT".to_vec()),
                ("XQUOTA", b"* XQUOTA \"\" (STORAGE 1 2)".to_vec())
            ]
        );
        assert_eq!(events.len(), 4);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_malformed_response_is_an_event_with_its_bytes_and_the_connection_goes_on() {
    within(LIMIT, async {
        let lines = [
            "* 1 FETCH (FLAGS (\\Seen",
            "* 1 FETCH",
            "* 1 FETCH (ENVELOPE (NIL))",
            "* 0 EXPUNGE",
            "* 99999999999 EXISTS",
            "* -1 EXISTS",
            "* LIST",
            "* LIST (\\x \"/\" a",
            "* STATUS INBOX (MESSAGES)",
            "* ESEARCH (TAG",
            "* SEARCH one two",
            "*",
            "* ",
            "*\t5\tEXISTS",
            "\u{1}\u{2}\u{3}",
            "",
            "* FLAGS \\Seen",
            "* VANISHED 5:",
            "* 1 FETCH (BODY[] ~{0}\r\n)) junk",
        ];
        for line in lines {
            let mut s = Session::hostile().await;
            s.select(&[11]).await;
            s.noop(&[line]).await;
            let reported = s.events.ready_briefs();
            let (end, before) = reported.split_last().expect("the NOOP's end");
            assert_eq!(end, "NOOP OK", "{line}");
            for event in before {
                // Some of it can be read after all, by a generous reader.
                let kinds = [
                    "unparsed ",
                    "unknown ",
                    "exists ",
                    "flags ",
                    "data ",
                    "contradiction",
                    "notice NO there is no message 0",
                ];
                let fits = kinds.iter().any(|kind| event.starts_with(kind));
                assert!(fits, "{line}: {reported:?}");
            }
            // Which messages are gone could not be parsed: an event says that everything is queried
            // again.
            let most = if line.starts_with("* VANISHED") { 3 } else { 1 };
            assert!(before.len() <= most, "{line}: {reported:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_row_that_cant_be_read_makes_the_results_of_its_kind_incomplete_and_no_others() {
    within(LIMIT, async {
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair(), false).await;
        let inbox = s.select(&[11, 12]).await;
        let fetch = inbox.fetch(uid(11)..=uid(12), Items::new().size());
        let search = inbox.search(Search::all());
        let tag = s.server.expect("UID FETCH 11:12 (RFC822.SIZE)").await;
        let other = s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
        s.server.say("* 1 FETCH (UID 11 RFC822.SIZE 5)").await;
        s.server.say("* 2 FETCH (UID 12 RFC822.SIZE what)").await;
        s.server.say(&format!("{tag} OK done")).await;
        s.server.say(&format!("* ESEARCH (TAG \"{other}\") UID ALL 11:12")).await;
        s.server.say(&format!("{other} OK done")).await;
        let error = fetch.await.expect_err("a row is missing");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Incomplete, Sent::Fully));
        assert_eq!(error.unparsed(), [&b"* 2 FETCH (UID 12 RFC822.SIZE what)"[..]]);
        assert_eq!(error.answers().len(), 1, "what could be read is not lost");
        assert_eq!(search.await.expect("it is not concerned").len(), 2);
        let reported = s.events.ready_briefs();
        assert!(
            reported.contains(&"unparsed * 2 FETCH (UID 12 RFC822.SIZE what)".to_owned()),
            "{reported:?}"
        );

        // The next one is whole again.
        let again = inbox.fetch(uid(11), Items::new().size());
        s.answer("UID FETCH 11 (RFC822.SIZE)", &["* 1 FETCH (UID 11 RFC822.SIZE 5)"]).await;
        assert_eq!(again.await.expect("fetched").len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_gives_what_could_be_read_and_then_incomplete() {
    within(LIMIT, async {
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair(), false).await;
        let inbox = s.select(&[11, 12, 13]).await;
        let mut rows = inbox.fetch(uid(11)..=uid(13), Items::new().size()).stream();
        s.answer(
            "UID FETCH 11:13 (RFC822.SIZE)",
            &[
                "* 1 FETCH (UID 11 RFC822.SIZE 1)",
                "* 2 FETCH (UID 12 RFC822.SIZE",
                "* 3 FETCH (UID 13 RFC822.SIZE 3)",
            ],
        )
        .await;
        for size in [1, 3] {
            assert_eq!(rows.next().await.expect("a row").expect("read").size(), Some(size));
        }
        let error = rows.next().await.expect("the last row").expect_err("incomplete");
        assert_eq!((error.kind(), error.unparsed().len()), (ErrorKind::Incomplete, 1));
        assert!(rows.next().await.is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_contradiction_is_reported_and_the_mailbox_is_queried_again() {
    within(LIMIT, async {
        for lie in ["* 3 EXPUNGE", "* 1 EXISTS", "* 1 FETCH (UID 99 FLAGS ())", "* OK [UIDVALIDITY 8] new"] {
            let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair(), false).await;
            let inbox = s.select(&[11, 12]).await;
            s.server.say(lie).await;
            s.events.until(lie, |event| matches!(event.kind, EventKind::Contradiction { .. })).await;
            let exists = inbox.exists();
            assert!(exists == 2 || lie == "* 1 EXISTS" && exists == 1, "{lie}: {exists}");
            // UIDs as they are now.
            let uids: Vec<u32> = (21..21 + exists).collect();
            s.fill(&uids).await;
            s.noop(&[r"* 1 FETCH (FLAGS (\Draft))"]).await;
            s.events.until_brief(r"flags 1 uid 21 (\Draft)").await;
            assert!(!inbox.has_ended());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nesting_without_end_is_refused_by_its_depth() {
    within(LIMIT, async {
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair(), false).await;
        let inbox = s.select(&[11]).await;
        let token = inbox.fetch(uid(11), Items::new().body_structure());
        let tag = s.server.expect("UID FETCH 11 (BODYSTRUCTURE)").await;
        for open in ["(", "((", "(\"a\" (", "(\"text\" \"plain\" ("] {
            let deep = open.repeat(200_000);
            s.server.send(format!("* 1 FETCH (UID 11 BODYSTRUCTURE {deep}\r\n").as_bytes()).await;
            s.server.send(format!("* XDEEP {deep}\r\n").as_bytes()).await;
            s.server
                .send(format!("* LIST {deep}\r\n* ESEARCH {deep}\r\n* STATUS a {deep}\r\n").as_bytes())
                .await;
            s.server.send(format!("* 1 FETCH (X-THING {deep}\r\n* OK [{deep}\r\n").as_bytes()).await;
        }
        s.server.say(&format!("{tag} OK done")).await;
        assert_eq!(token.await.expect_err("never whole").kind(), ErrorKind::Incomplete);
        s.noop(&[]).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_line_or_a_literal_past_its_limit_ends_the_connection_and_names_the_limit() {
    within(LIMIT, async {
        let mut limits = Limits::default();
        limits.line = 1000;
        limits.literal = 5000;
        limits.response = 8000;
        let config = quiet().limits(limits);
        let long = "x".repeat(1200);
        let half = "y".repeat(4500);
        for (said, limit) in [
            (format!("* XLONG {long}"), "line"),
            (format!("* XLONG {long}\r\n"), "line"),
            ("* 1 FETCH (BODY[] {5001}\r\n".to_owned(), "literal"),
            ("* 1 FETCH (BODY[] {4294967295}\r\n".to_owned(), "literal"),
            ("* 1 FETCH (BODY[] {18446744073709551615}\r\n".to_owned(), "literal"),
            ("* 1 FETCH (BODY[] {99999999999999999999999}\r\n".to_owned(), "literal"),
            (format!("* 1 FETCH (BODY[1] {{4500}}\r\n{half} BODY[2] {{4500}}\r\n"), "response"),
        ] {
            let mut s = Session::on(&config, CAPABILITIES, Peer::pair(), false).await;
            let token = s.imap.create("Work");
            s.server.expect("CREATE Work").await;
            s.server.send(said.as_bytes()).await;
            let error = token.await.expect_err("the framing is lost");
            let Some(CloseReason::Protocol(why)) = error.close_reason() else {
                panic!("{}: {error:?}", &said[..20])
            };
            assert!(why.contains(limit), "{}: {why}", &said[..20]);
            assert!(matches!(s.events.end().await.0, CloseReason::Protocol(_)));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_literal_that_is_announced_and_never_comes_costs_nothing_and_ends_with_the_connection() {
    within(LIMIT, async {
        let mut s = Session::on(&quiet(), CAPABILITIES, Peer::pair(), false).await;
        let token = s.imap.create("Work");
        s.server.expect("CREATE Work").await;
        s.server.send(b"* 1 FETCH (BODY[] {60000000}\r\nthat is all").await;
        drop(s.server);
        assert_eq!(token.await.expect_err("cut off").kind(), ErrorKind::Closed);
        let (reason, _) = s.events.end().await;
        assert!(matches!(reason, CloseReason::Protocol(_) | CloseReason::Eof), "{reason:?}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn endless_noise_without_a_line_end_is_cut_off() {
    within(LIMIT, async {
        let mut limits = Limits::default();
        limits.line = 100_000;
        let (theirs, mut server) = duplex(4096);
        let config = quiet().limits(limits);
        let greeting = format!("* PREAUTH [CAPABILITY {CAPABILITIES}] ready\r\n");
        let (connected, written) =
            tokio::join!(config.connect_over(theirs), server.write_all(greeting.as_bytes()));
        written.expect("there is room");
        let (_imap, receiver) = connected.expect("a greeting");
        let mut events = Events::any(receiver);
        let mut sent = 0;
        while server.write_all(&[b'x'; 4096]).await.is_ok() {
            sent += 4096;
            assert!(sent < 1_000_000, "it takes more and more");
        }
        assert!(matches!(events.end().await.0, CloseReason::Protocol(_)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn control_characters_of_the_server_reach_no_terminal() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        let token = s.imap.create("Work");
        let tag = s.server.expect("CREATE Work").await;
        s.server.send(b"* OK [ALERT] \x1b[2Jgone\x07\r\n* OK \x1b]0;x\x07 \xff\xfe\r\n* X\x1b[2J\r\n").await;
        s.server.send(b"* STATUS \"a\x1b[2Jb\" (MESSAGES 1)\r\n* LIST () NIL \"\x1b[31m\"\r\n").await;
        s.server.send(format!("{tag} NO \x1b[2J\x08\r\n").as_bytes()).await;
        let error = token.await.expect_err("refused");
        assert!(!error.to_string().contains(|c: char| c.is_control()), "{error:?}");
        let events = s.events.ready();
        assert!(events.len() >= 5, "{events:?}");
        for event in events {
            let text = event.to_string();
            assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
        }
    })
    .await;
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let roll = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(roll).unwrap_or(0) % sides
    }
}

/// Pieces that a server might say, whole or not, in any order.
const PIECES: [&str; 40] = [
    "* ",
    "+ ",
    "A1 ",
    "A2 ",
    "A3 ",
    "A4 ",
    "A5 ",
    "OK ",
    "NO ",
    "BAD ",
    "BYE ",
    "[CLOSED] ",
    "[ALERT] ",
    "[UIDVALIDITY 9] ",
    "[COPYUID 1 1:2 3:4] ",
    "[CAPABILITY IMAP4rev1] ",
    "1 ",
    "2 ",
    "4294967295 ",
    "0 ",
    "EXISTS",
    "EXPUNGE",
    "FETCH (",
    "FLAGS (\\Seen) ",
    "UID 11 ",
    "UID 12 ",
    "BODY[] {3}\r\n",
    "abc",
    ")",
    "(",
    "\"",
    "{5}\r\n",
    "\r\n",
    "\r\n",
    "\r\n",
    "VANISHED (EARLIER) 1:5",
    "SEARCH 1 2",
    "ESEARCH (TAG \"A3\") UID ALL 1:4294967295",
    "LIST () \"/\" \"x\"",
    "ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) ",
];

#[tokio::test(start_paused = true)]
async fn whatever_a_server_says_every_token_ends_and_closed_comes_last() {
    for seed in 1..=1500 {
        within(LIMIT, async {
            let mut dice = Dice(seed * 7919);
            let (theirs, mut server) = duplex(1 << 16);
            let config = quiet().auto_idle(dice.roll(2) == 0);
            let greeting = format!("* PREAUTH [CAPABILITY {CAPABILITIES}] ready\r\n");
            let (connected, written) =
                tokio::join!(config.connect_over(theirs), server.write_all(greeting.as_bytes()));
            written.expect("there is room");
            let (imap, receiver) = connected.expect("a greeting");
            let mut events = Events::any(receiver);
            let serving = async {
                for _ in 0..dice.roll(60) {
                    let mut said = PIECES[dice.roll(PIECES.len())].as_bytes().to_vec();
                    match dice.roll(30) {
                        0 => said = vec![u8::try_from(dice.roll(256)).unwrap_or(0)],
                        1 => said.truncate(1),
                        2 => tokio::time::sleep(Duration::from_millis(150)).await,
                        _ => {}
                    }
                    if server.write_all(&said).await.is_err() {
                        break;
                    }
                    let answered_by_kinds = async { while server.read_u8().await.is_ok() {} };
                    if dice.roll(4) == 0 {
                        let _ = tokio::time::timeout(Duration::from_millis(1), answered_by_kinds).await;
                    }
                }
                drop(server);
            };
            let client = async {
                let select = imap.select("INBOX");
                let inbox = select.mailbox();
                let fetch = inbox.fetch(uid(11)..=uid(12), Items::envelope().flags());
                let append = imap.append("INBOX", "abc");
                let status = imap.status("x", StatusItems::counts());
                let search = inbox.search(Search::all());
                let list = imap.list("*");
                // Each ends somehow; a hang is what the limit is for.
                let _ = select.await.map(drop);
                let _ = fetch.await.map(drop);
                let _ = append.await.map(drop);
                let _ = status.await.map(drop);
                let _ = search.await.map(drop);
                let _ = list.await.map(drop);
                let _ = inbox.expunge_deleted().await.map(drop);
            };
            tokio::join!(serving, client);
            let (reason, _) = events.end().await;
            assert_ne!(reason, CloseReason::Dropped, "seed {seed}");
            assert_ne!(reason, CloseReason::Logout, "seed {seed}");
            assert_eq!(imap.noop().await.expect_err("ended").kind(), ErrorKind::Closed, "seed {seed}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_of_four_billion_messages_ends_the_connection_and_takes_no_memory() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let select = s.imap.select("INBOX");
        let inbox = select.mailbox();
        let tag = s.server.expect("SELECT INBOX").await;
        s.server.say("* 4294967295 EXISTS").await;
        s.server.say(&format!("{tag} OK [READ-WRITE] done")).await;
        let error = select.await.expect_err("too large");
        assert!(error.to_string().contains("Limits::messages"), "{error}");
        assert!(matches!(error.close_reason(), Some(CloseReason::Limit(_))), "{error:?}");
        assert!(inbox.has_ended());
    })
    .await;
}
