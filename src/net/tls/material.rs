//! Certificates and keys as users have them, in PEM or DER form, for either backend.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::{tls_error, untrusted};
use crate::error::Result;
use crate::net::config::{ClientCertificate, Config};

/// What DER begins with: a sequence. PEM is text.
const SEQUENCE: u8 = 0x30;

/// What the user trusts beside the system's authorities.
pub(super) fn extra_roots(config: &Config) -> Result<Vec<CertificateDer<'static>>> {
    let mut roots = Vec::new();
    for bytes in &config.tls.extra_roots {
        let more = certificates(bytes)
            .map_err(|e| untrusted("the certificate that is to be trusted can't be read").because(e))?;
        if more.is_empty() {
            return Err(untrusted(
                "the bytes given to Config::trust_certificate contain no certificate in PEM form",
            )
            .advise("PEM is expected: -----BEGIN CERTIFICATE-----"));
        }
        roots.extend(more);
    }
    Ok(roots)
}

/// The client's certificate with those that lead to its authority, and its key.
pub(super) fn identity(
    client: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    const CHAIN: &str = "PEM is expected (-----BEGIN CERTIFICATE-----), or DER";
    let chain = certificates(&client.chain)
        .map_err(|e| tls_error("the client's certificate can't be read").advise(CHAIN).because(e))?;
    if chain.is_empty() {
        return Err(tls_error("there is no certificate in that of the client").advise(CHAIN));
    }
    Ok((chain, key(&client.key)?))
}

/// Errors never quote a key: the readers' own have no bytes in them, and are left out all the same.
fn key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>> {
    if bytes.first() == Some(&SEQUENCE) {
        if let Ok(key) = PrivateKeyDer::try_from(bytes) {
            return Ok(key.clone_key());
        }
    } else if let Ok(key) = PrivateKeyDer::from_pem_slice(bytes) {
        return Ok(key);
    }
    let mark = b"ENCRYPTED";
    let encrypted = bytes.windows(mark.len()).any(|window| window == mark);
    Err(if encrypted {
        tls_error("the client's private key is under a passphrase")
            .advise("decrypt it first: openssl pkcs8 -topk8 -nocrypt -in KEY")
    } else {
        tls_error("the client's private key can't be read")
            .advise("PEM is expected (-----BEGIN PRIVATE KEY-----), or DER")
    })
}

fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, rustls_pki_types::pem::Error> {
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(vec![CertificateDer::from(bytes.to_vec())]);
    }
    CertificateDer::pem_slice_iter(bytes).map(|read| read.map(CertificateDer::into_owned)).collect()
}
