//! TLS to PostgreSQL and NATS: used where the server offers it, and only with a certificate that is
//! trusted.
#![allow(missing_docs)]

mod support;

use imap_duplex_fleet::services::{Nats, Postgres};
use imap_duplex_fleet::worker::pool;
use imap_duplex_fleet::{EventStream, FleetConfig, Result};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use support::within;

/// An authority as PEM, and a certificate and key of `host` by it.
fn certificates(host: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&authority_key).expect("signed");
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new([host.to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("signed");
    (authority.pem(), certificate.pem(), key.serialize_pem())
}

/// Whether a connection of this set-up is by TLS, as PostgreSQL sees it.
async fn is_encrypted(config: &FleetConfig) -> Result<bool> {
    let client = pool(config)?.get().await?;
    let statement = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
    Ok(client.query_one(statement, &[]).await?.get(0))
}

#[tokio::test]
async fn a_certificate_is_checked() {
    within(60, async {
        let (authority, certificate, key) = certificates("127.0.0.1");
        let postgres = Postgres::start_with_tls(&certificate, &key).expect("PostgreSQL");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, authority).expect("written");
        let mut config = FleetConfig::default();
        config.database = postgres.url();
        let refused = is_encrypted(&config).await.expect_err("of no authority of the system").to_string();
        assert!(refused.contains("certificate") && refused.contains("database_ca"), "{refused}");
        config.database_ca = Some(file);
        assert!(is_encrypted(&config).await.expect("trusted"));
        config.database = format!("{}?sslmode=require", postgres.url());
        assert!(is_encrypted(&config).await.expect("trusted"));
        // By another name than it has.
        config.database = postgres.url().replace("127.0.0.1", "localhost");
        assert!(is_encrypted(&config).await.is_err());
        config.database = format!("{}?sslmode=disable", postgres.url());
        assert!(!is_encrypted(&config).await.expect("without"));
    })
    .await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    within(60, async {
        let postgres = Postgres::start().expect("PostgreSQL");
        let mut config = FleetConfig::default();
        config.database = postgres.url();
        assert!(!is_encrypted(&config).await.expect("as it is by default"));
        config.database = format!("{}?sslmode=require", postgres.url());
        let refused = is_encrypted(&config).await.expect_err("no TLS").to_string();
        assert!(refused.contains("TLS"), "{refused}");
    })
    .await;
}

#[test]
fn a_file_without_certificates_is_refused_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "nothing").expect("written");
    let mut config = FleetConfig::default();
    config.database_ca = Some(file);
    let refused = pool(&config).expect_err("no certificate").to_string();
    assert!(refused.contains("empty.pem"), "{refused}");
}

#[tokio::test]
async fn nats_is_spoken_to_by_tls_and_its_certificate_is_checked() {
    within(60, async {
        let (authority, certificate, key) = certificates("127.0.0.1");
        let nats = Nats::start_with_tls(&certificate, &key).expect("NATS");
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, authority).expect("written");
        let mut config = FleetConfig::default();
        config.nats = nats.url().replace("nats://", "tls://");
        let refused =
            EventStream::open(&config).await.expect_err("of no authority of the system").to_string();
        assert!(refused.contains("certificate"), "{refused}");
        config.nats_ca = Some(file);
        EventStream::open(&config).await.expect("trusted");
    })
    .await;
}
