//! Credentials that are asked for: when, why, how often, and what comes of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::types::Code;
use imap_duplex::{Config, CredentialReason, Credentials, ErrorKind, Remedy, Timeouts};

use crate::support::within;
use crate::{LIMIT, TOKEN, clear, failure, server};

type Asked = Arc<Mutex<Vec<(CredentialReason, bool)>>>;

/// Gives these, one after the other, and the last one again; notes why it was asked, and whether
/// with an error.
fn giving(config: Config, given: &[Credentials]) -> (Config, Asked) {
    let asked = Asked::default();
    let (given, notes) = (given.to_vec(), asked.clone());
    let config = config.credentials("alice", move |request| {
        assert_eq!((request.user(), request.host()), ("alice", "localhost"));
        let mut notes = notes.lock().expect("no panic");
        let next = given[notes.len().min(given.len() - 1)].clone();
        notes.push((request.reason(), request.error().is_some()));
        async move { Ok(next) }
    });
    (config, asked)
}

fn reasons(asked: &Asked) -> Vec<(CredentialReason, bool)> {
    asked.lock().expect("no panic").clone()
}

const FIRST: (CredentialReason, bool) = (CredentialReason::First, false);

#[tokio::test(start_paused = true)]
async fn they_are_asked_for_at_each_connect() {
    within(LIMIT, async {
        let server = server();
        let (config, asked) = giving(clear(), &[Credentials::token(TOKEN), Credentials::password("secret")]);
        for _ in 0..3 {
            config.connect_over(server.connect()).await.expect("logged in");
        }
        assert_eq!(reasons(&asked), [FIRST; 3]);
        let ways: Vec<_> = server.received().iter().map(|command| command.line.clone()).collect();
        assert!(ways.iter().any(|line| line.contains("OAUTHBEARER")), "{ways:?}");
        assert!(ways.iter().any(|line| line.contains("SCRAM-SHA-256")), "{ways:?}");
        assert_eq!(config.get_user(), Some("alice"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_renewed_once_on_the_same_connection() {
    within(LIMIT, async {
        let server = server();
        let stale = Credentials::token("ya29.stale-token");
        let (config, asked) = giving(clear(), &[stale.clone(), Credentials::token(TOKEN)]);
        config.connect_over(server.connect()).await.expect("logged in");
        assert_eq!(reasons(&asked), [FIRST, (CredentialReason::Expired, true)]);
        let (config, asked) =
            giving(clear(), &[Credentials::password("hunter2"), Credentials::password("secret")]);
        config.connect_over(server.connect()).await.expect("logged in");
        assert_eq!(reasons(&asked), [FIRST, (CredentialReason::Refused, true)]);
        // A second refusal is final.
        let (config, asked) = giving(clear(), &[stale, Credentials::token("ya29.another-stale-one")]);
        let error = failure(config.connect_over(server.connect()).await);
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Credentials)));
        assert_eq!(reasons(&asked).len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_same_ones_are_not_sent_twice() {
    within(LIMIT, async {
        let server = server();
        let (config, asked) = giving(clear(), &[Credentials::password("hunter2")]);
        let error = failure(config.connect_over(server.connect()).await);
        assert_eq!(error.code(), Some(&Code::AuthenticationFailed));
        assert_eq!(reasons(&asked), [FIRST, (CredentialReason::Refused, true)]);
        let sent = server.received().iter().filter(|command| command.name == "AUTHENTICATE").count();
        assert_eq!(sent, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_something_else_is_wrong_they_are_not_asked_for_again() {
    within(LIMIT, async {
        for code in [Code::Unavailable, Code::Limit, Code::AuthorizationFailed] {
            let server = server();
            server.on("AUTHENTICATE").always().no_with(code.clone(), "no");
            let (config, asked) = giving(clear(), &[Credentials::token(TOKEN)]);
            failure(config.connect_over(server.connect()).await);
            assert_eq!(reasons(&asked), [FIRST], "{code}");
        }
        let server = server();
        server.on("AUTHENTICATE").no_with(Code::Expired, "no");
        let (config, asked) = giving(clear(), &[Credentials::token("old"), Credentials::token(TOKEN)]);
        config.connect_over(server.connect()).await.expect("logged in");
        assert_eq!(reasons(&asked)[1].0, CredentialReason::Expired);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_hangs_up_on_what_it_refuses_is_dialled_again() {
    within(LIMIT, async {
        let server = Server::builder().mechanisms(["XOAUTH2"]).start();
        server.set_token(TOKEN);
        let address = server.listen().await.expect("a port");
        server
            .on("AUTHENTICATE")
            .instead("{tag} NO [AUTHENTICATIONFAILED] no\r\n* BYE bye\r\n")
            .cut_after(60);
        let (config, asked) =
            giving(clear().port(address.port()), &[Credentials::token("old"), Credentials::token(TOKEN)]);
        config.connect().await.unwrap_or_else(|e| panic!("{e:#}"));
        assert_eq!(reasons(&asked), [FIRST, (CredentialReason::Refused, true)]);
        // Where it hangs up each time there is an end.
        let server = Server::builder().mechanisms(["XOAUTH2"]).start();
        server.set_token(TOKEN);
        let address = server.listen().await.expect("a port");
        server.on("AUTHENTICATE").always().instead("{tag} NO no\r\n* BYE bye\r\n").cut_after(20);
        let (config, asked) =
            giving(clear().port(address.port()), &[Credentials::token("old"), Credentials::token(TOKEN)]);
        let error = failure(config.connect().await);
        assert_eq!(reasons(&asked).len(), 2, "{error:#}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_fails_or_hangs_ends_the_connect() {
    within(LIMIT, async {
        let server = server();
        let failing =
            clear().credentials("alice", |_| async { Err("the provider says: invalid_grant".into()) });
        let error = failure(failing.connect_over(server.connect()).await);
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Credentials)));
        assert!(
            format!("{error:#}").contains("alice at localhost were given: the provider says: invalid_grant"),
            "{error:#}"
        );
        let io = clear().credentials("alice", |_| async {
            Err(std::io::Error::from(std::io::ErrorKind::NotConnected))?;
            Ok(Credentials::password("x"))
        });
        let error = failure(io.connect_over(server.connect()).await);
        // It is offline, and no reason to ask anyone for another password.
        assert_eq!((error.remedy(), error.is_transient()), (Some(Remedy::Later { after: None }), true));
        let source = std::error::Error::source(&error).expect("a source");
        assert!(source.downcast_ref::<std::io::Error>().is_some(), "{source:?}");
        let lost = clear().credentials("alice", |_| async {
            Err(std::io::Error::from(std::io::ErrorKind::NotFound))?;
            Ok(Credentials::password("x"))
        });
        let error = failure(lost.connect_over(server.connect()).await);
        assert_eq!(error.remedy(), Some(Remedy::Credentials), "a file that is missing stays so");
        let hanging = clear().credentials("alice", |_| std::future::pending());
        let error = failure(hanging.connect_over(server.connect()).await);
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.to_string().contains("within 60s"), "{error}");
        assert_eq!(server.received().len(), 0, "nothing was sent");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_time_for_fresh_ones_is_none_of_the_logins() {
    within(LIMIT, async {
        let server = server();
        let mut timeouts = Timeouts::default();
        timeouts.login = Duration::from_secs(5);
        let config = clear().timeouts(timeouts).credentials("alice", |request| async move {
            tokio::time::sleep(Duration::from_secs(4)).await;
            let is_first = request.reason() == CredentialReason::First;
            Ok(Credentials::token(if is_first { "old" } else { TOKEN }))
        });
        server.on("AUTHENTICATE").times(2).delay(Duration::from_secs(2));
        config.connect_over(server.connect()).await.expect("each step takes less than its limit");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connect_that_is_dropped_drops_the_callback() {
    within(LIMIT, async {
        let server = server();
        let dropped = Arc::new(());
        let held = dropped.clone();
        let config = clear().credentials("alice", move |_| {
            let held = held.clone();
            async move {
                let () = std::future::pending().await;
                drop(held);
                Ok(Credentials::password("secret"))
            }
        });
        let connecting = config.connect_over(server.connect());
        assert!(tokio::time::timeout(Duration::from_secs(1), connecting).await.is_err());
        drop(config);
        assert_eq!(Arc::strong_count(&dropped), 1);
    })
    .await;
}
