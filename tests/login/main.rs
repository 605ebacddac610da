//! Getting in by each mechanism: at the embedded server, at a peer that the tests script, and with
//! another implementation at the embedded server. Dovecot is in `tests/live/mechanisms.rs`.

#[path = "../support/mod.rs"]
mod support;

mod another;
mod own;
mod provider;
mod refused;
mod scripted;
mod secrets;

use std::time::Duration;

use imap_duplex::testing::{MECHANISMS, Quirk, Server};
use imap_duplex::types::Code;
use imap_duplex::{Config, Error, ErrorKind, Mechanism, Receiver, Remedy, Result, Sender};
use support::within;

/// How long a test may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

pub(crate) const TOKEN: &str = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";

/// A server with all mechanisms, and a user who has a password and a token.
pub(crate) fn server() -> Server {
    let server = Server::builder().mechanisms(MECHANISMS.iter().copied()).external_user("alice").start();
    server.set_token(TOKEN);
    server
}

/// In clear text, in memory.
pub(crate) fn clear() -> Config {
    Config::new("localhost").plaintext().auto_idle(false)
}

/// With what the mechanism wants.
fn with(config: Config, mechanism: Mechanism, server: &Server) -> Config {
    let config = match mechanism {
        Mechanism::OauthBearer | Mechanism::Xoauth2 => config.token(server.user(), TOKEN),
        Mechanism::External => config.external(None),
        Mechanism::Anonymous => config.anonymous("guest@example.com"),
        _ => config.login(server.user(), server.password()),
    };
    config.mechanism(mechanism)
}

/// How clients have logged in so far.
pub(crate) fn ways(server: &Server) -> Vec<String> {
    let received = server.received();
    let all = received.iter().filter(|command| ["LOGIN", "AUTHENTICATE"].contains(&&*command.name));
    all.map(|command| command.line.trim_end_matches(" …").to_owned()).collect()
}

pub(crate) fn name_of(way: &str) -> &str {
    way.strip_prefix("AUTHENTICATE ").unwrap_or(way)
}

pub(crate) fn failure(end: Result<(Sender, Receiver)>) -> Error {
    end.map(drop).expect_err("it can't succeed")
}

#[tokio::test(start_paused = true)]
async fn each_mechanism_logs_in_with_and_without_an_initial_response() {
    within(LIMIT, async {
        for quirk in [None, Some(Quirk::RefusesInitialResponse)] {
            let builder = Server::builder().mechanisms(MECHANISMS.iter().copied()).external_user("alice");
            let server = quirk.into_iter().fold(builder, |builder, quirk| builder.quirk(quirk)).start();
            server.set_token(TOKEN);
            for name in MECHANISMS.iter().filter(|name| !name.ends_with("-PLUS")) {
                let mechanism: Mechanism = name.parse().expect("it has a name");
                let (imap, _events) = with(clear(), mechanism, &server)
                    .connect_over(server.connect())
                    .await
                    .unwrap_or_else(|e| panic!("{name}, {quirk:?}: {e:#}"));
                let user = server.sessions().iter().find_map(|session| session.user());
                let wanted = if mechanism == Mechanism::Anonymous { "anonymous" } else { "alice" };
                assert_eq!(user.as_deref(), Some(wanted), "{name}");
                imap.logout().await.expect("goodbye");
                let ways = ways(&server);
                assert_eq!(ways.last().map(|way| name_of(way)), Some(*name));
                while !server.sessions().is_empty() {
                    tokio::task::yield_now().await;
                }
            }
        }
    })
    .await;
}

