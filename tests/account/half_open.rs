//! Peers that are there and say nothing: from the start, in the middle of an answer, or because
//! nothing arrives there any more. No connection ends by itself; each is found out and replaced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use imap_duplex::account::{Account, Changes, DialRequest, MemoryStore, Policy, Watch};
use imap_duplex::command::Items;
use imap_duplex::testing::Server;
use imap_duplex::types::Uid;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::support::within;
use crate::{LIMIT, World};

/// How many bytes still pass, towards the client and towards the server.
type Left = (u64, u64);

const ALL: Left = (u64::MAX, u64::MAX);

/// Wires that stop to carry anything without being cut.
#[derive(Clone)]
struct Wires {
    server: Server,
    left: Arc<watch::Sender<Left>>,
    dials: Arc<Mutex<Vec<Instant>>>,
}

impl Wires {
    fn new(server: Server) -> Self {
        let (left, _) = watch::channel(ALL);
        Self { server, left: Arc::new(left), dials: Arc::default() }
    }

    fn account(&self, world: &World) -> Account {
        let this = self.clone();
        let dial = move |_: DialRequest| std::future::ready(Ok(this.dial()));
        Account::builder(world.config()).policy(Policy::default()).connector(dial).open()
    }

    fn dial(&self) -> DuplexStream {
        self.dials.lock().expect("no panic").push(Instant::now());
        // So little fits into it that the client finds no room once it is not read.
        let (client, far) = duplex(16);
        let (client_read, client_write) = split(far);
        let (server_read, server_write) = split(self.server.connect());
        let left = self.left.subscribe();
        tokio::spawn(carry(server_read, client_write, left.clone(), |left| left.0));
        tokio::spawn(carry(client_read, server_write, left, |left| left.1));
        client
    }

    /// So many bytes more pass on the connections that there are; those of later carry all.
    async fn stop(&self, left: Left) {
        self.left.send_replace(left);
        // Each has seen it.
        sleep(Duration::from_millis(1)).await;
        self.left.send_replace(ALL);
    }

    fn dials(&self) -> usize {
        self.dials.lock().expect("no panic").len()
    }

    /// The most dials within two minutes.
    fn most_dials(&self) -> usize {
        let dials = self.dials.lock().expect("no panic");
        let within = |from: &Instant| {
            dials.iter().filter(|at| **at >= *from && **at - *from < Duration::from_secs(120)).count()
        };
        dials.iter().map(within).max().unwrap_or_default()
    }
}

/// Carries bytes until there is nothing left to carry; then it holds both ends and does nothing.
async fn carry(
    mut from: ReadHalf<DuplexStream>,
    mut to: WriteHalf<DuplexStream>,
    mut changed: watch::Receiver<Left>,
    of: fn(&Left) -> u64,
) {
    let (mut left, mut bytes) = (u64::MAX, [0; 16]);
    changed.mark_unchanged();
    loop {
        tokio::select! {
            biased;
            Ok(()) = changed.changed(), if left == u64::MAX => {
                left = of(&changed.borrow_and_update());
            }
            read = from.read(&mut bytes), if left > 0 => {
                let read = read.unwrap_or_default();
                let passes = read.min(usize::try_from(left).unwrap_or(usize::MAX));
                left = if left == u64::MAX { left } else { left - passes as u64 };
                if read == 0 || to.write_all(&bytes[..passes]).await.is_err() {
                    // Either end has gone.
                    _ = to.shutdown().await;
                    return;
                }
            }
            else => return std::future::pending().await,
        }
    }
}

