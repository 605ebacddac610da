//! A token dropped before, while and after its command runs; the next command's result is right
//! each time.

use imap_duplex::command::{Items, Search, StatusItems, Store};
use imap_duplex::types::Flag;

use crate::account::{Account, LIMIT, MESSAGE};
use crate::server::Options;
use crate::support::wire::Peer;
use crate::support::within;

/// A message large enough that its FETCH takes many reads.
fn large() -> String {
    format!("{MESSAGE}{}", "0123456789abcde\r\n".repeat(100_000))
}

#[tokio::test]
async fn dropped_before_it_is_sent() {
    within(LIMIT, async {
        let (mut a, log) = Account::recorded(&Options::default(), |config| config.auto_idle(false)).await;
        let uids = a.deliver(&["one"]).await;
        let inbox = a.inbox().await;
        log.take();
        // Nothing has been polled between these lines, so that nothing of it can have been sent.
        drop(inbox.fetch(uids[0], Items::envelope()));
        drop(a.imap.list("*"));
        drop(inbox.store(uids[0], Store::add([Flag::Flagged])));
        a.imap.create("Never").cancel();
        let found = inbox.search(Search::flagged()).await.expect("SEARCH");
        assert_eq!(found.iter().collect::<Vec<_>>(), uids, "what changes something was sent all the same");
        let written = log.written();
        assert!(
            !written.contains("FETCH") && !written.contains("LIST") && !written.contains("Never"),
            "{written}"
        );
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn dropped_while_it_runs() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uid = a.imap.append("INBOX", large()).await.expect("APPEND").uid.expect("UIDPLUS");
        let inbox = a.inbox().await;
        for rows_read in [0, 1] {
            let mut rows = inbox.fetch(uid, Items::body()).stream();
            if rows_read == 1 {
                rows.next().await.expect("a row").expect("whole");
            } else {
                // Until something of it has been sent.
                tokio::task::yield_now().await;
            }
            drop(rows);
            let next = inbox.fetch(uid, Items::envelope()).await.expect("FETCH");
            assert_eq!(next.len(), 1);
            assert!(next[0].envelope().is_some() && next[0].body().is_none(), "only what it asked for");
        }
        // And an upload.
        drop(a.imap.append("Drafts", large()));
        let status = a.imap.status("Drafts", StatusItems::new().messages()).await.expect("STATUS");
        assert_eq!(status.messages, Some(1));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn dropped_after_its_end() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let uids = a.deliver(&["one"]).await;
        let inbox = a.inbox().await;
        let token = inbox.fetch(uids[0], Items::envelope());
        a.imap.noop().await.expect("NOOP");
        a.events.until_brief("NOOP OK").await;
        drop(token);
        let rows = inbox.fetch(uids[0], Items::new().size()).await.expect("FETCH");
        assert_eq!((rows.len(), rows[0].envelope().is_some()), (1, false));
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn dropped_handles_log_out() {
    within(LIMIT, async {
        let (a, log) = Account::recorded(&Options::default(), |config| config).await;
        let Account { imap, events, server, user } = a;
        drop(imap.create("Work"));
        drop((imap, events));
        log.until("LOGOUT", |writes| writes.concat().ends_with("LOGOUT\r\n")).await;
        let listed = server.session(&user).await.command("LIST \"\" Work").await;
        assert_eq!(listed.len(), 1, "what was submitted has been done: {listed:?}");
    })
    .await;
}

#[tokio::test]
async fn a_row_can_be_read_while_the_tagged_line_is_still_withheld() {
    within(LIMIT, async {
        let (stream, mut server) = Peer::pair();
        let config = imap_duplex::Config::new("server.test").plaintext().auto_idle(false);
        let greeting = "* PREAUTH [CAPABILITY IMAP4rev1] ready";
        let (connected, ()) = tokio::join!(config.connect_over(stream), server.say(greeting));
        let (imap, _events) = connected.expect("a greeting");
        let mut rows = imap.list("*").stream();
        let tag = server.expect("LIST \"\" *").await;
        server.say("* LIST () \"/\" INBOX").await;
        let row = rows.next().await.expect("a row").expect("an entry");
        assert_eq!(row.name.as_str(), "INBOX");
        server.say("* LIST () \"/\" Work").await;
        assert_eq!(rows.next().await.expect("a row").expect("an entry").name.as_str(), "Work");
        server.say(&format!("{tag} OK done")).await;
        assert!(rows.next().await.is_none());
    })
    .await;
}
