//! TLS by rustls: certificates are checked by the platform's verifier, beside those that the user trusts.

use std::sync::Arc;

use rustls_platform_verifier::Verifier;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig};

use super::{Config, Io};
use crate::error::{Error, ErrorKind, Result};

/// Agrees on TLS over a byte stream.
pub(super) async fn wrap(config: &Config, io: Box<dyn Io>) -> Result<Box<dyn Io>> {
    let host = config.host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(host.clone())
        .map_err(|e| tls_error(format!("no certificate can be for the host {host:?}: {e}")).because(e))?;
    let connector = TlsConnector::from(Arc::new(client_config(config)?));
    let agreeing = connector.connect(name, io);
    let stream = tokio::time::timeout(config.timeouts.tls, agreeing)
        .await
        .map_err(|_| {
            let waited = config.timeouts.tls;
            Error::new(ErrorKind::Timeout, format!("TLS with {host} was not agreed on within {waited:?}"))
        })?
        .map_err(|e| {
            let kind = if is_certificate(&e) { ErrorKind::Certificate } else { ErrorKind::Tls };
            Error::new(kind, format!("TLS with {host} failed: {}", explain(&e))).because(e)
        })?;
    Ok(Box::new(stream))
}

fn client_config(config: &Config) -> Result<ClientConfig> {
    let mut roots = Vec::new();
    for pem in &config.extra_roots {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate
                .map_err(|e| untrusted(format!("the trusted certificate can't be read: {e:?}")))?;
            roots.push(certificate.into_owned());
        }
        if roots.len() == before {
            return Err(untrusted("the trusted certificate holds none (PEM is expected)".into()));
        }
    }
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone())
        .map_err(|e| tls_error(format!("the system's certificates can't be used: {e}")).because(e))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| tls_error(format!("TLS can't be set up: {e}")).because(e))?;
    // "dangerous" is rustls' word for any verifier but its own.
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

fn untrusted(message: String) -> Error {
    Error::new(ErrorKind::Certificate, message)
}

fn tls_error(message: String) -> Error {
    Error::new(ErrorKind::Tls, message)
}

fn cause(error: &std::io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|e| e.downcast_ref())
}

fn is_certificate(error: &std::io::Error) -> bool {
    matches!(cause(error), Some(rustls::Error::InvalidCertificate(_)))
}

/// The failure in words that tell what to do about it.
fn explain(error: &std::io::Error) -> String {
    use rustls::CertificateError as C;
    match cause(error) {
        Some(rustls::Error::InvalidCertificate(C::UnknownIssuer)) => {
            "its certificate is signed by nobody that is trusted here (UnknownIssuer)".into()
        }
        // An authority of the same name is trusted, and has not signed this.
        Some(rustls::Error::InvalidCertificate(C::BadSignature)) => {
            "its certificate is not signed by who it says, whom we trust (BadSignature)".into()
        }
        Some(rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. })) => {
            "its certificate has expired".into()
        }
        Some(rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. })) => {
            "its certificate is for another name".into()
        }
        Some(rustls::Error::InvalidMessage(_)) => "it does not speak TLS on this port".into(),
        _ => error.to_string(),
    }
}