/// An authorization identity, by each mechanism that has one; where none has, nothing is sent.
#[tokio::test(start_paused = true)]
async fn a_master_user_acts_as_another() {
    within(LIMIT, async {
        let server = Server::builder()
            .mechanisms(MECHANISMS.iter().copied())
            .external_user("alice")
            .user("alice", "secret")
            .user("bob,=", "other")
            .master_user("alice")
            .start();
        server.set_token(TOKEN);
        let acting = async |name: &str, as_whom: &str| {
            let mechanism: Mechanism = name.parse().expect("it has a name");
            with(clear(), mechanism, &server).act_as(as_whom).connect_over(server.connect()).await
        };
        for name in ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "OAUTHBEARER", "EXTERNAL"] {
            for whom in ["bob,=", "alice", ""] {
                let (imap, _events) = acting(name, whom).await.unwrap_or_else(|e| panic!("{name}: {e:#}"));
                let user = server.sessions().iter().find_map(|session| session.user());
                assert_eq!(user.as_deref(), Some(if whom.is_empty() { "alice" } else { whom }), "{name}");
                imap.logout().await.expect("goodbye");
                while !server.sessions().is_empty() {
                    tokio::task::yield_now().await;
                }
            }
            let error = failure(acting(name, "carol").await);
            assert!(matches!(error.code(), Some(Code::AuthorizationFailed)), "{name}: {error:#}");
        }
        let sent = ways(&server).len();
        for name in ["LOGIN", "XOAUTH2", "ANONYMOUS"] {
            let error = failure(acting(name, "bob,=").await);
            assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Setup)), "{name}");
            assert!(error.to_string().contains("act as another"), "{name}: {error:#}");
        }
        assert_eq!(ways(&server).len(), sent);
        // Who is no master may not.
        let bob = clear().login("bob,=", "other").act_as("alice").connect_over(server.connect()).await;
        assert!(matches!(failure(bob).code(), Some(Code::AuthorizationFailed)));
    })
    .await;
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn over_tls_scram_is_bound_to_the_connection() {
    within(LIMIT, async {
        let server = server();
        let tls = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let clear = server.listen().await.expect("a port");
        let trust = server.certificate().expect("made").pem().to_owned();
        let config = || Config::new("localhost").trust_certificate(trust.clone()).auto_idle(false);
        let all = [
            config().port(tls.port()),
            config().port(clear.port()).starttls(),
            // It binds by the server's certificate.
            #[cfg(feature = "native-tls")]
            config().port(tls.port()).tls_backend(imap_duplex::TlsBackend::Native),
        ];
        for config in all {
            let (imap, _events) = config
                .clone()
                .login(server.user(), server.password())
                .connect()
                .await
                .expect("by the strongest there is");
            assert_eq!(
                ways(&server).last().map(|way| name_of(way).to_owned()).as_deref(),
                Some("SCRAM-SHA-256-PLUS")
            );
            drop(imap);
            for mechanism in
                ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]
            {
                let named = with(config.clone(), mechanism.parse().expect("a name"), &server);
                let (imap, _events) = named.connect().await.unwrap_or_else(|e| panic!("{mechanism}: {e:#}"));
                assert_eq!(
                    ways(&server).last().map(|way| name_of(way).to_owned()).as_deref(),
                    Some(mechanism)
                );
                drop(imap);
            }
        }
    })
    .await;
}

#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_server_that_knows_another_binding_is_logged_in_to_without() {
    within(LIMIT, async {
        let builder = Server::builder().mechanisms(MECHANISMS.iter().copied());
        let server = builder.quirk(Quirk::OnlyTlsUnique).start();
        let tls = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let trust = server.certificate().expect("made").pem().to_owned();
        let config = Config::new("localhost").trust_certificate(trust).port(tls.port());
        let config = config.login(server.user(), server.password());
        config.connect().await.unwrap_or_else(|e| panic!("{e:#}"));
        let ways: Vec<_> = ways(&server).iter().map(|way| name_of(way).to_owned()).collect();
        assert_eq!(ways, ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]);
        let error = failure(config.mechanism(Mechanism::ScramSha256Plus).connect().await);
        assert_eq!(error.kind(), ErrorKind::Login, "what is named is used or nothing: {error:#}");
    })
    .await;
}

