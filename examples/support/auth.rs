//! How to log in: the mechanism, and the password or the token.

use std::env::{self, VarError};

use imap_duplex::command::Secret;
use imap_duplex::{Config, Error, ImapUrl, Mechanism};

use super::failure::Failure;

/// The environment variables in which a password or a token is looked for.
const PASSWORD: &str = "IMAP_PASSWORD";
const TOKEN: &str = "IMAP_TOKEN";

/// How to log in.
#[derive(clap::Args)]
pub(crate) struct AuthArgs {
    /// Log in by this mechanism, not by the strongest: plain, login, scram-sha-1, scram-sha-256
    /// (and each of these two with -plus), xoauth2, oauthbearer, external, anonymous; tokens are
    /// taken from the environment variable IMAP_TOKEN
    #[arg(long, value_name = "MECHANISM", value_parser = mechanism)]
    auth: Option<Mechanism>,
}

/// What there is to log in with.
pub(crate) enum Means {
    Password(Secret),
    Token(Secret),
    /// What the connection shows.
    Certificate,
    Nothing,
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    text.parse().map_err(|error: Error| format!("{error:#}"))
}

impl AuthArgs {
    /// Whether a mechanism is named.
    pub(crate) fn is_given(&self) -> bool {
        self.auth.is_some()
    }

    /// The same with who logs in at the URL's server, and what with.
    pub(crate) fn log_in(&self, url: &ImapUrl, config: Config) -> Result<(Config, Means), Failure> {
        let mechanism = self.auth.or(url.mechanism());
        let config = config.mechanism(mechanism);
        match mechanism {
            Some(Mechanism::External) => {
                return Ok((config.external(url.user().map(str::to_owned)), Means::Certificate));
            }
            Some(Mechanism::Anonymous) => {
                return Ok((config.anonymous(url.user().unwrap_or_default()), Means::Nothing));
            }
            _ => {}
        }
        let user = url.user().ok_or_else(|| {
            Failure::new("the URL names no user")
                .hint("imaps://USER@HOST/MAILBOX; an @ in the user's name is written %40")
        })?;
        let wants_token = matches!(mechanism, Some(Mechanism::OauthBearer | Mechanism::Xoauth2));
        let means = match url.password() {
            Some(given) if wants_token => Means::Token(given.clone()),
            Some(given) => Means::Password(given.clone()),
            None => match (variable(PASSWORD)?, variable(TOKEN)?) {
                (_, Some(token)) if wants_token => Means::Token(token.into()),
                (None, Some(token)) if mechanism.is_none() => Means::Token(token.into()),
                (Some(password), _) if !wants_token => Means::Password(password.into()),
                _ => return Err(missing(user, wants_token)),
            },
        };
        let config = match &means {
            Means::Token(token) => config.token(user, token.clone()),
            Means::Password(password) => config.login(user, password.clone()),
            Means::Certificate | Means::Nothing => config,
        };
        Ok((config, means))
    }
}

fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(text) => Ok(Some(text)),
        Err(VarError::NotUnicode(_)) => Err(Failure::new(format!("what is in {name} is not UTF-8"))),
        Err(VarError::NotPresent) => Ok(None),
    }
}

fn missing(user: &str, wants_token: bool) -> Failure {
    let (what, name) = if wants_token { ("token", TOKEN) } else { ("password", PASSWORD) };
    let user = user.escape_debug();
    Failure::new(format!("there is no {what} for {user}")).hint(format!(
        "put it into the environment variable {name}, or into the URL as USER:{}@ where no other user can see \
         the command line",
        what.to_uppercase()
    ))
}
