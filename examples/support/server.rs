//! From the command line to a server: the URL, the password, the certificate to trust; without a
//! URL the embedded server.

use std::env::{self, VarError};
use std::fs;
use std::path::PathBuf;

use imap_duplex::testing;
use imap_duplex::{Config, Error, Receiver, Sender};

use super::demo;
use super::failure::Failure;
use super::url::ImapUrl;

/// The environment variable in which a password is looked for.
const PASSWORD: &str = "IMAP_PASSWORD";

/// Where to connect to, and how.
#[derive(clap::Args)]
pub(crate) struct ServerArgs {
    /// Trust the certificate, or the authority, in this PEM file, beside those of the system
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

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
    pub(crate) mailbox: String,
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
        let Some(text) = &self.url else { return Ok(Server::embedded(demo::server())) };
        let url = ImapUrl::parse(text).map_err(Failure::new)?;
        let user = url.user.ok_or_else(|| {
            Failure::new("the URL names no user")
                .hint("imaps://USER@HOST/MAILBOX; an @ in the user's name is written %40")
        })?;
        let password = match url.password {
            Some(password) => password,
            None => password_of_environment(&user)?,
        };
        let config =
            Config::new(url.host).login(user, password).allow_plaintext_login(self.insecure_clear_text);
        let config = if url.tls { config } else { config.opportunistic_tls() };
        let config = url.port.into_iter().fold(config, Config::port);
        let config = match &self.ca {
            Some(file) => {
                let pem = fs::read(file).map_err(|e| {
                    Failure::new(format!("the certificate in {} can't be read: {e}", file.display()))
                })?;
                config.trust_certificate(pem)
            }
            None => config,
        };
        Ok(Server {
            config,
            mailbox: url.mailbox,
            uid_validity: url.uid_validity.map(Into::into),
            embedded: None,
            tls: url.tls,
            own_authority: self.ca.is_some(),
        })
    }
}

impl Server {
    /// The INBOX of a server within this program.
    pub(crate) fn embedded(server: testing::Server) -> Self {
        let config = Config::new("localhost").plaintext().login(server.user(), server.password());
        Self {
            config,
            mailbox: "INBOX".into(),
            uid_validity: None,
            embedded: Some(server),
            tls: false,
            own_authority: false,
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

    /// Why it could not be connected to.
    pub(crate) fn explain(&self, error: &Error) -> Failure {
        Failure::connecting(error, self.tls, self.own_authority)
    }
}

fn password_of_environment(user: &str) -> Result<String, Failure> {
    match env::var(PASSWORD) {
        Ok(password) => Ok(password),
        Err(VarError::NotUnicode(_)) => Err(Failure::new(format!("the password in {PASSWORD} is not UTF-8"))),
        Err(VarError::NotPresent) => {
            let user = user.escape_debug();
            Err(Failure::new(format!("there is no password for {user}")).hint(format!(
                "put it into the environment variable {PASSWORD}, or into the URL as USER:PASSWORD@ where \
                 no other user can see the command line"
            )))
        }
    }
}
