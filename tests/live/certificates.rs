//! Each TLS library against a server that asks its clients for a certificate, by TLS 1.2 and 1.3.

use std::fs;
use std::sync::Arc;

use async_native_tls::{Protocol, TlsConnector};
use imap_duplex::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use imap_duplex::rustls::{ClientConfig, RootCertStore, crypto::ring, version};
use imap_duplex::{ClientCertificate, Config, ErrorKind, TlsBackend, async_native_tls};

use crate::account::LIMIT;
use crate::client::Events;
use crate::server::{Options, Server};
use crate::support::certificate::{self, Certificates};
use crate::support::{PASSWORD, within};

/// Logs in, asks something, logs out.
async fn works(config: &Config) {
    let (imap, receiver) = config.connect().await.unwrap_or_else(|error| panic!("{error:#}"));
    let mut events = Events::strict(receiver);
    assert!(imap.list("*").await.expect("LIST").len() >= 4);
    imap.logout().await.expect("LOGOUT");
    events.end().await;
}

/// A server that allows no login without a certificate of this authority.
fn server(client: &Certificates) -> (Server, tempfile::NamedTempFile) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), &client.authority).expect("it can be written");
    let extra = format!(
        "ssl_ca = <{}\nssl_verify_client_cert = yes\nssl_require_crl = no\nauth_ssl_require_client_cert = yes\n",
        file.path().display()
    );
    (Server::with(&Options { extra, ..Options::default() }), file)
}

#[tokio::test]
async fn a_client_with_a_certificate_gets_in_and_one_without_does_not() {
    within(LIMIT, async {
        let client = certificate::client("alice");
        let (server, _authority) = server(&client);
        let implicit = Config::new("localhost").port(server.tls_addr().port());
        let explicit = Config::new("localhost").port(server.plain_addr().port()).starttls();
        for backend in [TlsBackend::Rustls, TlsBackend::Native] {
            for config in [&implicit, &explicit] {
                let config = config.clone().tls_backend(backend).login("alice", PASSWORD);
                let config = config.trust_certificate(server.authority());
                let error = config.connect().await.map(drop).expect_err("a certificate is asked for");
                assert_eq!(error.kind(), ErrorKind::Login, "{error:#}");
                let certificate = ClientCertificate::new(client.server.clone(), client.key.clone());
                works(&config.client_certificate(certificate)).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn by_either_version_with_a_set_up_of_ones_own() {
    within(LIMIT, async {
        let server = Server::start();
        let localhost = Config::new("localhost").port(server.tls_addr().port()).login("alice", PASSWORD);
        let authority = CertificateDer::from_pem_slice(&server.authority()).expect("a certificate");
        for (version, protocol) in [(&version::TLS12, Protocol::Tlsv12), (&version::TLS13, Protocol::Tlsv13)]
        {
            let mut roots = RootCertStore::empty();
            roots.add(authority.clone()).expect("an authority");
            let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_protocol_versions(&[version])
                .expect("a version that ring has")
                .with_root_certificates(roots)
                .with_no_client_auth();
            works(&localhost.clone().rustls(Arc::new(tls))).await;
            let root = async_native_tls::Certificate::from_der(&authority).expect("a certificate");
            let tls = TlsConnector::new()
                .min_protocol_version(Some(protocol))
                .max_protocol_version(Some(protocol))
                .add_root_certificate(root);
            works(&localhost.clone().native_tls(tls)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_key_may_be_in_any_usual_form_for_rustls() {
    within(LIMIT, async {
        let client = certificate::client("alice");
        let (server, _authority) = server(&client);
        let config = Config::new("localhost").port(server.tls_addr().port()).login("alice", PASSWORD);
        let config = config.trust_certificate(server.authority());
        let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).expect("a key");
        let chain = CertificateDer::from_pem_slice(client.server.as_bytes()).expect("a certificate");
        let certificate = ClientCertificate::new(chain.to_vec(), key.secret_der());
        works(&config.client_certificate(certificate)).await;
    })
    .await;
}
