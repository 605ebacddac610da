//! The accounts of the fleet: added, listed, parked, woken, removed.
//!
//! ```text
//!   add ──> active ──(credentials refused, or by hand)──> parked ──(wake, new credentials)──> active
//!             └──────────────────────── remove ─────────────┴──> gone, with its cursors
//! ```
//!
//! In: a name, an IMAP URL, where the secret is. Out: rows, and the configuration to connect by.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Pool;
use imap_duplex::account::{Policy, Watch};
use imap_duplex::{Config, Credentials, ImapUrl, Mechanism};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use crate::credential::{Credential, SealingKey};
use crate::error::{Error, Result};

/// How an account is reached and what is watched in it. No secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct AccountSettings {
    /// `imaps://USER@HOST[:PORT]`, without a password; with `;AUTH=XOAUTH2` and the like after the
    /// user the secret is a token.
    pub url: String,
    /// No TLS, and the password may be sent in clear: for servers on the same machine.
    #[serde(default)]
    pub plaintext: bool,
    /// What is watched.
    #[serde(default)]
    pub watch: WatchSettings,
    /// How it dials, waits and gives up.
    #[serde(default = "fleet_policy")]
    pub policy: Policy,
}

/// Which mailboxes of an account are watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WatchSettings {
    /// These mailboxes, or all.
    pub mailboxes: Option<Vec<String>>,
    /// How often, in seconds, the counts of all are compared. The mailbox that is followed is
    /// reported at once.
    pub interval: u64,
    /// Whether flags are watched.
    pub flags: bool,
    /// Whether messages that are there already are events, too.
    pub from_start: bool,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self { mailboxes: None, interval: 60, flags: true, from_start: false }
    }
}

/// One connection follows INBOX, and one more comes for the sweeps.
fn fleet_policy() -> Policy {
    let mut policy = Policy::default();
    policy.max_connections = 2;
    policy.keep_idle = Duration::from_secs(20);
    policy
}

impl AccountSettings {
    /// The settings of an account at this URL, all else as usual.
    ///
    /// # Errors
    /// If the URL is none, has no user, or has a password in it, which would be stored in clear.
    pub fn new(url: impl Into<String>) -> Result<Self> {
        let settings = Self {
            url: url.into(),
            plaintext: false,
            watch: WatchSettings::default(),
            policy: fleet_policy(),
        };
        settings.parsed()?;
        Ok(settings)
    }

    fn parsed(&self) -> Result<(ImapUrl, String)> {
        let url: ImapUrl = self.url.parse()?;
        if url.password().is_some() {
            return Err(Error::invalid("the URL has a password in it: give it by --password-file or stdin"));
        }
        let Some(user) = url.user() else {
            return Err(Error::invalid("the URL names no user: imaps://USER@HOST"));
        };
        let user = user.to_owned();
        Ok((url, user))
    }

    /// The configuration to connect by. The secret is resolved for each login.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn config(&self, name: &str, credential: Credential, key: Option<SealingKey>) -> Result<Config> {
        let (url, user) = self.parsed()?;
        let is_token = matches!(url.mechanism(), Some(Mechanism::OauthBearer | Mechanism::Xoauth2));
        let mut config = url.config();
        if self.plaintext {
            config = config.plaintext().allow_plaintext_login(true);
        }
        let source = Arc::new((name.to_owned(), credential, key));
        let callback = move |_request| {
            let source = source.clone();
            async move {
                let (name, credential, key) = &*source;
                let secret = credential.resolve(name, key.as_ref()).await?;
                Ok(if is_token { Credentials::token(secret) } else { Credentials::password(secret) })
            }
        };
        Ok(config.credentials(user, callback))
    }

    pub(crate) fn watch(&self) -> Watch {
        let watch = match &self.watch.mailboxes {
            Some(names) => Watch::mailboxes(names.iter().map(String::as_str)),
            None => Watch::all(),
        };
        watch
            .interval(Duration::from_secs(self.watch.interval.max(1)))
            .flags(self.watch.flags)
            .from_start(self.watch.from_start)
    }
}

/// An account as it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoredAccount {
    /// Its number.
    pub id: i64,
    /// Its name: a word of the subjects of its events.
    pub name: String,
    /// How it is reached.
    pub settings: AccountSettings,
    /// Where its secret is.
    pub credential: Credential,
    /// How often its row has been changed by hand.
    pub revision: i64,
}

impl StoredAccount {
    pub(crate) const COLUMNS: &str = "a.id, a.name, a.settings, a.credential, a.revision";

