//! When an account dials again, and when it does not.

use std::time::Duration;

use imap_duplex::account::{Account, AccountState, DialReason, Policy};
use imap_duplex::command::Search;
use imap_duplex::testing::Server;
use imap_duplex::types::Code;
use imap_duplex::{Config, ErrorKind, Remedy};
use tokio::time::{Instant, sleep, timeout};

use crate::support::within;
use crate::{LIMIT, World};

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_replaced_at_once() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account();
        let inbox = account.mailbox("INBOX").await.unwrap();
        sleep(Duration::from_secs(3600)).await;
        world.server.disconnect(true);
        let error = inbox.search(Search::all()).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
        drop(inbox);
        let start = Instant::now();
        account.mailbox("INBOX").await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1));
        assert_eq!(world.reasons(), [DialReason::Wanted; 2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_being_selected_survives_its_connection() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account();
        world.server.on("SELECT").cut_after(3);
        let inbox = account.mailbox("INBOX").await.unwrap();
        inbox.search(Search::all()).await.unwrap();
        assert_eq!(world.dials().len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_is_not_hammered_and_found_again() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        world.be_away(12);
        let account = world.account();
        let mut status = account.status();
        let waiting = tokio::spawn(async move {
            while let Some(status) = status.changed().await {
                if let AccountState::Waiting { error, .. } = &status.state {
                    return format!("{}: {:?}", status.state, error.kind());
                }
            }
            String::new()
        });
        let inbox = account.mailbox("INBOX").await.unwrap();
        let text = waiting.await.unwrap();
        assert!(text.starts_with("waiting") && text.ends_with("Connect"), "{text}");
        assert_eq!(inbox.exists(), 0);
        let dials = world.dials();
        assert_eq!(dials.len(), 13);
        // The first one repeats nothing; of those that follow no more than two are in two minutes.
        for window in dials[1..].windows(3) {
            assert!(window[2] - window[0] >= 119, "{dials:?}");
        }
        assert!(world.reasons()[1..].iter().all(|reason| *reason == DialReason::Retry));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_accepts_and_drops_is_not_hammered() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account();
        world.server.on("SELECT").cut_after(0).always();
        assert!(timeout(Duration::from_secs(1800), account.mailbox("INBOX")).await.is_err());
        let dials = world.dials().len();
        assert!((5..=32).contains(&dials), "{dials}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_parks_within_minutes_and_another_one_wakes() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account_by(world.config_with("wrong"), Policy::default());
        let start = Instant::now();
        let error = account.mailbox("INBOX").await.unwrap_err();
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Credentials)), "{error}");
        assert!(start.elapsed() < Duration::from_secs(600), "{:?}", start.elapsed());
        assert_eq!(world.dials().len(), 4);
        let state = account.status().now().state;
        assert!(matches!(state, AccountState::Parked { .. }), "{state}");
        // Nothing is tried any more, and whoever asks gets the error at once.
        sleep(Duration::from_secs(24 * 3600 - 3000)).await;
        account.network_changed();
        assert_eq!(account.session().await.unwrap_err().kind(), ErrorKind::Login);
        assert_eq!(world.dials().len(), 4);
        account.set_config(world.config());
        account.mailbox("INBOX").await.unwrap();
        assert_eq!(world.dials().len(), 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn other_credentials_wake_at_once_however_often_the_last_were_refused() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let account = world.account_by(world.config_with("wrong"), Policy::default());
        account.session().await.unwrap_err();
        let start = Instant::now();
        account.set_config(world.config());
        account.session().await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(world.dials().len(), 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_full_never_parks() {
    within(LIMIT, async {
        for code in [Code::Unavailable, Code::Limit, Code::InUse] {
            let world = World::new(Server::new());
            for command in ["AUTHENTICATE", "LOGIN"] {
                world.server.on(command).no_with(code.clone(), "try again").times(20);
            }
            let account = world.account();
            account.mailbox("INBOX").await.unwrap();
            assert!(world.dials().len() > 10, "{code:?}: {:?}", world.dials());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_servers_own_hint_is_obeyed() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let text = "Request is throttled. Suggested Backoff Time: 900000 milliseconds";
        for command in ["AUTHENTICATE", "LOGIN"] {
            world.server.on(command).no_with(Code::Unavailable, text);
        }
        let account = world.account();
        let start = Instant::now();
        tokio::spawn({
            let account = account.clone();
            async move {
                sleep(Duration::from_secs(60)).await;
                account.network_changed();
            }
        });
        account.mailbox("INBOX").await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(900), "{:?}", start.elapsed());
        assert_eq!(world.dials().len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_back_ends_a_pause() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        world.be_away(2);
        let mut policy = Policy::default();
        (policy.min_backoff, policy.max_redials) = (Duration::from_secs(300), 1000);
        let account = world.account_by(world.config(), policy);
        let mut status = account.status();
        let waker = account.clone();
        tokio::spawn(async move {
            while let Some(status) = status.changed().await {
                if status.state.pause().is_some() {
                    waker.network_changed();
                }
            }
        });
        let start = Instant::now();
        account.mailbox("INBOX").await.unwrap();
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    })
    .await;
}

/// A connector knows where to: the configuration may come from elsewhere.
#[tokio::test(start_paused = true)]
async fn a_connector_is_given_host_and_port() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        for (config, expected) in [(world.config(), 143), (world.config().port(1143), 1143)] {
            let (host, server) = (config.get_host().to_owned(), world.server.clone());
            let dial = move |to: imap_duplex::account::DialRequest| {
                assert_eq!((to.host, to.port, to.reason), (host.clone(), expected, DialReason::Wanted));
                std::future::ready(Ok(server.connect()))
            };
            let account = Account::builder(config).connector(dial).open();
            account.mailbox("INBOX").await.unwrap();
        }
    })
    .await;
}

/// What can't work at all is reported at once, and not tried again and again.
#[tokio::test(start_paused = true)]
async fn a_wrong_set_up_is_reported_at_once() {
    within(LIMIT, async {
        let world = World::new(Server::builder().no_tls().start());
        // The password would go over the network in clear text.
        let config = Config::new("mail.example.org").plaintext().login(world.server.user(), "secret");
        let account = world.account_by(config, Policy::default());
        let error = account.mailbox("INBOX").await.unwrap_err();
        assert_eq!(error.remedy(), Some(Remedy::Setup), "{error}");
        assert_eq!(world.dials().len(), 1);
        assert!(!error.is_transient());
    })
    .await;
}
