//! An account that stays connected, from the command line: how it connects again, and how its
//! status and its end are seen to.

use std::fs;
use std::path::PathBuf;

use imap_duplex::account::{Account, Policy};

use super::failure::Failure;
use super::program;
use super::server::Server;

/// How an account connects again.
#[derive(clap::Args)]
pub(crate) struct AccountArgs {
    /// Take the figures by which connections are made again from this file, in JSON (see
    /// account::Policy)
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl AccountArgs {
    fn policy(&self, otherwise: Policy) -> Result<Policy, Failure> {
        let Some(file) = &self.policy else { return Ok(otherwise) };
        let wrong = |what: &dyn std::fmt::Display| {
            Failure::new(format!("the policy in {} can't be read: {what}", file.display()))
        };
        let text = fs::read(file).map_err(|e| wrong(&e))?;
        serde_json::from_slice(&text).map_err(|e| wrong(&e))
    }

    /// The account of this server's user. Nothing is dialled yet.
    pub(crate) fn account(&self, server: &Server) -> Result<Account, Failure> {
        self.account_by(server, Policy::default())
    }

    /// The same with these figures, unless the command line names others.
    pub(crate) fn account_by(&self, server: &Server, otherwise: Policy) -> Result<Account, Failure> {
        let builder = Account::builder(server.config.clone()).policy(self.policy(otherwise)?);
        Ok(match server.embedded.clone() {
            Some(embedded) => builder
                .connector(move |_| {
                    let stream = embedded.connect();
                    async move { Ok(stream) }
                })
                .open(),
            None => builder.open(),
        })
    }
}

/// Logs out, if the server answers in time.
pub(crate) async fn end(account: &Account) {
    account.shutdown(program::PATIENCE).await;
}
