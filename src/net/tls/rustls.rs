//! TLS by rustls: the platform's verifier checks certificates, and the user may trust more.
//!
//! `verifier` decides which certificates are accepted, `roots` keeps what the system trusts; `peer`
//! describes a certificate that is not accepted.

mod peer;
mod roots;
mod verifier;

use std::io;
use std::sync::{Arc, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, ClientConnection, ProtocolVersion};

use self::peer::{Peer, date};
use self::verifier::Verifier;
use super::{ALPN, CLOCK, EXPIRED, NOT_TLS, OTHER_NAME, PRIVATE};
use super::{
    ChannelBinding, Secured, about_client_certificates, check_own, material, tls_error, too_slow, unfit,
    untrusted,
};
use crate::error::Result;
use crate::net::Io;
use crate::net::config::{Config, Own};

/// The certificate that the server has shown, where it was refused.
type Seen = Arc<OnceLock<CertificateDer<'static>>>;

/// Agrees on TLS over a byte stream.
pub(super) async fn wrap(config: &Config, io: Box<dyn Io>) -> Result<Secured> {
    let host = config.host_name().to_owned();
    let name = ServerName::try_from(host.clone())
        .map_err(|e| tls_error(format!("no certificate can be for the host {host:?}")).because(e))?;
    let seen = Seen::default();
    let connector = TlsConnector::from(match &config.tls.own {
        Own::Rustls(own) => {
            check_own(config)?;
            own.clone()
        }
        _ => Arc::new(client_config(config, &seen)?),
    });
    let agreeing = connector.connect(name, io);
    let stream = tokio::time::timeout(config.timeouts.tls, agreeing)
        .await
        .map_err(|_| too_slow(config))?
        .map_err(|e| failed(config, e, seen.get()))?;
    let (_, session) = stream.get_ref();
    let version = session.protocol_version().map(tracing::field::debug);
    tracing::info!(target: "imap_duplex", host, version, "encrypted");
    let binding = exporter(session);
    Ok(Secured { io: Box::new(stream), binding })
}

/// Only of TLS 1.3: in TLS 1.2 the keying material of two connections can be the same (RFC 9266
/// section 4.2).
fn exporter(session: &ClientConnection) -> Option<ChannelBinding> {
    if session.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    let label = b"EXPORTER-Channel-Binding";
    let data = session.export_keying_material([0; 32], label, Some(b"")).ok()?;
    Some(ChannelBinding::Exporter(data))
}

fn client_config(config: &Config, seen: &Seen) -> Result<ClientConfig> {
    let roots = material::extra_roots(config)?;
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let verifier = Verifier::new(roots, provider.clone(), seen.clone())
        .map_err(|e| tls_error("the system's certificates can't be used").because(e))?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| tls_error("TLS can't be set up").because(e))?;
    // "dangerous" is rustls' name for any verifier but its own.
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut made = match &config.tls.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let (chain, key) = material::identity(client)?;
            builder.with_client_auth_cert(chain, key).map_err(|e| unfit().because(e))?
        }
    };
    made.alpn_protocols = vec![ALPN.into()];
    Ok(made)
}

/// The error in plain words; its sources are rustls' own.
fn failed(config: &Config, error: io::Error, seen: Option<&CertificateDer<'_>>) -> crate::error::Error {
    use rustls::Error as E;
    let host = config.host_name();
    let cause: Option<&rustls::Error> = error.get_ref().and_then(|e| e.downcast_ref());
    let text = error.to_string();
    match cause {
        Some(E::InvalidCertificate(flaw)) => {
            let (what, hint) = certificate_flaw(host, flaw);
            let peer = seen.and_then(Peer::read).map(|peer| format!("; {peer}")).unwrap_or_default();
            untrusted(format!("the certificate of {host} is not accepted: {what}{peer}")).advise(hint)
        }
        Some(E::InvalidMessage(_)) => {
            tls_error(format!("{host} does not use TLS on this port")).advise(NOT_TLS)
        }
        Some(E::AlertReceived(_)) => {
            let error = tls_error(format!("{host} refuses TLS as it is offered here"));
            about_client_certificates(error, &text, config.has_client_certificate())
        }
        _ if error.kind() == io::ErrorKind::UnexpectedEof => {
            tls_error(format!("{host} hung up while TLS was agreed on")).advise(NOT_TLS)
        }
        _ => tls_error(format!("TLS with {host} was not agreed on")),
    }
    .because(error)
}

/// What is wrong with a certificate, and what to do about it.
fn certificate_flaw(host: &str, flaw: &rustls::CertificateError) -> (String, &'static str) {
    use rustls::CertificateError as C;
    match flaw {
        C::UnknownIssuer => ("no authority trusted here has issued it (unknown issuer)".into(), PRIVATE),
        // An authority of the same name is trusted, and has not signed this.
        C::BadSignature => {
            ("it is not signed by the authority that it names, which is trusted here".into(), PRIVATE)
        }
        C::ExpiredContext { time, not_after } => {
            (format!("it has expired: on {}, and now it is {}", date(*not_after), date(*time)), EXPIRED)
        }
        C::Expired => ("it has expired".into(), EXPIRED),
        C::NotValidYetContext { time, not_before } => (
            format!("it is not valid yet: from {} on, and now it is {}", date(*not_before), date(*time)),
            CLOCK,
        ),
        C::NotValidYet => ("it is not valid yet".into(), CLOCK),
        C::NotValidForNameContext { presented, .. } if presented.is_empty() => (
            format!("it names no host, and {host} is wanted"),
            "the names must stand in its subjectAltName: the common name does not count any more",
        ),
        C::NotValidForNameContext { presented, .. } => {
            (format!("it is for another name ({}), not for {host}", peer::names(presented)), OTHER_NAME)
        }
        C::NotValidForName => (format!("it is for another name, not for {host}"), OTHER_NAME),
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