    pub(crate) fn of(row: &Row) -> Result<Self> {
        let (id, name): (i64, String) = (row.get(0), row.get(1));
        let wrong = |what: &str, error: tokio_postgres::Error| {
            Error::invalid(format!("account {name}: its {what} can't be read: {error}"))
        };
        let Json(settings) = row.try_get(2).map_err(|error| wrong("settings", error))?;
        let Json(credential) = row.try_get(3).map_err(|error| wrong("credential", error))?;
        Ok(Self { id, settings, credential, revision: row.get(4), name })
    }
}

/// The accounts of the fleet.
#[derive(Clone, Debug)]
pub struct Directory {
    pool: Pool,
}

impl Directory {
    /// Those of this database.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Adds an account. A worker with room takes it within its next beat.
    ///
    /// # Errors
    /// If there is one of this name, or the name is empty or longer than 200 bytes.
    pub async fn add(&self, name: &str, settings: &AccountSettings, credential: &Credential) -> Result<i64> {
        if name.is_empty() || name.len() > 200 || name.chars().any(char::is_control) {
            return Err(Error::invalid("an account's name has 1 to 200 bytes and no control characters"));
        }
        settings.parsed()?;
        let client = self.pool.get().await?;
        let row = client
            .query_opt(
                "insert into fleet.account (name, settings, credential) values ($1, $2, $3)
                 on conflict (name) do nothing returning id",
                &[&name, &Json(settings), &Json(credential)],
            )
            .await?;
        let Some(row) = row else {
            return Err(Error::invalid(format!("there is an account named {name} already")));
        };
        recount(&client).await?;
        Ok(row.get(0))
    }

    /// Removes an account and its cursors. Its worker lets it go within its next beat.
    ///
    /// # Errors
    /// If there is none of this name.
    pub async fn remove(&self, name: &str) -> Result<()> {
        self.change("delete from fleet.account where name = $1", name, &[]).await
    }

    /// Parks an account: no worker follows it until it is woken.
    ///
    /// # Errors
    /// If there is none of this name.
    pub async fn park(&self, name: &str, reason: &str) -> Result<()> {
        let statement = "update fleet.account set state = 'parked', reason = $2, worker = null,
            token = token + 1 where name = $1";
        self.change(statement, name, &[&reason]).await
    }

    /// Wakes an account that was parked; one that is active is connected again.
    ///
    /// # Errors
    /// If there is none of this name.
    pub async fn wake(&self, name: &str) -> Result<()> {
        let statement = "update fleet.account set state = 'active', reason = null,
            revision = revision + 1 where name = $1";
        self.change(statement, name, &[]).await
    }

    /// Gives an account other credentials, and wakes it.
    ///
    /// # Errors
    /// If there is none of this name.
    pub async fn set_credential(&self, name: &str, credential: &Credential) -> Result<()> {
        let statement = "update fleet.account set credential = $2, state = 'active', reason = null,
            revision = revision + 1 where name = $1";
        self.change(statement, name, &[&Json(credential)]).await
    }

    async fn change(
        &self,
        statement: &str,
        name: &str,
        others: &[&(dyn tokio_postgres::types::ToSql + Sync)],
    ) -> Result<()> {
        let mut parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&name];
        parameters.extend(others);
        let client = self.pool.get().await?;
        if client.execute(statement, &parameters).await? == 0 {
            return Err(Error::invalid(format!("there is no account named {name}")));
        }
        recount(&client).await
    }
}

/// Has the next worker count the accounts, so that the shares are right at once.
async fn recount(client: &tokio_postgres::Client) -> Result<()> {
    client.execute("update fleet.census set counted = '-infinity'", &[]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        let error = AccountSettings::new("imaps://alice:hunter2@imap.example.org").expect_err("refused");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(AccountSettings::new("imaps://imap.example.org").is_err(), "no user");
        assert!(AccountSettings::new("imaps://alice@imap.example.org").is_ok());
    }

    #[test]
    fn settings_survive_being_stored() {
        let settings = AccountSettings::new("imap://alice@localhost:1143").expect("a URL");
        let text = serde_json::to_string(&settings).expect("JSON");
        assert_eq!(serde_json::from_str::<AccountSettings>(&text).expect("the same"), settings);
        let short = serde_json::from_str::<AccountSettings>(r#"{"url":"imaps://a@b"}"#).expect("defaults");
        assert_eq!((short.watch.interval, short.policy.max_connections), (60, 2));
    }
}
