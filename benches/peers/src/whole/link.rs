//! The bytes between a client and the replay server: in clear text, or over TLS with a certificate
//! made at start.
//!
//! In: a socket. Out: a stream of bytes, for blocking clients and for those of tokio. The server's
//! process tells each client's by an argument which certificate to trust.

use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, IpAddr, Ipv4Addr, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

/// For what the certificate is.
const HOST: &str = "127.0.0.1";

/// A stream of a blocking client or of the server.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A stream of a client in a runtime.
pub trait AsyncStream: AsyncRead + AsyncWrite + Unpin + Send + Debug {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + Debug> AsyncStream for T {}

/// The server's certificate and key.
pub struct Identity {
    /// The certificate's bytes, in hexadecimal.
    pub certificate: String,
    config: Arc<ServerConfig>,
}

impl Identity {
    /// That of this process.
    pub fn get() -> &'static Self {
        static MADE: OnceLock<Identity> = OnceLock::new();
        MADE.get_or_init(Self::make)
    }

    fn make() -> Self {
        let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let certificate = made.cert.der().iter().map(|byte| format!("{byte:02x}")).collect();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("they fit");
        Self { certificate, config: Arc::new(config) }
    }

    /// The server's end of a connection.
    pub fn over(&self, socket: TcpStream) -> std::io::Result<Box<dyn Stream>> {
        let session = ServerConnection::new(self.config.clone()).map_err(std::io::Error::other)?;
        Ok(Box::new(StreamOwned::new(session, socket)))
    }
}

/// Where the server listens, and how it is to be spoken to.
#[derive(Clone)]
pub struct Address {
    pub port: u16,
    /// By TLS, with this set-up.
    pub tls: Option<Arc<ClientConfig>>,
}

impl Address {
    /// `certificate`: that of the server in hexadecimal; empty for clear text.
    pub fn new(port: u16, certificate: &str) -> Self {
        let tls = (!certificate.is_empty()).then(|| {
            let bytes = (0..certificate.len()).step_by(2);
            let bytes =
                bytes.map(|at| u8::from_str_radix(&certificate[at..at + 2], 16).expect("hexadecimal"));
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from(bytes.collect::<Vec<u8>>())).expect("a certificate");
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_root_certificates(roots)
                .with_no_client_auth();
            Arc::new(config)
        });
        Self { port, tls }
    }

    fn name() -> ServerName<'static> {
        ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([127, 0, 0, 1])))
    }

    /// A blocking connection, yet without TLS.
    pub fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect((HOST, self.port)).expect("a server");
        socket.set_nodelay(true).expect("a socket");
        socket
    }

    /// What a blocking client reads and writes.
    pub fn over(&self, socket: TcpStream) -> Box<dyn Stream> {
        match &self.tls {
            None => Box::new(socket),
            Some(config) => {
                let session = ClientConnection::new(config.clone(), Self::name()).expect("a session");
                Box::new(StreamOwned::new(session, socket))
            }
        }
    }

    /// The same in a runtime: the socket, or TLS over it.
    pub async fn connect(&self) -> Result<tokio::net::TcpStream, TlsStream<tokio::net::TcpStream>> {
        let socket = tokio::net::TcpStream::connect((HOST, self.port)).await.expect("a server");
        socket.set_nodelay(true).expect("a socket");
        match &self.tls {
            None => Ok(socket),
            Some(config) => {
                let connector = TlsConnector::from(config.clone());
                Err(connector.connect(Self::name(), socket).await.expect("TLS"))
            }
        }
    }
}
