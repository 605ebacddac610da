//! Each backend against servers of these tests' own: self-signed certificates, as `openssl req
//! -x509` makes them (an authority's, used by a server), and those of an authority; certificates of
//! clients; what a server's alerts mean.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig, SupportedProtocolVersion, version};

use super::*;
use crate::ClientCertificate;

static V13: &[&SupportedProtocolVersion] = &[&version::TLS13];
static V12: &[&SupportedProtocolVersion] = &[&version::TLS12];
const BOTH: [TlsBackend; 2] = [TlsBackend::Rustls, TlsBackend::Native];

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

/// A server, and how it speaks TLS.
#[derive(Clone)]
struct Served {
    chain: Vec<Vec<u8>>,
    key: Vec<u8>,
    versions: &'static [&'static SupportedProtocolVersion],
    /// The authority of clients that have to identify themselves.
    clients: Option<Vec<u8>>,
    /// The ALPN names that it takes.
    alpn: Vec<Vec<u8>>,
}

impl Served {
    fn new(server: &SelfSigned, key: &KeyPair) -> Self {
        let (chain, key) = (vec![server.der.clone()], key.serialize_der());
        Self { chain, key, versions: V13, clients: None, alpn: Vec::new() }
    }

    fn config(&self) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let signer = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let signer = provider.key_provider.load_private_key(signer).unwrap();
        // Whatever the key: an impostor's server has another key than the certificate's.
        let chain = self.chain.iter().cloned().map(CertificateDer::from).collect();
        let certified = Arc::new(rustls::sign::CertifiedKey::new(chain, signer));
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let builder = builder.with_protocol_versions(self.versions).unwrap();
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from(authority.clone())).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config =
            builder.with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)));
        config.alpn_protocols = self.alpn.clone();
        config
    }
}

/// What a server has seen of a client.
#[derive(Debug, Default)]
struct Met {
    exporter: Option<[u8; 32]>,
    alpn: Option<Vec<u8>>,
    client: Option<Vec<u8>>,
}

/// Connects to `localhost`, where this server is, and reads its greeting: what binds a login to the
/// connection, and what the server has seen.
async fn meet(config: &Config, served: &Served) -> Result<(Option<ChannelBinding>, Met)> {
    let acceptor = TlsAcceptor::from(Arc::new(served.config()));
    let (near, far) = tokio::io::duplex(1 << 16);
    let serving = tokio::spawn(async move {
        let mut stream = acceptor.accept(far).await.ok()?;
        let (_, session) = stream.get_ref();
        let label = b"EXPORTER-Channel-Binding";
        let met = Met {
            exporter: session.export_keying_material([0; 32], label, Some(b"")).ok(),
            alpn: session.alpn_protocol().map(<[u8]>::to_vec),
            client: session.peer_certificates().map(|chain| chain[0].to_vec()),
        };
        stream.write_all(b"* OK").await.ok()?;
        let mut end = Vec::new();
        let _ = stream.read_to_end(&mut end).await;
        Some(met)
    });
    let mut secured = match wrap(config, Box::new(near)).await {
        Ok(secured) => secured,
        Err(error) => {
            serving.await.unwrap();
            return Err(error);
        }
    };
    let binding = secured.channel_binding().cloned();
    let mut greeting = [0; 4];
    if let Err(error) = secured.io.read_exact(&mut greeting).await {
        let text = error.to_string();
        let error = Error::new(ErrorKind::Closed, "closed").because(error);
        return Err(about_client_certificates(error, &text, config.has_client_certificate()));
    }
    assert_eq!(&greeting, b"* OK");
    drop(secured);
    Ok((binding, serving.await.unwrap().expect("it has greeted")))
}

fn trusting(backend: TlsBackend, pem: &str) -> Config {
    Config::new("localhost").tls_backend(backend).trust_certificate(pem.to_owned())
}

async fn connect(backend: TlsBackend, server: &SelfSigned, key: &KeyPair, trusted: &str) -> Result<()> {
    meet(&trusting(backend, trusted), &Served::new(server, key)).await.map(drop)
}

/// The text of the refusal of a certificate.
async fn refused(backend: TlsBackend, server: &SelfSigned, trusted: &str) -> String {
    let error = connect(backend, server, &server.key, trusted).await.expect_err("it must not be taken");
    assert_eq!(error.kind(), ErrorKind::Certificate, "{backend:?}: {error:?}");
    assert!(error.hint().is_some() && std::error::Error::source(&error).is_some(), "{error:?}");
    format!("{error}")
}

