//! TLS for the server: a certificate made on the spot, for `localhost` and the loopback addresses.

use std::io;
use std::sync::Arc;

use rcgen::KeyUsagePurpose;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::io::Stream;

/// Begins TLS on a stream.
#[derive(Clone)]
pub(super) struct Acceptor(TlsAcceptor);

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor")
    }
}

impl Acceptor {
    pub(super) async fn accept(&self, stream: Box<dyn Stream>) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.0.accept(stream).await?))
    }
}

/// The certificate of the authority that vouches for the server: what a client has to trust.
///
/// It is made anew for each server, and is of no use elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    pem: String,
}

impl Certificate {
    /// As DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// As PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }
}

/// An authority, and what a server with its certificate needs.
pub(super) fn make() -> io::Result<(Acceptor, Certificate)> {
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

    let chain = vec![CertificateDer::from(server.der().to_vec())];
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
        .map_err(io::Error::other)?;
    let certificate = Certificate { der: authority.der().to_vec(), pem: authority.pem() };
    Ok((Acceptor(TlsAcceptor::from(Arc::new(config))), certificate))
}