/// The next message, and how long it took.
async fn next(changes: &mut Changes) -> (Uid, Duration) {
    let start = Instant::now();
    loop {
        let change = changes.next().await.expect("it goes on").expect("no error");
        changes.ack(&change).await.expect("a store in memory");
        if let Some(uid) = change.uid() {
            return (uid, start.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_accepts_and_never_answers_is_not_hammered() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let wires = Wires::new(world.server.clone());
        let (held, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(true)));
        let (this, hold, is_closed) = (wires.clone(), held.clone(), closed.clone());
        let dial = move |_: DialRequest| {
            let stream = this.dial();
            std::future::ready(Ok(if *is_closed.lock().expect("no panic") {
                let (client, far) = duplex(1024);
                hold.lock().expect("no panic").push(far);
                client
            } else {
                stream
            }))
        };
        let account = Account::builder(world.config()).connector(dial).open();
        let waiting = tokio::spawn({
            let account = account.clone();
            async move { account.mailbox("INBOX").await.map(|inbox| inbox.exists()) }
        });
        sleep(Duration::from_secs(3600)).await;
        let dials = wires.dials();
        assert!((8..=62).contains(&dials) && wires.most_dials() <= 3, "{dials}, {}", wires.most_dials());
        // While it dials there is none.
        while account.status().now().state.error().is_none() {
            sleep(Duration::from_secs(1)).await;
        }
        assert!(!waiting.is_finished());
        *closed.lock().expect("no panic") = false;
        let start = Instant::now();
        assert_eq!(waiting.await.expect("no panic").expect("it answers"), 0);
        assert!(start.elapsed() <= Duration::from_secs(331), "{:?}", start.elapsed());
    })
    .await;
}

/// A watch: its connection says nothing more, or takes nothing more, or both. What comes meanwhile
/// is delivered once it has been found out.
#[tokio::test(start_paused = true)]
async fn a_watch_finds_out_that_its_peer_has_gone_silent() {
    within(LIMIT, async {
        for left in [(0, u64::MAX), (u64::MAX, 0), (0, 0), (7, 0)] {
            let world = World::new(Server::new());
            let wires = Wires::new(world.server.clone());
            let account = wires.account(&world);
            let mut changes = account.watch(Watch::all(), MemoryStore::new()).await.expect("a store");
            sleep(Duration::from_secs(3600)).await;
            for wakes in [false, true] {
                let before = wires.dials();
                wires.stop(left).await;
                let uid = world.server.deliver("INBOX", "Subject: new\r\n\r\n");
                if wakes {
                    account.network_changed();
                }
                let (found, after) = next(&mut changes).await;
                // A renewal of IDLE, or a sweep, and the silence that follows it.
                let most = Duration::from_secs(if wakes { 15 } else { 12 * 60 + 10 });
                assert!(found == uid && after <= most, "{left:?}, {wakes}: {found}, {after:?}");
                assert!(wires.dials() - before <= 3, "{left:?}: {} dials", wires.dials() - before);
                sleep(Duration::from_secs(3600)).await;
            }
        }
    })
    .await;
}

/// In the middle of an answer, wherever: the command fails, and the next lease works.
#[tokio::test(start_paused = true)]
async fn a_peer_that_stops_in_the_middle_of_an_answer() {
    within(LIMIT, async {
        let world = World::new(Server::new());
        let wires = Wires::new(world.server.clone());
        let account = wires.account(&world);
        for number in 0..20 {
            world.server.deliver("INBOX", format!("Subject: {number}\r\n\r\n"));
        }
        for bytes in (0..600).step_by(37) {
            let inbox = account.mailbox("INBOX").await.expect("it is there");
            wires.stop((bytes, u64::MAX)).await;
            let start = Instant::now();
            let error = inbox.fetch(.., Items::envelope()).await.expect_err("it is not whole");
            assert!(error.is_transient(), "{bytes}: {error}");
            assert!(start.elapsed() <= Duration::from_secs(181), "{bytes}: {:?}", start.elapsed());
            drop(inbox);
            let (start, inbox) = (Instant::now(), account.mailbox("INBOX").await.expect("it is there"));
            assert_eq!(inbox.fetch(.., Items::envelope()).await.expect("all of it").len(), 20);
            assert!(start.elapsed() <= Duration::from_secs(5), "{bytes}: {:?}", start.elapsed());
        }
    })
    .await;
}