#[tokio::test]
async fn an_authoritys_certificate_that_is_itself_trusted_is_a_servers() {
    let server = self_signed("localhost", NOW);
    for backend in BOTH {
        for versions in [V13, V12] {
            let served = Served { versions, ..Served::new(&server, &server.key) };
            meet(&trusting(backend, &server.pem), &served).await.expect("it is the trusted one");
        }
        let others = format!("{}{}", self_signed("elsewhere.example", NOW).pem, server.pem);
        connect(backend, &server, &server.key, &others).await.expect("one of several");
        let config = Config::new("localhost").tls_backend(backend).trust_certificate(server.der.clone());
        meet(&config, &Served::new(&server, &server.key)).await.expect("in DER form");
    }
}

#[tokio::test]
async fn errors_say_what_was_expected_and_what_was_seen() {
    let elsewhere = self_signed("elsewhere.example", NOW);
    let old = self_signed("localhost", (2019, 2020));
    let future = self_signed("localhost", (2120, 2121));
    let (_, pem, key) = client("somebody");
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec();
    let issued = SelfSigned { der, pem, key };
    for backend in BOTH {
        let why = refused(backend, &elsewhere, &elsewhere.pem).await;
        assert!(why.contains("for another name") && why.contains("not for localhost"), "{why}");
        let expired = refused(backend, &old, &old.pem).await;
        assert!(expired.contains("expired"), "{expired}");
        let early = refused(backend, &future, &future.pem).await;
        assert!(early.contains("not valid yet"), "{early}");
        let unknown = refused(backend, &issued, &old.pem).await;
        assert!(unknown.contains("unknown issuer"), "{unknown}");
        if backend == TlsBackend::Rustls {
            assert!(why.contains("(elsewhere.example)"), "{why}");
            assert!(expired.contains("on 2020-01-01, and now it is 20"), "{expired}");
            assert!(early.contains("from 2120-01-01 on"), "{early}");
            let seen = "it is that of CN=alice, issued by CN=somebody, valid from 1975-01-01 to 4096-01-01";
            assert!(unknown.contains(seen), "{unknown}");
        }
    }
}

#[tokio::test]
async fn another_of_the_same_name_is_not_it() {
    let server = self_signed("localhost", NOW);
    let other = self_signed("localhost", NOW);
    for backend in BOTH {
        refused(backend, &other, &server.pem).await;
    }
    // Of the same name and the same key, and yet not what is trusted. (To OpenSSL the trusted one
    // has issued it.)
    let renewed = signed_by(server.key, "localhost", (2021, 2120));
    refused(TlsBackend::Rustls, &renewed, &server.pem).await;
}

