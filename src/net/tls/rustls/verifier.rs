//! Which certificates are accepted: those that the platform's verifier accepts, with the user's own
//! among its roots; and one that is itself trusted by the user, byte for byte.
//!
//! The second rule is for self-signed certificates. `openssl req -x509` marks its certificate as an
//! authority's, and by RFC 5280 an authority's certificate is not a server's, so the verifier
//! refuses it (`CaUsedAsEndEntity`) though the user has named this very certificate. Name and dates
//! are still checked, and so is the signature of the handshake: a copy of the certificate is worth
//! nothing without its key.

use std::sync::Arc;

use rustls_platform_verifier::Verifier as Platform;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{DigitallySignedStruct, Error, SignatureScheme};
use webpki::{EndEntityCert, KeyUsage};

use super::Seen;
use super::roots::platform_verifier;

#[derive(Debug)]
pub(super) struct Verifier {
    platform: Arc<Platform>,
    provider: Arc<CryptoProvider>,
    /// What the user trusts beside the system's roots.
    trusted: Vec<CertificateDer<'static>>,
    /// A certificate that was refused, for the error.
    seen: Seen,
}

impl Verifier {
    pub(super) fn new(
        trusted: Vec<CertificateDer<'static>>,
        provider: Arc<CryptoProvider>,
        seen: Seen,
    ) -> Result<Self, Error> {
        let platform = platform_verifier(&trusted, &provider)?;
        Ok(Self { platform, provider, trusted, seen })
    }

    /// Whether the user trusts this very certificate, it is valid now, and it was refused only
    /// because it is an authority's.
    fn is_trusted_authority(&self, certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
        let algorithms = self.provider.signature_verification_algorithms.all;
        let usage = KeyUsage::server_auth();
        self.trusted.contains(certificate)
            && EndEntityCert::try_from(certificate).is_ok_and(|parsed| {
                let verdict = parsed.verify_for_usage(algorithms, &[], &[], now, usage, None, None);
                // The dates are looked at before this is found.
                matches!(verdict, Err(webpki::Error::CaUsedAsEndEntity))
            })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = if self.is_trusted_authority(end_entity, now) {
            ParsedCertificate::try_from(end_entity)
                .and_then(|parsed| verify_server_name(&parsed, server_name))
                .map(|()| ServerCertVerified::assertion())
        } else {
            self.platform.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        };
        if verdict.is_err() {
            let _ = self.seen.set(end_entity.clone().into_owned());
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.platform.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.platform.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.platform.supported_verify_schemes()
    }
}
