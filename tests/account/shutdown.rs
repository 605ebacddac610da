//! How an account ends.

use std::time::Duration;

use imap_duplex::ErrorKind;
use imap_duplex::account::AccountState;
use imap_duplex::command::Search;
use imap_duplex::testing::Server;
use tokio::time::{Instant, sleep};

use crate::support::within;
use crate::{LIMIT, World};

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_leases_end_and_logs_out() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account();
        let inbox = account.mailbox("INBOX").await.unwrap();
        drop(account.session().await.unwrap());
        let start = Instant::now();
        tokio::spawn(async move {
            sleep(Duration::from_secs(20)).await;
            inbox.search(Search::all()).await.unwrap();
        });
        account.shutdown(Duration::from_secs(60)).await;
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
        assert_eq!((world.count("LOGOUT"), world.count("SEARCH") + world.count("UID SEARCH") > 0), (2, true));
        assert!(matches!(account.status().now().state, AccountState::Closed));
        let error = account.mailbox("INBOX").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_never_returned_is_cut_in_the_end() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account();
        let inbox = account.mailbox("INBOX").await.unwrap();
        let start = Instant::now();
        account.shutdown(Duration::from_secs(60)).await;
        assert!(start.elapsed() < Duration::from_secs(70), "{:?}", start.elapsed());
        assert_eq!(inbox.search(Search::all()).await.unwrap_err().kind(), ErrorKind::Closed);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_refused_by_a_shutdown() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        world.be_away(usize::MAX);
        let account = world.account();
        let waiting = tokio::spawn({
            let account = account.clone();
            async move { account.mailbox("INBOX").await.unwrap_err().kind() }
        });
        sleep(Duration::from_secs(10)).await;
        account.shutdown(Duration::from_secs(60)).await;
        assert_eq!(waiting.await.unwrap(), ErrorKind::Closed);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_ends_the_account_and_leases_go_on() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account();
        let inbox = account.mailbox("INBOX").await.unwrap();
        let mut status = account.status();
        drop(account);
        sleep(Duration::from_secs(600)).await;
        inbox.search(Search::all()).await.unwrap();
        drop(inbox);
        while status.changed().await.is_some() {}
        assert_eq!(world.count("LOGOUT"), 1);
    })
    .await;
}
