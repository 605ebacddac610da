//! Self-signed certificates, as `openssl req -x509` makes them: an authority's, used by a server.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion, version};

use super::*;

struct SelfSigned {
    der: Vec<u8>,
    pem: String,
    key: KeyPair,
}

/// An authority's certificate for this name, from the beginning of one year to that of another.
fn self_signed(name: &str, years: (i32, i32)) -> SelfSigned {
    signed_by(KeyPair::generate().unwrap(), name, years)
}

fn signed_by(key: KeyPair, name: &str, (from, to): (i32, i32)) -> SelfSigned {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    let certificate = params.self_signed(&key).unwrap();
    SelfSigned { der: certificate.der().to_vec(), pem: certificate.pem(), key }
}

const NOW: (i32, i32) = (2020, 2120);

/// The result of a connection to `localhost`, with `server` as the address and `trusted` as the
/// trusted certificate.
async fn connect(server: &SelfSigned, key: &KeyPair, trusted: &str) -> Result<()> {
    connect_by(&[&version::TLS13], server, key, trusted).await
}

async fn connect_by(
    versions: &[&'static SupportedProtocolVersion],
    server: &SelfSigned,
    key: &KeyPair,
    trusted: &str,
) -> Result<()> {
    let provider = Arc::new(ring::default_provider());
    let signer = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = provider.key_provider.load_private_key(signer).unwrap();
    // Whatever the key: an impostor's server has another key than the certificate's.
    let chain = vec![CertificateDer::from(server.der.clone())];
    let certified = Arc::new(rustls::sign::CertifiedKey::new(chain, signer));
    let tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
    let (near, far) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(async move { TlsAcceptor::from(Arc::new(tls)).accept(far).await.is_ok() });
    let config = Config::new("localhost").trust_certificate(trusted.to_owned());
    let wrapped = wrap(&config, Box::new(near)).await.map(drop);
    serving.await.unwrap();
    wrapped
}

/// The kind of the failure, and the texts of its whole chain.
async fn refused(server: &SelfSigned, trusted: &str) -> String {
    let error = connect(server, &server.key, trusted).await.expect_err("it must not be taken");
    assert_eq!(error.kind(), ErrorKind::Certificate, "{error:?}");
    format!("{error}")
}

#[tokio::test]
async fn an_authoritys_certificate_that_is_itself_trusted_is_a_servers() {
    let server = self_signed("localhost", NOW);
    for versions in [[&version::TLS13], [&version::TLS12]] {
        connect_by(&versions, &server, &server.key, &server.pem).await.expect("it is the trusted one");
    }
    let others = format!("{}{}", self_signed("elsewhere.example", NOW).pem, server.pem);
    connect(&server, &server.key, &others).await.expect("one of several");
}

#[tokio::test]
async fn its_name_and_its_dates_count_all_the_same() {
    let elsewhere = self_signed("elsewhere.example", NOW);
    let why = refused(&elsewhere, &elsewhere.pem).await;
    assert!(why.contains("another name"), "{why}");
    let old = self_signed("localhost", (2019, 2020));
    let why = refused(&old, &old.pem).await;
    assert!(why.contains("expired"), "{why}");
    let future = self_signed("localhost", (2120, 2121));
    let why = refused(&future, &future.pem).await;
    assert!(why.contains("not valid yet"), "{why}");
}

#[tokio::test]
async fn another_of_the_same_name_is_not_it() {
    let server = self_signed("localhost", NOW);
    let other = self_signed("localhost", NOW);
    refused(&other, &server.pem).await;
    // Of the same name and the same key, and yet not what is trusted.
    let renewed = signed_by(server.key, "localhost", (2021, 2120));
    refused(&renewed, &server.pem).await;
}

#[tokio::test]
async fn a_byte_more_or_less_is_another() {
    let server = self_signed("localhost", NOW);
    for at in [server.der.len() - 1, server.der.len() / 2, 4] {
        let mut der = server.der.clone();
        der[at] ^= 1;
        let altered = SelfSigned { der, pem: String::new(), key: KeyPair::generate().unwrap() };
        let error = connect(&altered, &server.key, &server.pem).await.expect_err("it is another");
        assert!(matches!(error.kind(), ErrorKind::Certificate | ErrorKind::Tls), "{error:?}");
    }
}

#[tokio::test]
async fn a_copy_is_worth_nothing_without_its_key() {
    let server = self_signed("localhost", NOW);
    let stolen = KeyPair::generate().unwrap();
    for versions in [[&version::TLS13], [&version::TLS12]] {
        connect_by(&versions, &server, &stolen, &server.pem).await.expect_err("signed by another key");
    }
}
