//! Whether the connection is encrypted, by what, whom it trusts, and how it identifies itself.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::Config;

/// When the connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub(crate) enum Security {
    /// From the first byte.
    Tls,
    /// After STARTTLS, which must be offered.
    StartTls,
    /// After STARTTLS where it is offered.
    Opportunistic,
    /// Never.
    Plaintext,
}

/// Which library encrypts the connection. Both can be in one build.
///
/// ```
/// use imap_duplex::{Config, TlsBackend};
/// let config = Config::new("imap.example.org").tls_backend(TlsBackend::Rustls);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TlsBackend {
    /// rustls with ring: the feature `rustls`. The default where the build has it.
    Rustls,
    /// The system's own: OpenSSL, or on Windows SChannel, on macOS Security Framework. The feature
    /// `native-tls`, which needs OpenSSL's headers to build where it uses OpenSSL.
    Native,
}

/// A certificate by which the client identifies itself, and its private key.
///
/// ```no_run
/// # fn example() -> std::io::Result<()> {
/// use imap_duplex::{ClientCertificate, Config};
/// let certificate = ClientCertificate::new(std::fs::read("me.pem")?, std::fs::read("me.key")?);
/// let config = Config::new("imap.example.org").client_certificate(certificate);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct ClientCertificate {
    /// The certificate first, then those of the authorities between.
    #[cfg_attr(not(any(feature = "rustls", feature = "native-tls")), allow(dead_code, reason = "no TLS"))]
    pub(crate) chain: Bytes,
    #[cfg_attr(not(any(feature = "rustls", feature = "native-tls")), allow(dead_code, reason = "no TLS"))]
    pub(crate) key: Arc<Zeroizing<Vec<u8>>>,
}

impl ClientCertificate {
    /// The certificate, or a chain of them that begins with it, and its key, as files have them:
    /// each in PEM or in DER form (PKCS #8; PKCS #1 and SEC 1 with rustls only). A key under a
    /// passphrase can't be read: decrypt it first. What can't be read is an error when connecting.
    ///
    /// The key is wiped from memory with the last clone, and is in no error, trace or `Debug`.
    pub fn new(chain: impl Into<Bytes>, key: impl Into<Vec<u8>>) -> Self {
        Self { chain: chain.into(), key: Arc::new(Zeroizing::new(key.into())) }
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate").finish_non_exhaustive()
    }
}

/// What TLS is to do.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsSettings {
    /// `None`: the build's own.
    pub(crate) backend: Option<TlsBackend>,
    /// Trusted beside the system's.
    pub(crate) extra_roots: Vec<Bytes>,
    pub(crate) client: Option<ClientCertificate>,
    pub(crate) own: Own,
}

/// A caller's own set-up, in place of all of the above.
#[derive(Clone, Default)]
pub(crate) enum Own {
    #[default]
    None,
    #[cfg(feature = "rustls")]
    Rustls(Arc<tokio_rustls::rustls::ClientConfig>),
    #[cfg(feature = "native-tls")]
    Native(Arc<async_native_tls::TlsConnector>),
}

/// Of a set-up no more than whose it is: there may be keys in it.
impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            #[cfg(feature = "rustls")]
            Self::Rustls(_) => "Rustls",
            #[cfg(feature = "native-tls")]
            Self::Native(_) => "Native",
        })
    }
}

impl Config {
    /// TLS by STARTTLS, on port 143 (RFC 9051 section 6.2.1). A server that does not offer it is an
    /// error.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").starttls();
    /// ```
    pub fn starttls(mut self) -> Self {
        self.security = Security::StartTls;
        self
    }

    /// TLS by STARTTLS where the server offers it, else none, on port 143. An attacker on the
    /// network can remove the offer, so that everything is sent in clear text: passwords are then
    /// sent to a loopback address only, unless
    /// [`allow_plaintext_login`](Config::allow_plaintext_login) allows more.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("imap.example.org").opportunistic_tls();
    /// ```
    pub fn opportunistic_tls(mut self) -> Self {
        self.security = Security::Opportunistic;
        self
    }

    /// No encryption, on port 143.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// let config = Config::new("localhost").plaintext();
    /// ```
    pub fn plaintext(mut self) -> Self {
        self.security = Security::Plaintext;
        self
    }

    /// Which library encrypts the connection: by default rustls where the build has it, else the
    /// system's own. One that the build lacks is an error when connecting, which names the feature.
    ///
    /// ```
    /// # use imap_duplex::{Config, TlsBackend};
    /// let config = Config::new("imap.example.org").tls_backend(TlsBackend::Native);
    /// ```
    pub fn tls_backend(mut self, backend: TlsBackend) -> Self {
        self.tls.backend = Some(backend);
        self
    }

