//! Several commands in flight: what is sent in one write, and whose answer is whose.

use imap_duplex::command::{Items, Search, StatusItems, Store};
use imap_duplex::types::{Flag, Uid};

use crate::account::{Account, LIMIT, MESSAGE};
use crate::server::Options;
use crate::support::within;

#[tokio::test]
async fn three_commands_go_out_in_one_write() {
    within(LIMIT, async {
        let (a, log) = Account::recorded(&Options::default(), |config| config.auto_idle(false)).await;
        log.take();
        let list = a.imap.list("*");
        let status = a.imap.status("Drafts", StatusItems::new().messages());
        let id = a.imap.id(imap_duplex::command::Id::nothing());
        assert_eq!(list.await.expect("LIST").len(), 4);
        assert_eq!(status.await.expect("STATUS").messages, Some(0));
        assert!(!id.await.expect("ID").is_empty());
        let writes = log.writes();
        assert_eq!(writes.len(), 1, "{writes:?}");
        let lines: Vec<_> = writes[0].lines().filter_map(|line| line.split_once(' ')).collect();
        let commands: Vec<_> = lines.iter().map(|(_, command)| *command).collect();
        assert_eq!(commands, ["LIST \"\" *", "STATUS Drafts (MESSAGES)", "ID NIL"]);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn select_and_what_is_asked_of_the_mailbox_go_out_in_one_write() {
    within(LIMIT, async {
        let (a, log) = Account::recorded(&Options::default(), |config| config.auto_idle(false)).await;
        let uids = a.deliver(&["one", "two"]).await;
        log.take();
        let select = a.imap.select("INBOX");
        let inbox = select.mailbox();
        let unseen = inbox.search(Search::unseen());
        let rows = inbox.fetch(uids[0].., Items::envelope());
        assert_eq!(select.await.expect("SELECT").exists(), 2);
        assert_eq!(unseen.await.expect("SEARCH").len(), 2);
        assert_eq!(rows.await.expect("FETCH").len(), 2);
        let first = log.writes().remove(0);
        assert_eq!(first.lines().count(), 3, "{first}");
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn many_fetches_of_many_items_in_flight_are_each_right() {
    within(LIMIT, async {
        let mut a = Account::quiet().await;
        let subjects: Vec<String> = (0..20).map(|n| format!("number {n}")).collect();
        let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
        let uids = a.deliver(&subjects).await;
        let inbox = a.inbox().await;
        let other = a.other();
        let mut other = other.await;
        let all = || uids[0]..=uids[19];
        let envelopes = inbox.fetch(all(), Items::envelope());
        let sizes = inbox.fetch(all(), Items::new().size());
        let bodies: Vec<_> = uids.iter().map(|uid| inbox.fetch(*uid, Items::body())).collect();
        other.store("1:*", "+FLAGS.SILENT (\\Answered)").await;
        let flags = inbox.fetch(all(), Items::new().flags());
        for (row, subject) in envelopes.await.expect("FETCH").iter().zip(&subjects) {
            assert_eq!(
                row.envelope().and_then(|e| Some(e.subject()?.into_owned())).as_deref(),
                Some(*subject)
            );
            assert!(row.size().is_none() && row.body().is_none());
        }
        for (row, subject) in sizes.await.expect("FETCH").iter().zip(&subjects) {
            assert_eq!(row.size(), u64::try_from(MESSAGE.len() - "hello".len() + subject.len()).ok());
        }
        for ((token, subject), uid) in bodies.into_iter().zip(&subjects).zip(&uids) {
            let rows = token.await.expect("FETCH");
            assert_eq!((rows.len(), rows[0].uid()), (1, Some(*uid)));
            assert_eq!(rows[0].body().expect("BODY[]"), MESSAGE.replace("hello", subject).as_bytes());
        }
        let rows = flags.await.expect("FETCH");
        assert_eq!(rows.len(), 20);
        assert!(rows.iter().all(|row| row.flags().is_some()));
        // The other session's change is reported, for each of them, by now or at the next occasion.
        a.imap.noop().await.expect("NOOP");
        let rows = inbox.fetch(all(), Items::new().flags()).await.expect("FETCH");
        assert!(rows.iter().all(|row| row.flags().is_some_and(|f| f.contains(&Flag::Answered))), "{rows:?}");
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn the_loop_that_acts_on_what_it_reads() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let uids = a.deliver(&["one", "two", "three", "four", "five"]).await;
        a.imap.create("Archive").await.expect("CREATE");
        let inbox = a.inbox().await;
        let mut rows = inbox.fetch(uids[0].., Items::envelope()).stream();
        let mut moved: Vec<Uid> = Vec::new();
        while let Some(row) = rows.next().await {
            let uid = row.expect("a row").uid().expect("a UID");
            inbox.store(uid, Store::add([Flag::Seen])).await.expect("STORE");
            inbox.move_to(uid, "Archive").await.expect("MOVE");
            moved.push(uid);
        }
        assert_eq!(moved, uids);
        assert_eq!(inbox.exists(), 0);
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_thousand_commands_at_once() {
    within(LIMIT, async {
        let mut a = Account::usual().await;
        let uids = a.deliver(&["one"]).await;
        let inbox = a.inbox().await;
        let tokens: Vec<_> = (0..1000)
            .map(|n| inbox.fetch(uids[0], if n % 2 == 0 { Items::envelope() } else { Items::body() }))
            .collect();
        for (n, token) in tokens.into_iter().enumerate() {
            let rows = token.await.expect("FETCH");
            assert_eq!((rows.len(), rows[0].body().is_some()), (1, n % 2 == 1), "{n}");
        }
        a.finish().await;
    })
    .await;
}

#[tokio::test]
async fn a_search_and_what_is_done_with_its_result_take_one_round_trip() {
    within(LIMIT, async {
        let (mut a, log) = Account::recorded(&Options::default(), |config| config.auto_idle(false)).await;
        let uids = a.deliver(&["one", "two", "three"]).await;
        let inbox = a.inbox().await;
        inbox.store(uids[1], Store::add([Flag::Seen])).await.expect("STORE");
        log.take();
        let search = inbox.save(Search::unseen());
        let rows = inbox.fetch(search.saved(), Items::envelope());
        let first = inbox.search(Search::among(search.saved()).and(Search::subject("one")));
        let stored = inbox.store(search.saved(), Store::add([Flag::Flagged]).silent());
        let copied = inbox.copy(search.saved(), "Drafts");
        assert_eq!(
            rows.await.expect("FETCH").iter().filter_map(|row| row.uid()).collect::<Vec<_>>(),
            [uids[0], uids[2]]
        );
        assert_eq!(search.await.expect("SEARCH").count(), Some(2));
        assert_eq!(stored.await.expect("STORE").len(), 2);
        copied.await.expect("COPY");
        assert_eq!(first.await.expect("SEARCH").iter().collect::<Vec<_>>(), [uids[0]]);
        let first = log.writes().remove(0);
        assert_eq!(first.lines().count(), 3, "{first}");
        let flagged = inbox
            .snapshot()
            .iter()
            .filter(|known| known.flags().is_some_and(|f| f.contains(&Flag::Flagged)))
            .count();
        assert_eq!(flagged, 2);
        assert_eq!(
            a.imap.status("Drafts", StatusItems::new().messages()).await.expect("STATUS").messages,
            Some(2)
        );
        a.finish().await;
    })
    .await;
}
