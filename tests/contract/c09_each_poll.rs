//! Promise 9: each public future dropped at each of its polls, and at each millisecond of what it
//! waits for. The connection continues correctly, no event is lost, and a change is made once.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use imap_duplex::command::{Append, Id, Items, Notify, NotifyEvent, Search, StatusItems, Store};
use imap_duplex::types::{CloseReason, CommandId, Event, EventKind, Flag};
use imap_duplex::{Config, ErrorKind, Mailbox, Receiver, Sender, Submit, Token};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::client::{Events, brief, uid};
use crate::robot::{CAN, LoggedCommand, Robot};
use crate::session::{LIMIT, quiet};
use crate::support::within;

/// More moments than any of these futures has.
const MOMENTS: usize = 1000;

/// Polls at once and then each millisecond, so many times more, and drops it; what it gave, if it
/// ended before.
async fn for_moments<F: Future>(future: F, moments: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for moment in 0..=moments {
        if moment > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
    }
    None
}

/// A client of a robot, with a mailbox selected.
struct Client {
    imap: Sender,
    inbox: Mailbox,
    receiver: Receiver,
    response: LoggedCommand,
    robot: JoinHandle<()>,
}

impl Client {
    async fn of(config: &Config) -> Self {
        let (stream, response, robot) = Robot::start(format!("* PREAUTH [CAPABILITY {CAN}] ready"));
        let (imap, mut receiver) = config.connect_over(stream).await.expect("greeted");
        let inbox = imap.select("INBOX").await.expect("selected");
        imap.noop().await.expect("the view is filled");
        while !matches!(receiver.next().await, Some(event) if brief(&event) == "NOOP OK") {}
        response.lock().expect("no panic").clear();
        Self { imap, inbox, receiver, response, robot }
    }

    /// All works, and nothing of what was before is in the way. Gives the events up to the end.
    async fn works(self) -> Vec<Event> {
        let Self { imap, mut inbox, receiver, response: _, robot } = self;
        let sizes = async |inbox: &Mailbox| {
            let rows = inbox.fetch(uid(1)..=uid(99), Items::new().size()).await.expect("fetched");
            rows.iter().map(|row| (row.uid().map_or(0, |uid| u64::from(uid.get())), row.size())).collect()
        };
        imap.status("Last", StatusItems::new().messages()).await.expect("STATUS");
        assert_eq!(imap.list("*").await.expect("LIST").len(), 2);
        if inbox.has_ended() {
            inbox = imap.select("INBOX").await.expect("SELECT");
        }
        let rows: Vec<(u64, Option<u64>)> = sizes(&inbox).await;
        assert!(rows.iter().all(|(uid, size)| Some(*uid) == *size), "{rows:?}");
        assert_eq!(rows.len(), usize::try_from(inbox.exists()).expect("few"));
        assert_eq!(imap.in_flight(), 0, "nothing is left");
        drop((imap, inbox));
        drop_and_read(receiver, robot).await
    }
}

/// The receiver is the last handle; once it is dropped, the connection logs out. Returns its
/// events.
async fn drop_and_read(receiver: Receiver, robot: JoinHandle<()>) -> Vec<Event> {
    let mut receiver = receiver;
    let mut events = Vec::new();
    while let Some(event) = for_moments(receiver.next(), 0).await {
        events.extend(event);
    }
    drop(receiver);
    tokio::time::timeout(Duration::from_secs(60), robot).await.expect("it logs out").expect("no panic");
    events
}

/// How often each command's end is reported.
fn ends(events: &[Event]) -> BTreeMap<CommandId, usize> {
    let mut ends = BTreeMap::new();
    for event in events {
        if let (Some(id), EventKind::Completed { .. } | EventKind::Failed { .. }) = (event.cause, &event.kind)
        {
            *ends.entry(id).or_default() += 1;
        }
    }
    ends
}

type Running = (CommandId, Pin<Box<dyn Future<Output = bool>>>);

fn running<C: Submit>(token: Token<C>) -> Running {
    (token.id(), Box::pin(async { token.await.is_ok() }))
}

