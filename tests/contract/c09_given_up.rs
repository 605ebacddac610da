//! Promise 9: dialogues that are aborted midway, and what is queued behind a command of several
//! lines.

use imap_duplex::command::{Class, Flow, Line, Session as Known};
use imap_duplex::types::{CloseReason, Done};
use imap_duplex::{Command, Error, ErrorKind, Result};

use crate::client::uid;
use crate::session::{LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

/// A dialogue that has an answer to the first challenge, and none to the second.
struct Dialogue {
    answers: usize,
}

impl Command for Dialogue {
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
        assert!(self.answers > 0, "it has said that it has no more to say");
        self.answers -= 1;
        if self.answers == 0 {
            return Err(Error::protocol("I have no answer to that"));
        }
        line.atom("answer");
        Ok(())
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()>
    where
        Self: Sized,
    {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_dialogue_is_given_up_by_a_star_and_its_error_is_the_commands_own() {
    within(LIMIT, async {
        // However the server takes it (RFC 9051 section 6.2.2 has it say BAD).
        for end in ["BAD given up", "NO given up", "OK never mind"] {
            let mut s = Session::open().await;
            let token = s.imap.submit(Dialogue { answers: 2 });
            let next = s.imap.create("Work");
            let tag = s.server.expect("XTALK").await;
            s.server.say("+ one").await;
            s.server.expect_line("answer").await;
            s.server.say("+ two").await;
            s.server.expect_line("*").await;
            // One that does not read is notified again.
            s.server.say("+ three").await;
            s.server.expect_line("*").await;
            s.server.say(&format!("{tag} {end}")).await;
            let error = token.await.expect_err("given up");
            assert_eq!(error.to_string(), "XTALK: I have no answer to that");
            assert_eq!(error.kind(), ErrorKind::Protocol);
            s.answer("CREATE Work", &[]).await;
            next.await.expect("created");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_asked_for_more_than_it_has_is_given_up() {
    within(LIMIT, async {
        let config = quiet().login("alice", "s3cret").allow_plaintext_login(true);
        let (stream, mut server) = Peer::pair();
        let serve = async {
            server.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready").await;
            let tag = server.expect("AUTHENTICATE PLAIN").await;
            server.say("+ ").await;
            server.expect_line("AGFsaWNlAHMzY3JldA==").await;
            server.say("+ bW9yZQ==").await;
            server.expect_line("*").await;
            server.say(&format!("{tag} BAD given up")).await;
            server.expect_end().await;
        };
        let (connected, ()) = tokio::join!(config.connect_over(stream), serve);
        let text = connected.map(drop).expect_err("given up").to_string();
        assert!(!text.contains("s3cret"), "{text}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn logout_behind_a_series_lets_it_be_finished() {
    within(LIMIT, async {
        // A move without MOVE is three lines, each after the other's OK.
        let mut s = Session::with(&quiet(), "IMAP4rev1 LITERAL+ UIDPLUS ESEARCH").await;
        let inbox = s.select(&[11, 12]).await;
        let moved = inbox.move_to(uid(11), "Work");
        let appended = s.imap.append_each("Work", ["one", "two"]);
        let logout = s.imap.logout();
        let late = s.imap.noop();
        let copy = s.server.expect("UID COPY 11 Work").await;
        let first = s.server.expect("APPEND Work {3+}").await;
        s.server.expect_bytes(b"one\r\n").await;
        s.server.say(&format!("{copy} OK [COPYUID 7 11 21] done")).await;
        let store = s.server.expect(r"UID STORE 11 +FLAGS.SILENT (\Deleted)").await;
        s.server.say(&format!("{first} OK done")).await;
        let second = s.server.expect("APPEND Work {3+}").await;
        s.server.expect_bytes(b"two\r\n").await;
        s.server.say(&format!("{store} OK done")).await;
        let expunge = s.server.expect("UID EXPUNGE 11").await;
        // With the last lines of both written, it waits for no answer.
        let tag = s.server.expect("LOGOUT").await;
        s.server.say("* 1 EXPUNGE").await;
        s.server.say(&format!("{expunge} OK done")).await;
        s.server.say(&format!("{second} OK done")).await;
        s.server.say("* BYE").await;
        s.server.say(&format!("{tag} OK done")).await;
        moved.await.expect("moved");
        assert_eq!(appended.await.expect("appended").len(), 2);
        logout.await.expect("logged out");
        assert_eq!(late.await.expect_err("too late").kind(), ErrorKind::Closed);
        assert_eq!(s.events.end().await.0, CloseReason::Logout);
    })
    .await;
}
