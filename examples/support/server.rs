//! From the command line to a server: the URL, the login, certificates, the proxy; without a URL
//! the embedded server.

use std::fs;
use std::path::{Path, PathBuf};

use imap_duplex::testing;
use imap_duplex::{ClientCertificate, Config, Error, ImapUrl, Proxy, Receiver, Sender, TlsBackend};

use super::auth::{AuthArgs, Means};
use super::demo;
use super::failure::Failure;

/// What encrypts.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Library {
    Rustls,
    Native,
}

/// Where to connect to, and how.
#[derive(clap::Args)]
pub(crate) struct ServerArgs {
    /// Trust the certificate, or the authority, in this PEM file, beside those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Encrypt by this library; native is the system's own, by the feature native-tls
    #[arg(long, value_name = "LIBRARY")]
    tls: Option<Library>,

    /// Identify by the certificate in this file, PEM or DER
    #[arg(long, value_name = "FILE")]
    client_cert: Option<PathBuf>,

    /// The private key of that certificate
    #[arg(long, value_name = "FILE")]
    client_key: Option<PathBuf>,

    #[command(flatten)]
    auth: AuthArgs,

    /// Go through this proxy: socks5://USER:PASSWORD@HOST:1080 or http://HOST:3128
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,

    /// Compress the connection where the server can
    #[arg(long)]
    compress: bool,

    /// Send the password even where the server offers no encryption: all on the way can read it
    #[arg(long)]
    insecure_clear_text: bool,

    /// imaps://USER@HOST/MAILBOX (TLS) or imap://USER@HOST/MAILBOX (STARTTLS where the server
    /// offers it); without one, a server within this program
    url: Option<String>,
}

/// A server, and the mailbox that the URL names on it.
pub(crate) struct Server {
    pub(crate) config: Config,
    /// The same without a login.
    pub(crate) no_login: Config,
    /// What there is to log in with.
    pub(crate) means: Means,
    pub(crate) mailbox: String,
    /// Who logs in; empty where that is not said.
    pub(crate) user: String,
    /// The UIDVALIDITY in the URL, if it has one.
    pub(crate) uid_validity: Option<u32>,
    /// The server within this program, if it is that.
    pub(crate) embedded: Option<testing::Server>,
    tls: bool,
    own_authority: bool,
}

impl ServerArgs {
    /// Reads the URL, the password and the certificate; without a URL, a server of our own, with
    /// some mail.
    pub(crate) fn server(&self) -> Result<Server, Failure> {
        let Some(text) = &self.url else {
            if self.auth.is_given() {
                return Err(Failure::new("--auth is for a server, and no URL names one"));
            }
            return Ok(Server::embedded(demo::server()));
        };
        let url: ImapUrl = text.parse()?;
        let no_login = Config::new(url.host()).allow_plaintext_login(self.insecure_clear_text);
        let no_login = if url.is_tls() { no_login } else { no_login.opportunistic_tls() };
        let no_login = url.port().into_iter().fold(no_login, Config::port);
        let no_login = self.by_proxy(self.encrypted(no_login)?)?.compress(self.compress);
        let (config, means) = self.auth.log_in(&url, no_login.clone())?;
        Ok(Server {
            config,
            no_login,
            means,
            mailbox: url.mailbox().map_or("INBOX", |name| name.as_str()).to_owned(),
            user: url.user().unwrap_or_default().to_owned(),
            uid_validity: url.uid_validity().map(Into::into),
            embedded: None,
            tls: url.is_tls(),
            own_authority: self.ca.is_some(),
        })
    }

    /// As the options about TLS say.
    fn encrypted(&self, mut config: Config) -> Result<Config, Failure> {
        if let Some(library) = self.tls {
            config = config.tls_backend(match library {
                Library::Rustls => TlsBackend::Rustls,
                Library::Native => TlsBackend::Native,
            });
        }
        if let Some(file) = &self.ca {
            config = config.trust_certificate(read("the certificate", file)?);
        }
        match (&self.client_cert, &self.client_key) {
            (Some(chain), Some(key)) => {
                let chain = read("the client's certificate", chain)?;
                let key = read("the private key", key)?;
                Ok(config.client_certificate(ClientCertificate::new(chain, key)))
            }
            (None, None) => Ok(config),
            _ => Err(Failure::new("--client-cert and --client-key go together")),
        }
    }

    fn by_proxy(&self, config: Config) -> Result<Config, Failure> {
        match &self.proxy {
            Some(url) => Ok(config.proxy(url.parse::<Proxy>()?)),
            None => Ok(config),
        }
    }
}

fn read(what: &str, file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|e| Failure::new(format!("{what} in {} can't be read: {e}", file.display())))
}

impl Server {
    /// The INBOX of a server within this program.
    pub(crate) fn embedded(server: testing::Server) -> Self {
        let no_login = Config::new("localhost").plaintext();
        let config = no_login.clone().login(server.user(), server.password());
        #[cfg(feature = "rustls")]
        let no_login = server
            .certificate()
            .iter()
            .fold(no_login, |no_login, its| no_login.trust_certificate(its.pem().to_owned()));
        Self {
            config,
            no_login,
            means: Means::Password(server.password().into()),
            mailbox: "INBOX".into(),
            user: server.user().to_owned(),
            uid_validity: None,
            embedded: Some(server),
            tls: false,
            own_authority: false,
        }
    }

    /// The address of the user, as far as the URL says it.
    pub(crate) fn author(&self) -> String {
        match &self.embedded {
            Some(_) => format!("Alice <{}@example.org>", self.user),
            None if self.user.contains('@') => self.user.clone(),
            None => format!("{}@{}", self.user, self.config.get_host()),
        }
    }

    /// A connection, logged in.
    pub(crate) async fn connect(&self) -> Result<(Sender, Receiver), Failure> {
        let connected = match &self.embedded {
            Some(server) => self.config.connect_over(server.connect()).await,
            None => self.config.connect().await,
        };
        connected.map_err(|error| self.explain(&error))
    }

    /// Whether the connection is encrypted from the start.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls
    }

    /// Why it could not be connected to.
    pub(crate) fn explain(&self, error: &Error) -> Failure {
        Failure::connecting(error, self.tls, self.own_authority)
    }
}