/// A command, whether it only reads, how its line begins, and how it is submitted.
type Case = (&'static str, bool, fn(&Sender, &Mailbox) -> Running);

const CASES: &[Case] = &[
    ("NOOP", true, |imap, _| running(imap.noop())),
    ("CAPABILITY", true, |imap, _| running(imap.capability())),
    ("ID", true, |imap, _| running(imap.id(Id::nothing()))),
    ("SELECT Work", true, |imap, _| running(imap.select("Work"))),
    ("EXAMINE Work", true, |imap, _| running(imap.examine("Work"))),
    ("LIST \"\" %", true, |imap, _| running(imap.list("%"))),
    ("STATUS Work", true, |imap, _| running(imap.status("Work", StatusItems::new().messages()))),
    ("APPEND", false, |imap, _| running(imap.append("Work", "Subject: x\r\n\r\nbody\r\n"))),
    ("APPEND", false, |imap, _| {
        let bytes = std::io::Cursor::new("Subject: x\r\n\r\nbody\r\n");
        running(imap.append("Work", Append::reader(20, bytes)))
    }),
    ("CREATE", false, |imap, _| running(imap.create("Work"))),
    ("DELETE", false, |imap, _| running(imap.delete("Work"))),
    ("RENAME", false, |imap, _| running(imap.rename("Work", "Play"))),
    ("SUBSCRIBE", false, |imap, _| running(imap.subscribe("Work"))),
    ("UNSUBSCRIBE", false, |imap, _| running(imap.unsubscribe("Work"))),
    ("NOTIFY", false, |imap, _| running(imap.notify(Notify::set().personal(NotifyEvent::MAILBOXES)))),
    ("XLINE", false, |imap, _| running(imap.raw("XLINE of mine"))),
    ("UID FETCH 11 (FLAGS)", true, |_, inbox| running(inbox.fetch(uid(11), Items::new().flags()))),
    ("UID SEARCH RETURN (ALL) SEEN", true, |_, inbox| running(inbox.search(Search::seen()))),
    ("UID STORE", false, |_, inbox| running(inbox.store(uid(11), Store::add([Flag::Flagged])))),
    ("UID COPY", false, |_, inbox| running(inbox.copy(uid(11), "Work"))),
    ("UID MOVE", false, |_, inbox| running(inbox.move_to(uid(11), "Work"))),
    ("UID EXPUNGE", false, |_, inbox| running(inbox.expunge(uid(12)))),
    ("EXPUNGE", false, |_, inbox| running(inbox.expunge_deleted())),
    ("UNSELECT", false, |_, inbox| running(inbox.unselect())),
    ("CLOSE", false, |_, inbox| running(inbox.close())),
    ("IDLE", true, |_, inbox| running(inbox.idle())),
];

#[tokio::test(start_paused = true)]
async fn the_token_of_each_command() {
    within(LIMIT, async {
        for (line, reads_only, submit) in CASES {
            let mut ended = false;
            for moments in 0..MOMENTS {
                let client = Client::of(&quiet()).await;
                let (id, future) = submit(&client.imap, &client.inbox);
                // IDLE ends with the next submission; nothing else ends it.
                let most = if *line == "IDLE" && moments > 5 { MOMENTS } else { moments };
                let _next = (most == MOMENTS).then(|| client.imap.noop());
                let result = for_moments(future, most).await;
                let response = client.response.clone();
                let events = client.works().await;
                let reported = ends(&events);
                let count = response.lock().expect("no panic").iter().filter(|l| l.starts_with(line)).count();
                assert!(
                    reported.values().all(|count| *count == 1),
                    "{line} after {moments} ms: {reported:?}"
                );
                assert_eq!(reported.contains_key(&id), count == 1, "{line} after {moments} ms");
                assert!(count == 1 || *reads_only && count == 0, "{line} after {moments} ms: {count}");
                if let Some(ok) = result {
                    assert!(ok && moments > 0, "{line} ends well, and takes its time");
                    ended = true;
                    break;
                }
            }
            assert!(ended, "{line} does not end");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_next_row_of_a_stream() {
    within(LIMIT, async {
        for moments in 0..10 {
            let client = Client::of(&quiet()).await;
            let mut rows = client.inbox.fetch(uid(11)..=uid(13), Items::new().size()).stream();
            let (mut sizes, mut tries) = (Vec::new(), 0);
            loop {
                match for_moments(rows.next(), moments).await {
                    Some(Some(row)) => sizes.push(row.expect("no error").size()),
                    Some(None) => break,
                    // Dropped without a row: time goes on.
                    None => tokio::time::sleep(Duration::from_millis(1)).await,
                }
                tries += 1;
                assert!(tries < MOMENTS, "it does not end");
            }
            assert_eq!(sizes, [Some(11), Some(12), Some(13)], "dropped after {moments} ms");
            client.works().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_next_event() {
    within(LIMIT, async {
        let mut undisturbed = None;
        for moments in [MOMENTS, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9] {
            let mut client = Client::of(&quiet()).await;
            client.imap.list("*").detach();
            drop(client.imap.create("Work"));
            client.inbox.fetch(uid(11)..=uid(13), Items::new().flags()).detach();
            client.inbox.move_to(uid(12), "Work").detach();
            drop(client.imap.logout());
            let (mut events, mut tries) = (Vec::new(), 0);
            loop {
                match for_moments(client.receiver.next(), moments).await {
                    Some(Some(event)) => events.push(brief(&event)),
                    Some(None) => break,
                    None => tokio::time::sleep(Duration::from_millis(1)).await,
                }
                tries += 1;
                assert!(tries < MOMENTS, "it does not end");
            }
            assert_eq!(events.last().map(String::as_str), Some("closed logged out"));
            assert_eq!(undisturbed.get_or_insert_with(|| events.clone()), &events, "dropped after {moments}");
        }
        assert!(undisturbed.is_some_and(|events| events.len() > 10));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn room_for_another_command() {
    within(LIMIT, async {
        let mut config = quiet();
        let mut limits = imap_duplex::types::Limits::default();
        limits.commands = 1;
        config = config.limits(limits);
        let mut ended = false;
        for moments in 0..MOMENTS {
            let client = Client::of(&config).await;
            let first = client.imap.create("Work");
            let refused = client.imap.create("Play").await.expect_err("there is no room");
            assert_eq!(refused.kind(), ErrorKind::QueueFull);
            let ready = for_moments(client.imap.ready(), moments).await;
            if ready.is_none() {
                // Another waiter is woken though the first has gone.
                client.imap.ready().await.expect("room");
            }
            first.await.expect("created");
            client.works().await;
            if ready.is_some() {
                ended = true;
                break;
            }
        }
        assert!(ended);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_and_a_connect_over_a_stream() {
    within(LIMIT, async {
        let config = Config::new("localhost").plaintext().login("alice", "secret");
        for spawns in [false, true] {
            let mut ended = false;
            for moments in 0..MOMENTS {
                let (stream, response, robot) = Robot::start("* OK hello".into());
                let done = if spawns {
                    for_moments(config.connect_over(stream), moments).await.map(|r| r.map(drop))
                } else {
                    for_moments(config.handshake(stream), moments).await.map(|r| r.map(drop))
                };
                // What was connected is dropped at once; either way the server sees the end.
                let gone = tokio::time::timeout(Duration::from_secs(10), robot).await;
                gone.expect("the connection ends").expect("no panic");
                if let Some(result) = done {
                    result.expect("connected");
                    let response = response.lock().expect("no panic");
                    assert_eq!(response.last().is_some_and(|line| line == "LOGOUT"), spawns, "{response:?}");
                    ended = true;
                    break;
                }
            }
            assert!(ended, "it takes less than {MOMENTS} ms");
        }
    })
    .await;
}

#[tokio::test]
async fn a_connect_over_tcp() {
    // Sockets, so that time is not paused; nothing here waits for it.
    within(Duration::from_secs(60), async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let config = Config::new(address.ip().to_string()).port(address.port()).plaintext().login("a", "b");
        for moments in 0..10 {
            let connected = for_moments(config.connect(), moments).await;
            assert!(connected.is_none(), "the server has not said a word");
            // What had been connected is closed.
            let accepted = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
            if let Ok(Ok((mut stream, _))) = accepted {
                let mut rest = Vec::new();
                let read = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest);
                let read = tokio::time::timeout(Duration::from_secs(10), read).await.expect("closed");
                assert!(read.is_err() || rest.is_empty(), "nothing was said");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_driver() {
    within(LIMIT, async {
        let mut ended = false;
        for moments in 0..MOMENTS {
            let (stream, _, robot) = Robot::start(format!("* PREAUTH [CAPABILITY {CAN}] ready"));
            let (imap, receiver, driver) = quiet().handshake(stream).await.expect("greeted");
            let select = imap.select("INBOX");
            let inbox = select.mailbox();
            let reader = Append::reader(20, std::io::Cursor::new("Subject: x\r\n\r\nbody\r\n"));
            let tokens = [
                running(select),
                running(inbox.fetch(uid(11)..=uid(13), Items::new().size())),
                running(imap.append("Work", reader)),
                running(imap.create("Work")),
                running(imap.logout()),
            ];
            let done = for_moments(driver, moments).await;
            let mut results = Vec::new();
            for (_, token) in tokens {
                results.push(for_moments(token, 0).await.expect("each has resolved"));
            }
            let mut events = Events::any(receiver);
            let (reason, _) = events.end().await;
            let gone = tokio::time::timeout(Duration::from_secs(10), robot).await;
            gone.expect("the connection ends").expect("no panic");
            assert_eq!(imap.noop().await.expect_err("ended").kind(), ErrorKind::Closed);
            if let Some(result) = done {
                result.expect("logged out");
                assert_eq!((reason, results), (CloseReason::Logout, vec![true; 5]));
                ended = true;
                break;
            }
            // Logged out, all that is left is to close the stream.
            let ended = reason == CloseReason::Logout && results == [true; 5];
            assert!(ended || reason == CloseReason::Dropped, "after {moments} ms: {reason}");
        }
        assert!(ended);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_handles_in_each_order() {
    const ORDERS: [[usize; 4]; 24] = {
        let mut orders = [[0; 4]; 24];
        let (mut n, mut code) = (0, 0);
        while code < 256 {
            let order = [code % 4, code / 4 % 4, code / 16 % 4, code / 64];
            if 1 << order[0] | 1 << order[1] | 1 << order[2] | 1 << order[3] == 15 {
                orders[n] = order;
                n += 1;
            }
            code += 1;
        }
        orders
    };
    within(LIMIT, async {
        for auto_idle in [false, true] {
            for order in ORDERS {
                let Client { imap, inbox, receiver, response, robot } =
                    Client::of(&quiet().auto_idle(auto_idle)).await;
                let again = inbox.sender();
                let mut handles: [Option<Box<dyn std::any::Any>>; 4] = [
                    Some(Box::new(imap)),
                    Some(Box::new(inbox)),
                    Some(Box::new(receiver)),
                    Some(Box::new(again)),
                ];
                for which in order {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    assert!(!response.lock().expect("no panic").iter().any(|line| line == "LOGOUT"));
                    handles[which] = None;
                }
                let gone = tokio::time::timeout(Duration::from_secs(10), robot).await;
                gone.expect("it logs out").expect("no panic");
                assert_eq!(response.lock().expect("no panic").last().map(String::as_str), Some("LOGOUT"));
            }
        }
    })
    .await;
}

#[test]
fn handles_outside_a_runtime() {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime")
    };
    // The runtime has gone, and the driver with it: everything has ended, and can be read, used and
    // dropped.
    let first = runtime();
    let client = first.block_on(within(LIMIT, Client::of(&quiet())));
    let unsent = client.imap.create("Work");
    let rows = client.inbox.fetch(uid(11), Items::new().size()).stream();
    drop(first);
    let late = client.imap.create("Play");
    let Client { imap, inbox, receiver, .. } = client;
    let second = runtime();
    second.block_on(within(LIMIT, async {
        for token in [unsent, late] {
            let error = token.await.expect_err("ended");
            assert_eq!(error.close_reason(), Some(&CloseReason::Dropped));
        }
        assert_eq!(Events::strict(receiver).end().await.0, CloseReason::Dropped);
    }));
    drop(second);
    drop((rows, imap, inbox));

    // The runtime lives, and the handles are dropped by a thread that knows none.
    let runtime = runtime();
    let Client { imap, inbox, receiver, robot, .. } = runtime.block_on(within(LIMIT, Client::of(&quiet())));
    std::thread::spawn(move || drop((imap.create("Work"), inbox, imap, receiver))).join().expect("no panic");
    runtime.block_on(within(LIMIT, robot)).expect("it logs out");
}
