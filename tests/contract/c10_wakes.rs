//! A reader is woken once for all that one poll of the driver has read, however many reads that
//! took: on another thread each wake costs more than the rows that it is for.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use imap_duplex::Rows;
use imap_duplex::command::List;
use imap_duplex::types::Limits;
use tokio::io::AsyncWriteExt;

use crate::session::quiet;

/// A reader as fast as one on another thread: it reads all that is there as soon as it is woken,
/// and waits for more.
struct Reader(Mutex<State>);

struct State {
    rows: Rows<List>,
    wakes: usize,
    read: usize,
}

impl Reader {
    fn read(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut cx = Context::from_waker(&waker);
        let mut state = self.0.lock().expect("no panic");
        let State { rows, read, .. } = &mut *state;
        // Up to the end that the test's end makes.
        while let Poll::Ready(Some(Ok(_))) = pin!(rows.next()).poll(&mut cx) {
            *read += 1;
        }
    }
}

impl Wake for Reader {
    fn wake(self: Arc<Self>) {
        self.0.lock().expect("no panic").wakes += 1;
        self.read();
    }
}

/// More than one read takes, and less than the driver reads in one poll.
const ROWS: usize = 8_000;

#[tokio::test]
async fn several_reads_of_one_poll_wake_the_reader_once() {
    let (stream, mut server) = tokio::io::duplex(1 << 20);
    server.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n").await.expect("room");
    // Nothing is held back for this reader.
    let mut limits = Limits::default();
    limits.backlog = limits.unread;
    let (imap, _events, driver) = quiet().limits(limits).handshake(stream).await.expect("greeted");
    let mut driver = pin!(driver);
    let mut poll_driver = || driver.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();

    let state = State { rows: imap.list("*").stream(), wakes: 0, read: 0 };
    let reader = Arc::new(Reader(Mutex::new(state)));
    assert!(poll_driver());
    reader.read();
    server.write_all("* LIST () \"/\" a\r\n".repeat(ROWS).as_bytes()).await.expect("room");
    assert!(poll_driver());
    let (read, wakes) = {
        let state = reader.0.lock().expect("no panic");
        (state.read, state.wakes)
    };
    assert_eq!((read, wakes), (ROWS, 1));
}
