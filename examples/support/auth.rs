//! How to log in: the mechanism, and the password or the token.

use std::env::{self, VarError};

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

fn mechanism(text: &str) -> Result<Mechanism, String> {
    text.parse().map_err(|error: Error| format!("{error:#}"))
}

impl AuthArgs {
    /// Whether a mechanism is named.
    pub(crate) fn is_given(&self) -> bool {
        self.auth.is_some()
    }

    /// Who logs in at the URL's server, and by what.
    pub(crate) fn log_in(&self, url: &ImapUrl) -> Result<Config, Failure> {
        let mechanism = self.auth.or(url.mechanism());
        let config = url.config().mechanism(mechanism);
        match mechanism {
            Some(Mechanism::External) => return Ok(config.external(url.user().map(str::to_owned))),
            Some(Mechanism::Anonymous) => return Ok(config.anonymous(url.user().unwrap_or_default())),
            _ => {}
        }
        let user = url.user().ok_or_else(|| {
            Failure::new("the URL names no user")
                .hint("imaps://USER@HOST/MAILBOX; an @ in the user's name is written %40")
        })?;
        let wants_token = matches!(mechanism, Some(Mechanism::OauthBearer | Mechanism::Xoauth2));
        if let Some(given) = url.password() {
            let given = given.clone();
            return Ok(if wants_token { config.token(user, given) } else { config.login(user, given) });
        }
        let (password, token) = (variable(PASSWORD)?, variable(TOKEN)?);
        match (password, token) {
            (_, Some(token)) if wants_token => Ok(config.token(user, token)),
            (None, Some(token)) if mechanism.is_none() => Ok(config.token(user, token)),
            (Some(password), _) if !wants_token => Ok(config.login(user, password)),
            _ => Err(missing(user, wants_token)),
        }
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
