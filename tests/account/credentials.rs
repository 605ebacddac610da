//! Credentials that a provider gives: one refresh for refusals in a row, then tries, then the
//! account is parked until there are others.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use imap_duplex::account::{AccountState, MemoryStore, Policy, Watch};
use imap_duplex::testing::Server;
use imap_duplex::{Config, CredentialReason, Credentials, ErrorKind, Remedy};
use tokio::time::{Instant, sleep, timeout};

use crate::support::within;
use crate::watch::{QUIET, all};
use crate::{LIMIT, World};

/// What a provider has, and what it was asked for.
#[derive(Clone, Default)]
pub(crate) struct Provider(Arc<Mutex<Given>>);

#[derive(Default)]
struct Given {
    at_hand: String,
    /// What it fetches if that is refused.
    fresh: String,
    asked: Vec<CredentialReason>,
}

impl Provider {
    pub(crate) fn has(&self, at_hand: &str, fresh: &str) {
        let mut given = self.0.lock().expect("no panic");
        (given.at_hand, given.fresh) = (at_hand.to_owned(), fresh.to_owned());
    }

    /// What it was asked for since this was called last.
    fn asked(&self) -> Vec<CredentialReason> {
        std::mem::take(&mut self.0.lock().expect("no panic").asked)
    }

    pub(crate) fn config(&self, world: &World) -> Config {
        let given = self.0.clone();
        world.config().credentials(world.server.user(), move |request| {
            let mut given = given.lock().expect("no panic");
            given.asked.push(request.reason());
            if request.reason() != CredentialReason::First {
                given.at_hand = given.fresh.clone();
            }
            std::future::ready(Ok(Credentials::password(given.at_hand.as_str())))
        })
    }
}

use CredentialReason::{First, Refused};

#[tokio::test(start_paused = true)]
async fn one_refresh_then_three_tries_then_it_is_parked_until_there_are_others() {
    within(LIMIT, async {
        let (world, provider) = (World::new(Server::new()), Provider::default());
        provider.has("stale", "wrong as well");
        let account = world.account_by(provider.config(&world), Policy::default());
        for _ in 0..2 {
            let error = account.mailbox("INBOX").await.unwrap_err();
            assert_eq!(
                (error.kind(), error.remedy()),
                (ErrorKind::Login, Some(Remedy::Credentials)),
                "{error}"
            );
            assert_eq!(provider.asked(), [First, Refused, First, First, First]);
            let state = account.status().now().state;
            assert!(matches!(state, AccountState::Parked { .. }), "{state}");
            // Neither time nor another network are other credentials.
            sleep(Duration::from_secs(3600)).await;
            account.network_changed();
            assert_eq!(account.session().await.unwrap_err().kind(), ErrorKind::Login);
            assert_eq!(provider.asked(), []);
            // The provider says that it has others, which are of no use either.
            account.credentials_changed();
        }
        account.credentials_changed();
        provider.has(world.server.password(), "");
        account.mailbox("INBOX").await.unwrap();
        assert_eq!(provider.asked(), [First]);
    })
    .await;
}

