//! Two futures, of which the first to be ready wins; and a connection that is gone, as one of them.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::account::{Account, AccountState};

pub(in crate::store) enum Either<A, B> {
    First(A),
    Second(B),
}

/// Waits for one of both, and drops the other: both have to be cancel-safe.
pub(in crate::store) async fn race<A: Future, B: Future>(a: A, b: B) -> Either<A::Output, B::Output> {
    let (mut a, mut b) = (pin!(a), pin!(b));
    poll_fn(|cx| {
        if let Poll::Ready(value) = a.as_mut().poll(cx) {
            return Poll::Ready(Either::First(value));
        }
        b.as_mut().poll(cx).map(Either::Second)
    })
    .await
}

/// Waits until the account has no way to the server.
pub(in crate::store) async fn is_away(account: &Account) {
    let mut status = account.status();
    let mut now = Some(status.now());
    while let Some(known) = now {
        let away = matches!(
            known.state,
            AccountState::Waiting { .. }
                | AccountState::Parked { .. }
                | AccountState::Closing
                | AccountState::Closed
        );
        if away {
            return;
        }
        now = status.changed().await;
    }
}
