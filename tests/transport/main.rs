//! The ways to a server: through proxies, by Unix sockets, over streams that are there already; and
//! what becomes of a peer that hangs, hangs up or misbehaves in each phase of connecting.
#![cfg(all(feature = "compress", feature = "native-tls", feature = "proxy", feature = "rustls"))]

#[path = "../support/mod.rs"]
mod support;

mod compress;
mod phases;
mod proxies;
mod proxy;
mod ways;

use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::{Config, Error, TlsBackend};

const LIMIT: Duration = Duration::from_secs(60);

/// Who logs in to this server, and whom it trusts; with either TLS library.
fn account(server: &Server, host: &str) -> [Config; 2] {
    let authority = server.certificate().expect("it has one").pem().to_owned();
    [TlsBackend::Rustls, TlsBackend::Native].map(|backend| {
        let config = Config::new(host).tls_backend(backend).login(server.user(), server.password());
        config.trust_certificate(authority.clone())
    })
}

/// Logs in, asks something, logs out.
async fn works(config: &Config) {
    let (imap, _events) = config.connect().await.unwrap_or_else(|error| panic!("{error:#}"));
    imap.noop().await.expect("NOOP");
    imap.logout().await.expect("LOGOUT");
}

/// Why there is no connection.
async fn fails(config: &Config) -> Error {
    let error = config.connect().await.map(drop).expect_err("it must fail");
    let text = format!("{error:#} {error:?} {config:?}");
    assert!(!text.contains(SECRET), "{text}");
    error
}

/// A password that must not be shown.
const SECRET: &str = "hunter2";