/// However many wait, and though other connections are logged in: each refusal counts, and too many
/// lock the user out.
#[tokio::test(start_paused = true)]
async fn credentials_that_may_be_wrong_are_tried_by_one_connection_at_a_time() {
    within(LIMIT, async {
        for connected in [0, 1] {
            let (world, provider) = (World::new(Server::new()), Provider::default());
            provider.has(world.server.password(), "");
            let account = world.account_by(provider.config(&world), Policy::default());
            let mut leases = Vec::new();
            for _ in 0..connected {
                leases.push(account.session().await.unwrap());
            }
            provider.asked();
            provider.has("stale", "wrong as well");
            account.credentials_changed();
            let start = Instant::now();
            let waiting: Vec<_> = (0..3)
                .map(|_| {
                    let account = account.clone();
                    tokio::spawn(async move { account.session().await.map(drop) })
                })
                .collect();
            for waiting in waiting {
                assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::Login);
            }
            assert_eq!(start.elapsed().as_secs(), 180);
            assert_eq!(world.dials()[connected..], [0, 60, 120, 180]);
            assert_eq!(provider.asked(), [First, Refused, First, First, First]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_helps_costs_no_pause_and_the_next_refusal_gets_one_too() {
    within(LIMIT, async {
        let (world, provider) = (World::new(Server::new()), Provider::default());
        let account = world.account_by(provider.config(&world), Policy::default());
        for _ in 0..3 {
            provider.has("expired", world.server.password());
            let inbox = account.mailbox("INBOX").await.unwrap();
            assert_eq!(provider.asked(), [First, Refused]);
            assert!(account.status().now().state.error().is_none());
            drop(inbox);
            sleep(Duration::from_secs(200)).await;
            world.server.disconnect(true);
            sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
}

/// A watch reports it once, goes on by itself, and misses nothing of what came meanwhile.
#[tokio::test(start_paused = true)]
async fn a_watch_that_is_parked_goes_on_with_other_credentials() {
    within(LIMIT, async {
        let (world, provider) = (World::new(Server::new()), Provider::default());
        provider.has(world.server.password(), "");
        let account = world.account_by(provider.config(&world), Policy::default());
        let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store in memory");
        all(&mut changes, QUIET).await;
        provider.has("revoked", "revoked");
        world.server.disconnect(true);
        world.server.deliver("INBOX", "Subject: meanwhile\r\n\r\n");
        let error = loop {
            if let Err(error) = changes.next().await.expect("the account goes on") {
                break error;
            }
        };
        assert_eq!(error.remedy(), Some(Remedy::Credentials), "{error}");
        assert!(matches!(account.status().now().state, AccountState::Parked { .. }));
        let again = timeout(Duration::from_secs(3600), changes.next()).await;
        assert!(again.is_err(), "it is known: {again:?}");
        // Others that are refused as well are worth another word.
        account.credentials_changed();
        let again = timeout(Duration::from_secs(3600), changes.next()).await.expect("within an hour");
        assert!(again.expect("the account goes on").is_err());
        provider.has(world.server.password(), "");
        account.credentials_changed();
        let found = loop {
            match changes.next().await.expect("the account goes on") {
                Ok(change) if change.uid().is_some() => break change,
                _ => {}
            }
        };
        assert_eq!(found.mailbox, "INBOX".into());
    })
    .await;
}

/// Credentials are revoked while a connection lives, so that several are dialled at once: what all
/// of these find out together is one refusal, and the tries that follow are as many as ever.
#[tokio::test(start_paused = true)]
async fn dials_that_are_refused_at_once_count_once() {
    within(LIMIT, async {
        let (world, provider) = (World::new(Server::new()), Provider::default());
        provider.has(world.server.password(), "");
        let account = world.account_by(provider.config(&world), Policy::default());
        let lease = account.session().await.unwrap();
        provider.asked();
        provider.has("revoked", "revoked as well");
        let start = Instant::now();
        let waiting = [account.clone(), account.clone()]
            .map(|account| tokio::spawn(async move { account.session().await.map(drop) }));
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap().unwrap_err().kind(), ErrorKind::Login);
        }
        assert_eq!(provider.asked(), [First, Refused, First, First, First, First], "one refresh for both");
        assert_eq!((start.elapsed().as_secs(), &world.dials()[1..]), (180, &[0, 0, 60, 120, 180][..]));
        drop(lease);
    })
    .await;
}

/// The same where the refresh helps: it is for both of them.
#[tokio::test(start_paused = true)]
async fn dials_that_are_refused_at_once_share_one_refresh() {
    within(LIMIT, async {
        let (world, provider) = (World::new(Server::new()), Provider::default());
        provider.has(world.server.password(), "");
        let account = world.account_by(provider.config(&world), Policy::default());
        let first = account.session().await.unwrap();
        provider.asked();
        provider.has("expired", world.server.password());
        let (start, others) = (Instant::now(), [account.session(), account.session()]);
        let [one, two] = others;
        let (one, two) = tokio::join!(one, two);
        let leases = [one.unwrap(), two.unwrap()];
        assert_eq!(provider.asked(), [First, Refused, First]);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        drop((first, leases));
        // The next time it is fetched again.
        provider.has("expired", "another one");
        world.server.set_password("another one");
        world.server.disconnect(true);
        sleep(Duration::from_secs(1)).await;
        account.session().await.unwrap().noop().await.unwrap();
        assert_eq!(provider.asked(), [First, Refused]);
    })
    .await;
}
