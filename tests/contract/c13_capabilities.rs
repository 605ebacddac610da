//! Promise 13, of capabilities: a list without any IMAP4… keyword, which every list has (RFC 9051
//! section 7.2.2), removes nothing. It is an event, wherever it is received.

use imap_duplex::ErrorKind;
use imap_duplex::types::{Answer, EventKind};

use crate::session::{LIMIT, Session, quiet};
use crate::support::wire::Peer;
use crate::support::within;

/// Waits for the event of a list that is none, and checks that the capabilities are what they were.
async fn reported(s: &mut Session, word: &str) {
    let is_list =
        |kind: &EventKind| matches!(kind, EventKind::Data(Answer::Capability(all)) if all.has(word));
    s.events.until(word, |event| is_list(&event.kind)).await;
    let can = s.imap.capabilities();
    assert!(can.has("MOVE") && can.has("IDLE") && !can.has(word), "{can}");
}

#[tokio::test(start_paused = true)]
async fn a_list_without_the_protocol_changes_no_capability() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        s.server.say("* CAPABILITY ((\"\" \"/\")) NIL NIL").await;
        reported(&mut s, "NIL").await;
        s.server.say("* OK [CAPABILITY XLIST UIDPLUS] hello").await;
        reported(&mut s, "XLIST").await;
        let noop = s.imap.noop();
        let tag = s.server.expect("NOOP").await;
        s.server.say(&format!("{tag} OK [CAPABILITY XTAGGED] done")).await;
        reported(&mut s, "XTAGGED").await;
        noop.await.expect("done");
        // One with it replaces them, as ever.
        s.server.say("* CAPABILITY imap4 XNEW").await;
        s.events.until("capabilities", |event| matches!(event.kind, EventKind::Capabilities(..))).await;
        assert!(s.imap.capabilities().has("XNEW") && !s.imap.capabilities().has("MOVE"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn such_a_list_answers_no_question() {
    within(LIMIT, async {
        let mut s = Session::hostile().await;
        let asked = s.imap.capability();
        let tag = s.server.expect("CAPABILITY").await;
        s.server.say("* CAPABILITY ((\"\" \"/\")) NIL NIL").await;
        s.server.say("* CAPABILITY IMAP4rev1 MOVE IDLE").await;
        s.server.say(&format!("{tag} OK done")).await;
        assert!(asked.await.expect("answered").has("MOVE"));
        reported(&mut s, "NIL").await;
        let asked = s.imap.capability();
        let tag = s.server.expect("CAPABILITY").await;
        s.server.say(&format!("{tag} OK [CAPABILITY XODD] done")).await;
        assert_eq!(asked.await.expect_err("no answer").kind(), ErrorKind::Protocol);
    })
    .await;
}

/// In the greeting it has no effect: the client asks.
#[tokio::test(start_paused = true)]
async fn a_greeting_with_such_a_list_is_asked_again() {
    within(LIMIT, async {
        let (stream, mut server) = Peer::pair();
        let config = quiet();
        let serving = async {
            server.say("* PREAUTH [CAPABILITY XODD] ready").await;
            let tag = server.expect("CAPABILITY").await;
            server.say("* CAPABILITY IMAP4rev1 MOVE").await;
            server.say(&format!("{tag} OK done")).await;
        };
        let (connected, ()) = tokio::join!(config.connect_over(stream), serving);
        let (imap, mut events) = connected.expect("connected");
        assert!(imap.capabilities().has("MOVE") && !imap.capabilities().has("XODD"));
        let first = events.next().await.expect("an event");
        assert!(matches!(first.kind, EventKind::Data(Answer::Capability(all)) if all.has("XODD")));
    })
    .await;
}