#[tokio::test]
async fn a_byte_more_or_less_is_another() {
    let server = self_signed("localhost", NOW);
    for at in [server.der.len() - 1, server.der.len() / 2, 4] {
        let mut der = server.der.clone();
        der[at] ^= 1;
        let altered = SelfSigned { der, pem: String::new(), key: KeyPair::generate().unwrap() };
        for backend in BOTH {
            let error =
                connect(backend, &altered, &server.key, &server.pem).await.expect_err("it is another");
            assert!(matches!(error.kind(), ErrorKind::Certificate | ErrorKind::Tls), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_copy_is_worth_nothing_without_its_key() {
    let server = self_signed("localhost", NOW);
    let stolen = KeyPair::generate().unwrap();
    for backend in BOTH {
        for versions in [V13, V12] {
            let served = Served { versions, ..Served::new(&server, &stolen) };
            meet(&trusting(backend, &server.pem), &served).await.expect_err("signed by another key");
        }
    }
}

#[tokio::test]
async fn both_ends_share_what_binds_a_login_to_the_connection() {
    let server = self_signed("localhost", NOW);
    let served = |versions| Served { versions, ..Served::new(&server, &server.key) };
    let config = trusting(TlsBackend::Rustls, &server.pem);
    let (ours, met) = meet(&config, &served(V13)).await.expect("it is trusted");
    let ours = ours.expect("TLS 1.3 has it");
    assert_eq!((ours.name(), ours.data()), ("tls-exporter", &met.exporter.expect("so has the server")[..]));
    let (again, _) = meet(&config, &served(V13)).await.expect("it is trusted");
    assert_ne!(again, Some(ours), "of this connection alone");
    let (older, _) = meet(&config, &served(V12)).await.expect("it is trusted");
    assert_eq!(older, None, "two connections may share it");

    // rcgen signs by ECDSA with SHA-256, and that is the hash to take (RFC 5929 section 4.1).
    let hash = ring_hash(&server.der);
    for versions in [V13, V12] {
        let config = trusting(TlsBackend::Native, &server.pem);
        let (ours, _) = meet(&config, &served(versions)).await.expect("it is trusted");
        let ours = ours.expect("of any version");
        assert_eq!((ours.name(), ours.data()), ("tls-server-end-point", &hash[..]));
    }
}

fn ring_hash(bytes: &[u8]) -> Vec<u8> {
    use tokio_rustls::rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256 as SUITE;
    SUITE.tls13().expect("of TLS 1.3").common.hash_provider.hash(bytes).as_ref().to_vec()
}

#[tokio::test]
async fn a_port_of_many_protocols_is_asked_for_imap() {
    let server = self_signed("localhost", NOW);
    let alpn = vec![b"http/1.1".to_vec(), b"imap".to_vec()];
    let served = Served { alpn, ..Served::new(&server, &server.key) };
    for backend in BOTH {
        let (_, met) = meet(&trusting(backend, &server.pem), &served).await.expect("it speaks IMAP");
        assert_eq!(met.alpn.as_deref(), Some(&b"imap"[..]), "{backend:?}");
        let served = Served { alpn: vec![b"h2".to_vec()], ..served.clone() };
        let error = meet(&trusting(backend, &server.pem), &served).await.expect_err("it does not");
        assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
    }
}

/// An authority of this name, a certificate that it has issued, and its key.
fn client(authority: &str) -> (Vec<u8>, String, KeyPair) {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, authority);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["alice".to_owned(), "localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "alice");
    let certificate = params.signed_by(&key, &authority).unwrap();
    (authority.der().to_vec(), certificate.pem(), key)
}

#[tokio::test]
async fn a_client_identifies_itself_where_it_is_asked_to() {
    let server = self_signed("localhost", NOW);
    let (authority, pem, key) = client("clients");
    let (_, strange, strange_key) = client("strangers");
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec();
    for backend in BOTH {
        for versions in [V13, V12] {
            let clients = Some(authority.clone());
            let served = Served { clients, versions, ..Served::new(&server, &server.key) };
            let config = trusting(backend, &server.pem);
            for certificate in [
                ClientCertificate::new(pem.clone(), key.serialize_pem()),
                ClientCertificate::new(der.clone(), key.serialize_der()),
            ] {
                let config = config.clone().client_certificate(certificate);
                let (_, met) = meet(&config, &served).await.expect("it is one of its clients");
                assert_eq!(met.client.as_deref(), Some(&der[..]), "{backend:?}");
            }
            let error = meet(&config, &served).await.expect_err("none was given");
            assert_eq!(error.kind(), ErrorKind::Tls, "{backend:?}: {error:#}");
            assert!(error.to_string().contains("asks for a certificate of the client"), "{error:#}");
            let stranger = ClientCertificate::new(strange.clone(), strange_key.serialize_pem());
            let error = meet(&config.client_certificate(stranger), &served).await.expect_err("a stranger");
            assert!(error.to_string().contains("does not accept the client's"), "{backend:?}: {error:#}");
        }
    }
}

#[tokio::test]
async fn what_is_no_client_certificate_is_refused_and_never_shown() {
    let server = self_signed("localhost", NOW);
    let (_, pem, key) = client("clients");
    let other = KeyPair::generate().unwrap();
    let served = Served::new(&server, &server.key);
    let secret = key.serialize_pem();
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for backend in BOTH {
        for (chain, key, word) in [
            (pem.as_str(), "no key", "private key can't be read"),
            (pem.as_str(), locked, "under a passphrase"),
            ("no certificate", secret.as_str(), "no certificate in"),
            (pem.as_str(), &*other.serialize_pem(), "can't be used"),
        ] {
            let certificate = ClientCertificate::new(chain.to_owned(), key);
            let config = trusting(backend, &server.pem).client_certificate(certificate);
            assert!(!format!("{config:?}").contains("PRIVATE KEY"), "{config:?}");
            let error = meet(&config, &served).await.expect_err("it can't be used");
            assert!(error.to_string().contains(word), "{backend:?}: {error:#}");
            assert!(!format!("{error:?} {error:#}").contains(secret.lines().nth(1).unwrap()), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_callers_own_set_up_decides_alone() {
    let server = self_signed("localhost", NOW);
    let served = Served { alpn: vec![b"imap".to_vec()], ..Served::new(&server, &server.key) };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(server.der.clone())).unwrap();
    let own = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let rustls = Config::new("localhost").tls_backend(TlsBackend::Native).rustls(Arc::new(own));
    assert_eq!(rustls.get_tls_backend(), Some(TlsBackend::Rustls));
    let error = meet(&rustls, &served).await.expect_err("its verifier refuses an authority's");
    assert!(error.to_string().contains("authority's"), "{error}");

    let root = async_native_tls::Certificate::from_der(&server.der).unwrap();
    let own = async_native_tls::TlsConnector::new().add_root_certificate(root);
    let native = Config::new("localhost").native_tls(own);
    assert_eq!(native.get_tls_backend(), Some(TlsBackend::Native));
    let (_, met) = meet(&native, &served).await.expect("that set-up trusts it");
    assert_eq!(met.alpn, None, "it asked for none");
    for config in [rustls, native] {
        let error = meet(&config.trust_certificate(server.pem.clone()), &served).await.expect_err("both");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    }
}
