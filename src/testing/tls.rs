//! TLS for the server: a certificate made on demand, for `localhost` and the loopback addresses.

use std::io;
use std::sync::{Arc, OnceLock};

use rcgen::KeyUsagePurpose;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use ring::digest;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ProtocolVersion, ServerConfig};

use super::io::Stream;
use super::sasl::Bindings;

/// What is made on demand.
struct Made {
    acceptor: TlsAcceptor,
    /// What clients have to trust.
    certificate: Certificate,
    /// The hash of the server's certificate.
    end_point: Vec<u8>,
}

/// The server's TLS state, made on demand: most tests need none.
#[derive(Clone, Default)]
pub(super) struct Tls {
    made: Arc<OnceLock<Result<Made, String>>>,
    /// The certificate is its own authority.
    self_signed: bool,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    pub(super) fn new(self_signed: bool) -> Self {
        Self { made: Arc::default(), self_signed }
    }

    fn made(&self) -> io::Result<&Made> {
        let make = || if self.self_signed { make_self_signed() } else { make() };
        let made = self.made.get_or_init(|| make().map_err(|error| error.to_string()));
        made.as_ref().map_err(|error| io::Error::other(error.clone()))
    }

    pub(super) fn certificate(&self) -> io::Result<Certificate> {
        self.made().map(|made| made.certificate.clone())
    }

    pub(super) async fn accept(&self, stream: Box<dyn Stream>) -> io::Result<(Box<dyn Stream>, Bindings)> {
        let made = self.made()?;
        let stream = made.acceptor.accept(stream).await?;
        let (_, session) = stream.get_ref();
        let mut bindings = Bindings::new();
        // RFC 9266: with TLS 1.2 two connections may have the same.
        if session.protocol_version() == Some(ProtocolVersion::TLSv1_3) {
            let exported = session.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""));
            bindings.extend(exported.ok().map(|data| ("tls-exporter", data.to_vec())));
        }
        bindings.push(("tls-server-end-point", made.end_point.clone()));
        Ok((Box::new(stream), bindings))
    }
}

/// The certificate of the authority that signed the server's: a client has to trust it.
///
/// Each server makes its own, which is of no use elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    pem: String,
}

impl Certificate {
    /// In DER form.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// In PEM form.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }
}

/// Makes an authority, and an acceptor with a certificate from it.
fn make() -> io::Result<Made> {
    let wrong = |error: rcgen::Error| io::Error::other(error);
    let mut params = CertificateParams::new([]).map_err(wrong)?;
    params.distinguished_name.push(DnType::CommonName, "imap-duplex embedded authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority =
        CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(wrong)?).map_err(wrong)?;

    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(wrong)?;
    params.distinguished_name.push(DnType::CommonName, "imap-duplex embedded server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().map_err(wrong)?;
    let server = params.signed_by(&key, &authority).map_err(wrong)?;

    let certificate = Certificate { der: authority.der().to_vec(), pem: authority.pem() };
    Made::new(server.der().to_vec(), &key, certificate)
}

/// Makes a certificate like `openssl req -x509`: it is its own authority.
fn make_self_signed() -> io::Result<Made> {
    let wrong = |error: rcgen::Error| io::Error::other(error);
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names).map_err(wrong)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().map_err(wrong)?;
    let server = params.self_signed(&key).map_err(wrong)?;
    let certificate = Certificate { der: server.der().to_vec(), pem: server.pem() };
    Made::new(server.der().to_vec(), &key, certificate)
}

impl Made {
    fn new(server: Vec<u8>, key: &KeyPair, certificate: Certificate) -> io::Result<Self> {
        // RFC 5929 section 4.1: by the hash of its signature, which for rcgen's keys is this one.
        let end_point = digest::digest(&digest::SHA256, &server).as_ref().to_vec();
        Ok(Self { acceptor: acceptor(server, key)?, certificate, end_point })
    }
}

fn acceptor(certificate: Vec<u8>, key: &KeyPair) -> io::Result<TlsAcceptor> {
    let chain = vec![CertificateDer::from(certificate)];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
