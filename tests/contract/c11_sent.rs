//! Promise 11: how much of a command had been sent when the connection ends, in each state of each
//! dialogue. `Fully`: the server has all that it needs to do it.

use std::future::Future;
use std::pin::Pin;

use imap_duplex::command::{Append, Class, Command, Flow, Line, Session as Known};
use imap_duplex::types::{CloseReason, Done};
use imap_duplex::{Error, ErrorKind, Result, Sender, Sent};
use tokio::io::AsyncWriteExt;

use crate::client::uid;
use crate::session::{CAPABILITIES, LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

/// One line, and this answer for each `+`.
struct Talk(&'static str);

/// An answer that can't be written: it is no atom.
const NO_ATOM: &str = "no atom";
const ANSWER: &str = "answer";

impl Command for Talk {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "XTALK"
    }

    fn class(&self) -> Class {
        Class::barrier().with_challenges()
    }

    fn encode(&mut self, line: &mut Line, _: &Known) -> Result<Flow> {
        line.atom("XTALK");
        Ok(Flow::Last)
    }

    fn challenge(&mut self, _: &[u8], line: &mut Line) -> Result<()> {
        line.atom(self.0);
        Ok(())
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

/// What the server reads, and what it says to it, `{}` being the tag.
type Turn = (&'static str, &'static str);
type Running = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

fn running<T>(token: impl Future<Output = Result<T>> + 'static) -> Running {
    Box::pin(async { token.await.map(drop) })
}

fn append(imap: &Sender) -> Running {
    running(imap.append("INBOX", "abcde"))
}

fn upload(imap: &Sender) -> Running {
    let (mut give, take) = tokio::io::duplex(64);
    let imap = imap.clone();
    running(async move {
        let token = imap.append("INBOX", Append::reader(5, take));
        give.write_all(b"ab").await.expect("there is room");
        // The rest is sent once that has been read.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let _ = give.write_all(b"cde").await;
        drop(give);
        token.await
    })
}

/// The command, what the server says, and how much of it has been sent after each of its turns.
async fn check(capabilities: &str, name: &str, run: fn(&Sender) -> Running, turns: &[(Turn, Sent)]) {
    for upto in 1..=turns.len() {
        let mut s = Session::with(&quiet(), capabilities).await;
        let running = tokio::task::LocalSet::new();
        let token = running.spawn_local(run(&s.imap));
        running
            .run_until(async {
                let mut tag = String::new();
                for (at, ((line, answer), _)) in turns[..upto].iter().enumerate() {
                    let got = s.server.next_line().await;
                    let rest = match got.split_once(' ') {
                        Some((own, rest)) if own.starts_with('A') && own[1..].parse::<u32>().is_ok() => {
                            tag = own.to_owned();
                            rest.to_owned()
                        }
                        _ => got,
                    };
                    assert_eq!(rest, *line, "{name}");
                    if at + 1 < upto && !answer.is_empty() {
                        s.server.say(&answer.replace("{}", &tag)).await;
                    }
                }
                s.server.say("* BYE back at noon").await;
                drop(s.server);
                let error = token.await.expect("no panic").expect_err("no answer");
                assert_eq!(error.kind(), ErrorKind::Closed, "{name}: {error}");
                assert!(matches!(error.close_reason(), Some(CloseReason::Bye(_))), "{name}: {error:?}");
                assert_eq!(error.sent(), turns[upto - 1].1, "{name}, after {:?}", turns[upto - 1].0);
            })
            .await;
        s.events.ready();
    }
}

#[tokio::test(start_paused = true)]
async fn of_each_dialogue_it_is_known_how_much_was_sent() {
    use Sent::{Fully, Partly};
    within(LIMIT, async {
        let waits = "IMAP4rev1 IDLE";
        check(waits, "one line", |imap| running(imap.create("a")), &[(("CREATE a", ""), Fully)]).await;
        check(
            CAPABILITIES,
            "a literal at once",
            append,
            &[(("APPEND INBOX {5+}", ""), Fully), (("abcde", ""), Fully)],
        )
        .await;
        check(
            waits,
            "a literal",
            append,
            &[(("APPEND INBOX {5}", "+ go on"), Partly), (("abcde", ""), Fully)],
        )
        .await;
        check(
            waits,
            "an upload",
            upload,
            &[(("APPEND INBOX {5}", "+ go on"), Partly), (("abcde", ""), Fully)],
        )
        .await;
        check(
            waits,
            "a dialogue",
            |imap| running(imap.submit(Talk(ANSWER))),
            &[(("XTALK", "+ what"), Fully), (("answer", "+ and"), Fully), (("answer", ""), Fully)],
        )
        .await;
    })
    .await;
}

/// Commands of a selection.
#[tokio::test(start_paused = true)]
async fn of_a_series_the_last_line_counts() {
    within(LIMIT, async {
        let lines = ["UID COPY 11 Work", "UID STORE 11 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 11"];
        for upto in 1..=3 {
            let mut s = Session::with(&quiet(), &CAPABILITIES.replace(" MOVE", "")).await;
            let inbox = s.select(&[11]).await;
            let token = inbox.move_to(uid(11), "Work");
            for (at, line) in lines[..upto].iter().enumerate() {
                let tag = s.server.expect(line).await;
                if at + 1 < upto {
                    s.server.say(&format!("{tag} OK done")).await;
                }
            }
            drop(s.server);
            let sent = if upto == 3 { Sent::Fully } else { Sent::Partly };
            assert_eq!(token.await.expect_err("no answer").sent(), sent, "{}", lines[upto - 1]);
            s.events.ready();
        }
        // IDLE has been carried out once its line has been read; DONE ends it.
        for done in [false, true] {
            let mut s = Session::open().await;
            let inbox = s.select(&[11]).await;
            let token = inbox.idle();
            s.server.expect("IDLE").await;
            s.server.say("+ idling").await;
            if done {
                drop(s.imap.create("a"));
                s.server.expect_line("DONE").await;
            }
            drop(s.server);
            assert_eq!(token.await.expect_err("no answer").sent(), Sent::Fully, "DONE: {done}");
            s.events.ready();
        }
    })
    .await;
}

/// A login: of PLAIN the answer counts, wherever it stands.
#[tokio::test(start_paused = true)]
async fn of_a_login_the_last_answer_counts() {
    const PLAIN: &str = "AGFsaWNlAHNlY3JldC13b3Jk";
    within(LIMIT, async {
        for (can, turns) in [
            ("AUTH=PLAIN SASL-IR", &[(true, Sent::Fully)][..]),
            ("AUTH=PLAIN", &[(false, Sent::Partly), (true, Sent::Fully)]),
            ("", &[(true, Sent::Fully)]),
        ] {
            for upto in 1..=turns.len() {
                for end in ["* BYE back at noon", "{} NO not you"] {
                    let (stream, mut server) = Peer::pair();
                    let config = quiet().login("alice", "secret-word").allow_plaintext_login(true);
                    let serving = async {
                        server.say(&format!("* OK [CAPABILITY IMAP4rev1 {can}] ready")).await;
                        let (tag, _) = server.expect_start("").await;
                        if upto == 2 {
                            server.say("+ ").await;
                            server.expect_line(PLAIN).await;
                        }
                        server.say(&end.replace("{}", &tag)).await;
                        drop(server);
                    };
                    let (done, ()) = tokio::join!(config.connect_over(stream), serving);
                    let error = done.expect_err("no login");
                    assert_eq!(error.sent(), turns[upto - 1].1, "{can:?}, turn {upto}, {end}: {error}");
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dialogue_that_is_given_up_has_been_sent_in_part() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let token = s.imap.submit(Talk(NO_ATOM));
        let tag = s.server.expect("XTALK").await;
        s.server.say("+ what").await;
        s.server.expect_line("*").await;
        s.server.say(&format!("{tag} BAD given up")).await;
        let error = token.await.expect_err("given up");
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Invalid, Sent::Partly), "{error}");
        s.events.ready();
    })
    .await;
}