/// Someone on the way decrypts, and has a certificate that is trusted.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn someone_who_decrypts_on_the_way_is_noticed() {
    use std::sync::Arc;

    use tokio::net::{TcpListener, TcpStream};
    use tokio_rustls::rustls::crypto::ring::default_provider;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    within(LIMIT, async {
        let server = server();
        let far = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let own = support::certificate::make(&["localhost"]);
        let chain = vec![CertificateDer::from_pem_slice(own.server.as_bytes()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(own.key.as_bytes()).expect("a key");
        let provider = || Arc::new(default_provider());
        let accept = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .expect("a set-up");
        let mut roots = RootCertStore::empty();
        roots.add(server.certificate().expect("made").der().to_vec().into()).expect("an authority");
        let connect = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (accept, connect) = (TlsAcceptor::from(Arc::new(accept)), TlsConnector::from(Arc::new(connect)));
        let near = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = near.local_addr().expect("it has one").port();
        tokio::spawn(async move {
            while let Ok((client, _)) = near.accept().await {
                let (accept, connect) = (accept.clone(), connect.clone());
                tokio::spawn(async move {
                    let mut client = accept.accept(client).await.expect("the client trusts it");
                    let server = TcpStream::connect(far).await.expect("it listens");
                    let mut server =
                        connect.connect("localhost".try_into().expect("a name"), server).await.expect("TLS");
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
        let config = Config::new("localhost").port(port).trust_certificate(own.authority);
        let config = config.login(server.user(), server.password());
        let error = failure(config.clone().connect().await);
        assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Setup)), "{error:#}");
        assert!(format!("{error:#}").contains("someone decrypts the connection"), "{error:#}");
        assert_eq!(ways(&server).len(), 1, "nothing weaker is tried");
        config.mechanism(Mechanism::Plain).connect().await.expect("that is not bound to anything");
    })
    .await;
}

/// Someone has taken the names with -PLUS out of the server's list.
#[cfg(feature = "rustls")]
#[tokio::test]
async fn a_list_that_was_changed_on_the_way_is_noticed() {
    within(LIMIT, async {
        let server = server();
        let tls = server.listen_tls(([127, 0, 0, 1], 0)).await.expect("a port");
        let trust = server.certificate().expect("made").pem().to_owned();
        server.claim(Some(vec!["IMAP4rev1", "SASL-IR", "AUTH=SCRAM-SHA-256"]));
        let config = Config::new("localhost").trust_certificate(trust).port(tls.port());
        let config = config.login(server.user(), server.password());
        let error = failure(config.clone().mechanism(Mechanism::ScramSha256).connect().await);
        assert_eq!(error.kind(), ErrorKind::Login);
        assert!(error.to_string().contains("server-does-support-channel-binding"), "{error}");
        assert_eq!(error.remedy(), Some(Remedy::Setup));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_strongest_that_both_sides_have_is_used() {
    within(LIMIT, async {
        for (offered, used) in [
            (
                &["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2"][..],
                "AUTHENTICATE SCRAM-SHA-256",
            ),
            (&["PLAIN", "LOGIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], "AUTHENTICATE SCRAM-SHA-1"),
            (&["LOGIN", "PLAIN"], "AUTHENTICATE PLAIN"),
            (&["LOGIN", "XOAUTH2"], "AUTHENTICATE LOGIN"),
            (&["XOAUTH2"], "LOGIN"),
        ] {
            let server = Server::builder().mechanisms(offered.iter().copied()).start();
            let config = clear().login(server.user(), server.password());
            config.connect_over(server.connect()).await.unwrap_or_else(|e| panic!("{offered:?}: {e:#}"));
            assert_eq!(ways(&server), [used], "{offered:?}");
        }
        for (offered, used) in
            [(&["PLAIN", "XOAUTH2", "OAUTHBEARER"][..], "OAUTHBEARER"), (&["PLAIN", "XOAUTH2"], "XOAUTH2")]
        {
            let server = Server::builder().mechanisms(offered.iter().copied()).start();
            server.set_token(TOKEN);
            let config = clear().token(server.user(), TOKEN);
            config.connect_over(server.connect()).await.unwrap_or_else(|e| panic!("{offered:?}: {e:#}"));
            assert_eq!(ways(&server).iter().map(|way| name_of(way)).collect::<Vec<_>>(), [used]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn names_and_passwords_of_any_characters() {
    within(LIMIT, async {
        for (user, password) in [
            ("alice", "quo\"te back\\slash späce {5} %"),
            ("a,b=c", "comma, equals="),
            ("grün@example.org", "gru\u{308}n"),
            ("alice", "🐎 und \u{ad}mehr"),
            ("alice", "\u{7}\u{1f}"),
        ] {
            let server =
                Server::builder().mechanisms(MECHANISMS.iter().copied()).user(user, password).start();
            for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"] {
                let config = clear().login(user, password).mechanism(mechanism.parse::<Mechanism>().unwrap());
                let end = config.connect_over(server.connect()).await;
                end.unwrap_or_else(|e| panic!("{user} {password:?} {mechanism}: {e:#}"));
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_refused_once_whatever_the_mechanism() {
    within(LIMIT, async {
        let server = server();
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"] {
            let before = ways(&server).len();
            let config = clear().login("alice", "hunter2").mechanism(mechanism.parse::<Mechanism>().unwrap());
            let error = failure(config.connect_over(server.connect()).await);
            assert_eq!(error.kind(), ErrorKind::Login, "{mechanism}: {error}");
            assert_eq!(error.code().map(|code| code.name()), Some("AUTHENTICATIONFAILED"), "{error}");
            assert_eq!(error.remedy(), Some(Remedy::Credentials));
            assert_eq!(ways(&server).len(), before + 1, "{mechanism}");
        }
        let before = ways(&server).len();
        let error = failure(clear().login("alice", "hunter2").connect_over(server.connect()).await);
        assert_eq!(error.remedy(), Some(Remedy::Credentials));
        assert_eq!(ways(&server).len(), before + 1, "no other way is tried with what was wrong");
        assert!(error.to_string().contains("invalid-proof"), "{error}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_forges_its_signature_is_found_out() {
    within(LIMIT, async {
        for mechanism in [Mechanism::ScramSha256, Mechanism::ScramSha1] {
            let builder = Server::builder().mechanisms(MECHANISMS.iter().copied());
            let server = builder.quirk(Quirk::ForgedSignature).start();
            let config = clear().login(server.user(), server.password()).mechanism(mechanism);
            let error = failure(config.connect_over(server.connect()).await);
            assert_eq!((error.kind(), error.remedy()), (ErrorKind::Login, Some(Remedy::Setup)));
            assert!(error.to_string().contains("has not shown that it knows the password"), "{error}");
        }
    })
    .await;
}
