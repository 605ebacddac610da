//! Two futures, of which the first to be ready wins.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

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
