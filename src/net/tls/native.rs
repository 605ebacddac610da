//! TLS by the system's own library: OpenSSL, SChannel or Security Framework.
//!
//! These libraries don't say what is in a certificate that they refuse: the error has their message
//! as its source.

use async_native_tls::{Certificate, Identity, TlsConnector};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use super::retry_buffer::Committed;
use super::{ALPN, CLOCK, EXPIRED, NOT_TLS, OTHER_NAME, PRIVATE};
use super::{
    ChannelBinding, Secured, about_client_certificates, check_own, material, tls_error, too_slow, unfit,
    untrusted,
};
use crate::error::{Error, Result};
use crate::net::Io;
use crate::net::config::{ClientCertificate, Config, Own};

/// Agrees on TLS over a byte stream.
pub(super) async fn wrap(config: &Config, io: Box<dyn Io>) -> Result<Secured> {
    let host = config.host_name();
    let made;
    let connector = match &config.tls.own {
        Own::Native(own) => {
            check_own(config)?;
            &**own
        }
        _ => {
            made = connector(config)?;
            &made
        }
    };
    let stream = tokio::time::timeout(config.timeouts.tls, connector.connect(host, io))
        .await
        .map_err(|_| too_slow(config))?
        .map_err(|e| failed(config, e))?;
    tracing::info!(target: "imap_duplex", host, "encrypted by the system's TLS");
    let binding = stream.tls_server_end_point().ok().flatten().map(ChannelBinding::ServerEndPoint);
    Ok(Secured { io: Box::new(Committed::new(stream)), binding })
}

fn connector(config: &Config) -> Result<TlsConnector> {
    let mut connector = TlsConnector::new().request_alpns(&[ALPN]);
    for root in material::extra_roots(config)? {
        let root = Certificate::from_der(&root)
            .map_err(|e| untrusted("the certificate that is to be trusted can't be read").because(e))?;
        connector = connector.add_root_certificate(root);
    }
    match &config.tls.client {
        Some(client) => Ok(connector.identity(identity(client)?)),
        None => Ok(connector),
    }
}

fn identity(client: &ClientCertificate) -> Result<Identity> {
    let (chain, key) = material::identity(client)?;
    let PrivateKeyDer::Pkcs8(key) = &key else {
        return Err(tls_error("the system's TLS takes a private key in the form of PKCS #8 alone")
            .advise("openssl pkcs8 -topk8 -nocrypt -in KEY makes one"));
    };
    let chain: String = chain.iter().map(|certificate| pem("CERTIFICATE", certificate).to_string()).collect();
    let key = pem("PRIVATE KEY", key.secret_pkcs8_der());
    Identity::from_pkcs8(chain.as_bytes(), key.as_bytes()).map_err(|e| unfit().because(e))
}

/// The text form (RFC 7468).
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let text = Zeroizing::new(BASE64.encode(der));
    // Made as large as it gets, so that no copy is left behind.
    let mut pem = Zeroizing::new(String::with_capacity(text.len() + text.len() / 64 + 128));
    for piece in ["-----BEGIN ", label, "-----\n"] {
        pem.push_str(piece);
    }
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    for piece in ["-----END ", label, "-----\n"] {
        pem.push_str(piece);
    }
    pem
}

/// The error in plain words, as far as the library's own say what it is.
fn failed(config: &Config, error: async_native_tls::Error) -> Error {
    let host = config.host_name();
    let text = error.to_string();
    let words = text.to_ascii_lowercase();
    let has = |word: &str| words.contains(word);
    let refused = |what: String| untrusted(format!("the certificate of {host} is not accepted: {what}"));
    let made = if has("alert") {
        let error = tls_error(format!("{host} refuses TLS as it is offered here"));
        about_client_certificates(error, &text, config.has_client_certificate())
    } else if has("key values mismatch") {
        unfit()
    } else if has("mismatch") || has("does not match") {
        refused(format!("it is for another name, not for {host}")).advise(OTHER_NAME)
    } else if has("expired") {
        refused("it has expired".into()).advise(EXPIRED)
    } else if has("not yet valid") {
        refused("it is not valid yet".into()).advise(CLOCK)
    } else if has("self-signed") || has("self signed") || has("issuer certificate") || has("trust") {
        refused("no authority trusted here has issued it (unknown issuer)".into()).advise(PRIVATE)
    } else if has("certif") {
        refused("it does not pass".into()).advise("ask who runs the server")
    } else if has("unexpected eof") || has("eof") || has("closed") || has("reset") {
        tls_error(format!("{host} hung up while TLS was agreed on")).advise(NOT_TLS)
    } else if has("wrong version") || has("packet length") || has("record") || has("http request") {
        tls_error(format!("{host} does not use TLS on this port")).advise(NOT_TLS)
    } else {
        tls_error(format!("TLS with {host} was not agreed on")).advise(NOT_TLS)
    };
    made.because(error)
}
