//! Through proxies that are good, and through those that are not.

use std::time::{Duration, Instant};

use imap_duplex::testing::Server;
use imap_duplex::{Config, ErrorKind, Proxy, Timeouts};

use crate::proxy::{Mood, TestProxy};
use crate::support::within;
use crate::{LIMIT, SECRET, account, fails, works};

/// A proxy of either kind in this mood, and how it is used.
async fn both(to: std::net::SocketAddr, mood: Mood) -> [(TestProxy, Proxy); 2] {
    let (socks, http) = (TestProxy::socks(to, mood).await, TestProxy::http(to, mood).await);
    let (as_socks, as_http) = (socks.as_socks(), http.as_http());
    [(socks, as_socks), (http, as_http)]
}

#[tokio::test]
async fn tls_is_between_the_two_ends_whatever_the_proxy() {
    within(LIMIT, async {
        let server = Server::new();
        let tls = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let plain = server.listen().await.expect("a port");
        for (to, starttls) in [(tls, false), (plain, true)] {
            for (proxy, used) in both(to, Mood::Good).await {
                for config in account(&server, "localhost") {
                    let config = if starttls { config.starttls() } else { config };
                    works(&config.port(4711).proxy(used.clone())).await;
                }
                // The name is the proxy's to resolve.
                assert_eq!(proxy.asked(), ["localhost:4711", "localhost:4711"]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_user_and_a_password_go_to_the_proxy_that_asks_for_them() {
    within(LIMIT, async {
        let server = Server::new();
        let to = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let [config, _] = account(&server, "localhost");
        for (_proxy, used) in both(to, Mood::Private).await {
            works(&config.clone().proxy(used.clone().login("user", SECRET))).await;
            for used in [used.clone(), used.login("other", SECRET)] {
                let named = used.user().is_some();
                let error = fails(&config.clone().proxy(used)).await;
                assert_eq!(error.kind(), ErrorKind::Connect, "{error:#}");
                let hint = error.hint().expect("what to do");
                assert!(hint.contains("user and the password that the proxy wants"), "{hint}");
                assert!(!named || error.to_string().contains("does not accept user and password"), "{error}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_proxy_that_hangs_or_hangs_up_is_named_with_the_limit() {
    within(LIMIT, async {
        let server = Server::new();
        let to = server.listen().await.expect("a port");
        let mut timeouts = Timeouts::default();
        timeouts.dial = Duration::from_millis(300);
        let config = Config::new("imap.test").timeouts(timeouts).login("alice", SECRET);
        for step in 0..5 {
            for (_proxy, used) in both(to, Mood::Hangs(step)).await {
                let http = used.to_string().starts_with("http");
                if http && step > 2 {
                    continue;
                }
                let begun = Instant::now();
                let error = fails(&config.clone().proxy(used.clone())).await;
                assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
                assert_eq!(error.kind(), ErrorKind::Timeout, "{error:#}");
                let text = format!("the proxy {used} has not connected to imap.test port 993 within 300ms");
                assert_eq!(error.to_string(), text);
            }
            for (_proxy, used) in both(to, Mood::HangsUp(step)).await {
                if used.to_string().starts_with("http") && step > 2 {
                    continue;
                }
                let error = fails(&config.clone().proxy(used.clone())).await;
                assert_eq!(error.kind(), ErrorKind::Connect, "{error:#}");
                assert!(error.to_string().starts_with(&format!("the proxy {used} ")), "{error:#}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_proxy_answers_is_said_without_secrets() {
    within(LIMIT, async {
        let server = Server::new();
        let to = server.listen().await.expect("a port");
        let config = Config::new("imap.test").login("alice", SECRET);
        for (mood, socks_says, http_says) in [
            (Mood::Foreign, "does not speak SOCKS 5", "does not speak HTTP"),
            (Mood::Refuses(2), "can't connect", ""),
            (Mood::Refuses(5), "can't connect", ""),
            (Mood::Refuses(403), "", "answers 403 Not That Port"),
            (Mood::Refuses(502), "", "answers 502 Not That Port"),
            (Mood::Repeats, "", "answers 403"),
            (Mood::Endless, "", "failed before it had connected"),
        ] {
            for ((_proxy, used), says) in both(to, mood).await.into_iter().zip([socks_says, http_says]) {
                if says.is_empty() {
                    continue;
                }
                let used = if mood == Mood::Repeats { used.login("user", SECRET) } else { used };
                let error = fails(&config.clone().proxy(used)).await;
                assert_eq!(error.kind(), ErrorKind::Connect, "{mood:?}: {error:#}");
                assert!(error.to_string().contains(says), "{mood:?}: {error:#}");
                assert!(!format!("{error:#}").contains("dXNlcjpodW50ZXIy"), "{error:#}");
                assert!(error.hint().is_some(), "{error}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_proxys_localhost_is_not_this_machine() {
    within(LIMIT, async {
        let server = Server::new();
        let to = server.listen().await.expect("a port");
        for (_proxy, used) in both(to, Mood::Good).await {
            let config = Config::new("localhost").plaintext().login(server.user(), server.password());
            let error = fails(&config.clone().proxy(used.clone())).await;
            assert_eq!(error.kind(), ErrorKind::Insecure, "{error:#}");
            works(&config.allow_plaintext_login(true).proxy(used)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_what_the_error_is_about() {
    within(LIMIT, async {
        let config = Config::new("imap.test").login("alice", SECRET).proxy(Proxy::http("127.0.0.1", 1));
        let error = fails(&config).await;
        assert_eq!(error.kind(), ErrorKind::Connect, "{error:#}");
        let text = "no connection to the proxy 127.0.0.1 port 1: refused, nothing listens there";
        assert_eq!(error.to_string(), text);
        let proxy = Proxy::http("127.0.0.1", 1).login("a:b", SECRET);
        assert!(!format!("{proxy:?} {proxy}").contains(SECRET));
    })
    .await;
}
