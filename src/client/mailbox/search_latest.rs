//! Searches of which only the latest counts: for a field in which a user types.
//!
//! In: queries, one after the other. Out: for each its result, or `None` as soon as there is a
//! newer one; a search that was still queued is not sent.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::Mailbox;
use crate::client::Token;
use crate::command::{Search, SearchResult};
use crate::error::Result;

/// Searches a mailbox, and forgets each search for the next one: from
/// [`Mailbox::search_latest`]. Clones share what is the latest.
///
/// ```no_run
/// # async fn example(inbox: &imap_duplex::Mailbox, typed: &mut tokio::sync::mpsc::Receiver<String>) {
/// use imap_duplex::command::Search;
/// let latest = inbox.search_latest();
/// while let Some(text) = typed.recv().await {
///     let found = latest.search(Search::subject(text)); // the one before is not waited for
///     tokio::spawn(async move {
///         if let Ok(Some(found)) = found.await {
///             println!("{} messages", found.len());
///         }
///     });
/// }
/// # }
/// ```
#[derive(Clone)]
pub struct LatestSearch {
    mailbox: Mailbox,
    latest: Arc<Mutex<Latest>>,
}

/// The search that counts.
#[derive(Default)]
struct Latest {
    number: u64,
    /// `None` once its result has been taken.
    token: Option<Token<Search>>,
    waker: Option<Waker>,
}

impl Mailbox {
    /// Searches of which only the latest counts: one that is replaced by a newer one ends at once,
    /// with `None`, and is not sent if it is still queued.
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let latest = inbox.search_latest();
    /// let lun = latest.search(Search::subject("lun"));
    /// let lunch = latest.search(Search::subject("lunch"));
    /// assert!(lun.await?.is_none());
    /// println!("{:?}", lunch.await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn search_latest(&self) -> LatestSearch {
        LatestSearch { mailbox: self.clone(), latest: Arc::default() }
    }
}

impl LatestSearch {
    /// Submits this search at once, in the place of the one before. Its result, or `None` if it has
    /// been replaced by then. Cancel-safe; when the future is dropped the search is, too.
    ///
    /// On a server without ESEARCH a search that was sent already is answered first.
    ///
    /// # Errors
    /// Those of [`Mailbox::search`].
    ///
    /// ```no_run
    /// # use imap_duplex::command::Search;
    /// # async fn example(latest: &imap_duplex::LatestSearch) -> imap_duplex::Result<()> {
    /// if let Some(found) = latest.search(Search::subject("lunch")).await? {
    ///     println!("{} messages", found.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn search<Q: Into<Search>>(
        &self,
        query: Q,
    ) -> impl Future<Output = Result<Option<SearchResult>>> + Send + 'static + use<Q> {
        let mut latest = locked(&self.latest);
        // Before the next one is submitted, so that it need not wait behind this one.
        latest.token = None;
        latest.number += 1;
        latest.token = Some(self.mailbox.search(query));
        let searching = Searching { number: latest.number, latest: self.latest.clone() };
        let replaced = latest.waker.take();
        drop(latest);
        if let Some(replaced) = replaced {
            replaced.wake();
        }
        searching
    }
}

/// One search, until it has ended or been replaced.
struct Searching {
    number: u64,
    latest: Arc<Mutex<Latest>>,
}

impl Future for Searching {
    type Output = Result<Option<SearchResult>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut latest = locked(&self.latest);
        if latest.number != self.number {
            return Poll::Ready(Ok(None));
        }
        let Some(token) = &mut latest.token else { return Poll::Ready(Ok(None)) };
        match Pin::new(token).poll(cx) {
            Poll::Ready(result) => {
                latest.token = None;
                Poll::Ready(result.map(Some))
            }
            Poll::Pending => {
                latest.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Searching {
    fn drop(&mut self) {
        let mut latest = locked(&self.latest);
        if latest.number == self.number {
            (latest.token, latest.waker) = (None, None);
        }
    }
}

fn locked(latest: &Mutex<Latest>) -> MutexGuard<'_, Latest> {
    latest.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for LatestSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LatestSearch")
            .field("mailbox", self.mailbox.name())
            .field("is_running", &locked(&self.latest).token.is_some())
            .finish_non_exhaustive()
    }
}