    /// Trusts this certificate authority (PEM, one or several; or one in DER form) in addition to
    /// those of the system. Or the very certificate of the server, if it is self-signed: name,
    /// dates and key must still be right.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// # fn example() -> std::io::Result<()> {
    /// let config = Config::new("mail.lan").trust_certificate(std::fs::read("server.pem")?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn trust_certificate(mut self, certificates: impl Into<Bytes>) -> Self {
        self.tls.extra_roots.push(certificates.into());
        self
    }

    /// Identifies the client by a certificate where the server asks for one, as companies and
    /// logins by EXTERNAL want it. `None`: by none.
    ///
    /// ```
    /// # use imap_duplex::{ClientCertificate, Config};
    /// # fn example(chain: Vec<u8>, key: Vec<u8>) {
    /// let certificate = ClientCertificate::new(chain, key);
    /// let config = Config::new("imap.example.org").client_certificate(certificate);
    /// # }
    /// ```
    pub fn client_certificate(mut self, certificate: impl Into<Option<ClientCertificate>>) -> Self {
        self.tls.client = certificate.into();
        self
    }

    /// Encrypts by rustls, set up by the caller: other roots, other algorithms, keys in hardware.
    /// The host is still what the certificate must be for, as far as that set-up looks at it.
    ///
    /// It takes the place of [`tls_backend`](Self::tls_backend), and of the certificates given
    /// otherwise: connecting fails with [`Invalid`](crate::ErrorKind::Invalid) where there are
    /// both. ALPN is what the set-up says; IMAP is `imap`. The type is that of
    /// [`rustls`](crate::rustls), whose version is a part of this crate's API.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use imap_duplex::{Config, rustls};
    ///
    /// # fn example(roots: rustls::RootCertStore) -> Result<(), rustls::Error> {
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let tls = rustls::ClientConfig::builder_with_provider(provider)
    ///     .with_protocol_versions(&[&rustls::version::TLS13])?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let config = Config::new("imap.example.org").rustls(Arc::new(tls));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "rustls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "rustls")))]
    pub fn rustls(mut self, config: Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        self.tls.own = Own::Rustls(config);
        self
    }

    /// Encrypts by the system's TLS, set up by the caller; as [`rustls`](Self::rustls) otherwise. A
    /// `native_tls::TlsConnectorBuilder` becomes a connector by `into()`. The type is that of
    /// [`async_native_tls`](mod@crate::async_native_tls), whose version is a part of this crate's
    /// API.
    ///
    /// ```
    /// use imap_duplex::{Config, async_native_tls::{Protocol, TlsConnector}};
    ///
    /// let tls = TlsConnector::new().min_protocol_version(Some(Protocol::Tlsv12));
    /// let config = Config::new("imap.example.org").native_tls(tls);
    /// ```
    #[cfg(feature = "native-tls")]
    #[cfg_attr(docsrs, doc(cfg(feature = "native-tls")))]
    pub fn native_tls(mut self, connector: impl Into<async_native_tls::TlsConnector>) -> Self {
        self.tls.own = Own::Native(Arc::new(connector.into()));
        self
    }

    /// Which library would encrypt the connection; `None` if the build has none and none was set.
    ///
    /// ```
    /// # use imap_duplex::{Config, TlsBackend};
    /// let config = Config::new("imap.example.org").tls_backend(TlsBackend::Native);
    /// assert_eq!(config.get_tls_backend(), Some(TlsBackend::Native));
    /// ```
    #[must_use]
    pub fn get_tls_backend(&self) -> Option<TlsBackend> {
        match &self.tls.own {
            Own::None => {}
            #[cfg(feature = "rustls")]
            Own::Rustls(_) => return Some(TlsBackend::Rustls),
            #[cfg(feature = "native-tls")]
            Own::Native(_) => return Some(TlsBackend::Native),
        }
        self.tls.backend.or_else(|| {
            let builds = [
                (cfg!(feature = "rustls"), TlsBackend::Rustls),
                (cfg!(feature = "native-tls"), TlsBackend::Native),
            ];
            builds.into_iter().find(|(has, _)| *has).map(|(_, backend)| backend)
        })
    }

    /// Whether the client has a certificate to identify itself by.
    ///
    /// ```
    /// # use imap_duplex::Config;
    /// assert!(!Config::new("imap.example.org").has_client_certificate());
    /// ```
    #[must_use]
    pub fn has_client_certificate(&self) -> bool {
        self.tls.client.is_some()
    }
}
