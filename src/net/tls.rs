//! TLS by rustls: the platform's verifier checks certificates, and the user may trust more.
//!
//! In: a byte stream and the `Config`. Out: the encrypted stream, or the error. `verifier` decides
//! which certificates are accepted.

#[cfg(test)]
mod tests;
mod verifier;

use std::io;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig};

use self::verifier::Verifier;
use super::{Config, Io};
use crate::error::{Error, ErrorKind, Result};

/// Agrees on TLS over a byte stream.
pub(super) async fn wrap(config: &Config, io: Box<dyn Io>) -> Result<Box<dyn Io>> {
    let host = config.host_name().to_owned();
    let name = ServerName::try_from(host.clone())
        .map_err(|e| tls_error(format!("no certificate can be for the host {host:?}")).because(e))?;
    let connector = TlsConnector::from(Arc::new(client_config(config)?));
    let agreeing = connector.connect(name, io);
    let stream = tokio::time::timeout(config.timeouts.tls, agreeing)
        .await
        .map_err(|_| {
            let waited = config.timeouts.tls;
            let message = format!("TLS with {host} was not agreed on within {waited:?}: no answer");
            Error::new(ErrorKind::Timeout, message).advise(NOT_TLS)
        })?
        .map_err(|e| failed(&host, e))?;
    let version = stream.get_ref().1.protocol_version().map(tracing::field::debug);
    tracing::info!(target: "imap_duplex", host, version, "encrypted");
    Ok(Box::new(stream))
}

fn client_config(config: &Config) -> Result<ClientConfig> {
    let mut roots = Vec::new();
    for pem in &config.extra_roots {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate
                .map_err(|e| untrusted("the certificate that is to be trusted can't be read").because(e))?;
            roots.push(certificate.into_owned());
        }
        if roots.len() == before {
            return Err(untrusted(
                "the bytes given to Config::trust_certificate contain no certificate in PEM form",
            )
            .advise("PEM is expected: -----BEGIN CERTIFICATE-----"));
        }
    }
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let verifier = Verifier::new(roots, provider.clone())
        .map_err(|e| tls_error("the system's certificates can't be used").because(e))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| tls_error("TLS can't be set up").because(e))?;
    // "dangerous" is rustls' name for any verifier but its own.
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn untrusted(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Certificate, message)
}

fn tls_error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Tls, message)
}

/// The error in plain words; its sources are rustls' own.
fn failed(host: &str, error: io::Error) -> Error {
    use rustls::Error as E;
    let cause: Option<&rustls::Error> = error.get_ref().and_then(|e| e.downcast_ref());
    match cause {
        Some(E::InvalidCertificate(flaw)) => {
            let (what, hint) = certificate_flaw(flaw);
            untrusted(format!("the certificate of {host} is not accepted: {what}")).advise(hint)
        }
        Some(E::InvalidMessage(_)) => {
            tls_error(format!("{host} does not use TLS on this port")).advise(NOT_TLS)
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            tls_error(format!("{host} hung up while TLS was agreed on")).advise(NOT_TLS)
        }
        _ => tls_error(format!("TLS with {host} was not agreed on")),
    }
    .because(error)
}

const NOT_TLS: &str = "TLS from the first byte is for port 993 as a rule; port 143 wants STARTTLS";

/// What is wrong with a certificate, and what to do about it.
fn certificate_flaw(flaw: &rustls::CertificateError) -> (String, &'static str) {
    use rustls::CertificateError as C;
    const PRIVATE: &str = "if it is self-signed or of a private authority, trust it explicitly";
    match flaw {
        C::UnknownIssuer => ("no authority trusted here has issued it (unknown issuer)".into(), PRIVATE),
        // An authority of the same name is trusted, and has not signed this.
        C::BadSignature => {
            ("it is not signed by the authority that it names, which is trusted here".into(), PRIVATE)
        }
        C::Expired | C::ExpiredContext { .. } => {
            ("it has expired".into(), "the server needs a new one; is the clock of this machine right?")
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            ("it is not valid yet".into(), "is the clock of this machine right?")
        }
        C::NotValidForNameContext { presented, .. } if presented.is_empty() => (
            "it names no host".into(),
            "the names must stand in its subjectAltName: the common name does not count any more",
        ),
        C::NotValidForNameContext { presented, .. } => (
            format!("it is for another name ({})", presented.join(", ")),
            "connect by a name that it is for, or have one made for this name",
        ),
        C::NotValidForName => (
            "it is for another name".into(),
            "connect by a name that it is for, or have one made for this name",
        ),
        C::Other(other) if is_authority(other) => (
            "it is an authority's, not a server's".into(),
            "if it is self-signed, trust this very certificate",
        ),
        _ => ("it does not pass".into(), "ask who runs the server"),
    }
}

fn is_authority(other: &rustls::OtherError) -> bool {
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}
