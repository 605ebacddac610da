//! Promise 11, for what is submitted while the connection ends or after that: it fails with the
//! connection's cause, whatever else has ended with it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use imap_duplex::command::Search;
use imap_duplex::types::CloseReason;
use imap_duplex::{Error, ErrorKind, Mailbox, Sent};

use crate::session::{LIMIT, Session};
use crate::support::within;

/// The cause of an error that the end of the connection brought.
fn cause(error: &Error) -> &CloseReason {
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    error.close_reason().expect("a connection's end has a reason")
}

/// Submits one command more when it is woken, and keeps how that ended.
struct OneMore(Mailbox, Mutex<Vec<Result<(), Error>>>);

impl Wake for OneMore {
    fn wake(self: Arc<Self>) {
        let mut token = self.0.search(Search::all());
        let end = Pin::new(&mut token).poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(end) = end {
            self.1.lock().expect("no panic").push(end.map(drop));
        }
    }
}

/// The connection's end is the cause of all that ends with it, the selection's end included. Wakers
/// run while the connection is being taken apart, so that this meets the moment at which one of the
/// two was known and the other was not.
#[tokio::test(start_paused = true)]
async fn what_is_submitted_while_the_connection_ends_fails_with_its_cause() {
    within(LIMIT, async {
        let mut s = Session::open().await;
        let inbox = s.select(&[11]).await;
        let more = Arc::new(OneMore(inbox.clone(), Mutex::default()));
        let waker = Waker::from(more.clone());
        let mut first = inbox.search(Search::all());
        let mut second = s.imap.create("a");
        assert!(Pin::new(&mut first).poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(Pin::new(&mut second).poll(&mut Context::from_waker(&waker)).is_pending());
        s.server.expect("UID SEARCH RETURN (ALL) ALL").await;
        s.server.say("* BYE [UNAVAILABLE] back at noon").await;
        drop(s.server);
        s.events.end().await;
        let ends = std::mem::take(&mut *more.1.lock().expect("no panic"));
        assert_eq!(ends.len(), 2, "both were woken, and what they submitted failed at once");
        for end in ends.into_iter().chain([inbox.search(Search::all()).await.map(drop)]) {
            let error = end.expect_err("it has ended");
            assert!(matches!(cause(&error), CloseReason::Bye(_)), "{error:?}");
            assert_eq!(error.sent(), Sent::No);
        }
    })
    .await;
}

/// The same from many threads at once, at whatever moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_threads_submit_while_the_connection_ends_fails_with_its_cause() {
    within(LIMIT, async {
        for round in 0..50 {
            let mut s = Session::open().await;
            let inbox = s.select(&[11]).await;
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let inbox = inbox.clone();
                    tokio::spawn(async move {
                        loop {
                            if let Err(error) = inbox.search(Search::all()).await {
                                return error;
                            }
                        }
                    })
                })
                .collect();
            let task = inbox.clone();
            let hasty = std::thread::spawn(move || {
                // Until it has ended, tokens are dropped, and withdrawn.
                while !task.has_ended() {
                    drop(task.search(Search::all()));
                    std::thread::yield_now();
                }
                task
            });
            s.server.say("* BYE back at noon").await;
            drop(s.server);
            for task in tasks {
                let error = task.await.expect("no panic");
                assert!(matches!(cause(&error), CloseReason::Bye(_)), "round {round}: {error:?}");
            }
            let inbox = hasty.join().expect("no panic");
            let error = inbox.search(Search::all()).await.expect_err("it has ended");
            assert!(matches!(cause(&error), CloseReason::Bye(_)), "round {round}: {error:?}");
        }
    })
    .await;
}
