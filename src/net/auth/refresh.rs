//! Fresh credentials for several connections of one account that are refused at the same time: the
//! provider is asked for them once.
//!
//! In: the account's provider of credentials, connects that begin at the same time. Out: a provider
//! for each of them, which gives what another one has fetched since that connect began.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::credentials::{CredentialReason, CredentialRequest, Credentials, Identity, Provider};
use crate::net::Config;

/// What connects that are under way at the same time share.
#[derive(Debug, Default)]
pub(crate) struct Refresh {
    /// How often fresh credentials were fetched.
    count: AtomicU64,
    /// The last of them. It is locked while others are fetched.
    fresh: Mutex<Option<Credentials>>,
}

impl Refresh {
    async fn ask(
        &self,
        own: &Provider,
        seen: u64,
        request: CredentialRequest,
    ) -> Result<Credentials, super::credentials::BoxError> {
        if request.reason() == CredentialReason::First {
            return own.ask(request).await;
        }
        let mut fresh = self.fresh.lock().await;
        if let Some(fresh) = &*fresh
            && self.count.load(Ordering::Acquire) != seen
        {
            return Ok(fresh.clone());
        }
        let given = own.ask(request).await?;
        *fresh = Some(given.clone());
        self.count.fetch_add(1, Ordering::AcqRel);
        Ok(given)
    }
}

impl Config {
    /// For one connect of several that are under way at the same time, which begins now: what is
    /// fetched afresh from now on serves it, too.
    pub(crate) fn sharing(&self, refresh: &Arc<Refresh>) -> Self {
        let mut config = self.clone();
        if let Some(Identity::Asked { user, provider }) = &self.identity {
            let (own, refresh) = (provider.clone(), refresh.clone());
            let seen = refresh.count.load(Ordering::Acquire);
            let provider = Provider::new(move |request| {
                let (own, refresh) = (own.clone(), refresh.clone());
                async move { refresh.ask(&own, seen, request).await }
            });
            config.identity = Some(Identity::Asked { user: user.clone(), provider });
        }
        config
    }
}
