//! Certificates made on the spot: an authority, and a server certificate signed by it.
//!
//! In: the names and addresses of the server. Out: PEM texts. Nothing is kept on disk here.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

/// A server's (or a client's) certificate and key, and the authority that vouches for them, each as
/// PEM.
#[derive(Debug)]
pub struct Certificates {
    /// What the other end has to trust.
    pub authority: String,
    /// The certificate.
    pub server: String,
    /// Its private key.
    pub key: String,
}

/// Makes an authority of its own and a certificate of `names` (host names or IP addresses).
pub fn make(names: &[&str]) -> Certificates {
    let mut params = CertificateParams::new([]).expect("no names to be wrong");
    params.distinguished_name.push(DnType::CommonName, "imap-duplex test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key pair");
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");

    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names that a certificate can hold");
    params.distinguished_name.push(DnType::CommonName, "imap-duplex test server");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect("a key pair");
    let server = params.signed_by(&key, &authority).expect("a server certificate");

    Certificates { authority: authority.pem(), server: server.pem(), key: key.serialize_pem() }
}

/// Makes an authority of clients, and a certificate and a key for this one.
pub fn client(name: &str) -> Certificates {
    let mut params = CertificateParams::new([]).expect("no names to be wrong");
    params.distinguished_name.push(DnType::CommonName, format!("authority of {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key pair");
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
    let mut params = CertificateParams::new([]).expect("no names to be wrong");
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().expect("a key pair");
    let client = params.signed_by(&key, &authority).expect("a client's certificate");
    Certificates { authority: authority.pem(), server: client.pem(), key: key.serialize_pem() }
}
