//! Where the changes of a watch go: a queue that is bounded by their number, and by the bytes of
//! the messages that come with them, from when they have been fetched on.
//!
//! In: changes of one watch, or of many. Out: the same, to whoever reads them; who is behind holds
//! up all.

use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::change::{Change, ChangeKind};
use crate::error::Result;
use crate::types::HeapSize as _;

/// How much of messages waits for the program, in kB, over all watches of a queue; a larger message
/// waits alone.
const MAX_WAITING: u32 = 8 * 1024;

/// The room for messages on their way from a connection to the program. It is taken before they
/// wait for anything, and never closed; a queue that is dropped gives all of it back.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    fn new() -> Self {
        Self(Arc::new(Semaphore::new(MAX_WAITING as usize)))
    }

    /// Waits until there is room for the message that comes with this, if there is one.
    pub(super) async fn place(&self, kind: &ChangeKind) -> Option<Place> {
        match kilobytes(kind) {
            0 => None,
            much => self.0.clone().acquire_many_owned(much).await.ok().map(Place),
        }
    }
}

/// What a message takes of the room, until it is read.
pub(super) struct Place(
    #[expect(dead_code, reason = "it is given back when it is dropped")] OwnedSemaphorePermit,
);

/// A change on its way, and the room that it takes.
struct Carried {
    change: Result<Change>,
    _place: Option<Place>,
}

/// A change, with the number of its watch. In a box, since a queue has room for many from the
/// start.
pub(super) struct Delivery(u64, Box<Carried>);

impl Delivery {
    /// It is read: its room is another one's.
    pub(super) fn open(self) -> (u64, Result<Change>) {
        (self.0, self.1.change)
    }
}

/// Where the changes of a watch go: to a handle of its own, or to one of many watches.
#[derive(Clone)]
pub(super) struct Output {
    number: u64,
    sender: Sender<Delivery>,
    room: Room,
}

/// A queue of so many changes.
pub(super) fn output(places: usize) -> (Output, Receiver<Delivery>) {
    let (sender, next) = mpsc::channel(places);
    (Output { number: 0, sender, room: Room::new() }, next)
}

impl Output {
    /// For the watch of this number.
    pub(super) fn of(&self, number: u64) -> Self {
        Self { number, ..self.clone() }
    }

    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    /// Waits until there is a place in the queue. Whether anyone reads it.
    pub(super) async fn send(&self, change: Result<Change>, place: Option<Place>) -> bool {
        self.sender.send(Delivery(self.number, Box::new(Carried { change, _place: place }))).await.is_ok()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }
}

fn kilobytes(kind: &ChangeKind) -> u32 {
    match kind {
        ChangeKind::Arrived { message: Some(message), .. } => {
            u32::try_from(message.heap_size() / 1024).unwrap_or(u32::MAX).min(MAX_WAITING)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::account::MailboxKey;
    use crate::account::watch::change::Count;
    use crate::types::{BodyData, MailboxName, Message, Section, Uid};

    fn arrived(bytes: usize) -> Result<Change> {
        let data = Some(vec![0; bytes].into());
        let mut message = Message::default();
        message.contents_mut().body.push(BodyData::new(Section::Full, None, data));
        let mailbox = MailboxName::INBOX;
        Ok(Change {
            uid_validity: None,
            mod_seq: None,
            kind: ChangeKind::Arrived { uid: Uid::MIN, flags: None, message: Some(Box::new(message)) },
            key: MailboxKey::of_name(&mailbox, 0),
            mailbox,
            account: "zoe@example.org".into(),
            run: 0,
            number: 0,
            count: Count::default(),
        })
    }

    async fn send(output: &Output, change: Result<Change>) -> bool {
        let place = output.room().place(&change.as_ref().expect("a change").kind).await;
        output.send(change, place).await
    }

    /// Of two accounts, too: they share the room.
    #[tokio::test(start_paused = true)]
    async fn no_more_waits_than_there_is_room_for() {
        let (output, mut next) = output(1024);
        let mega = 1024 * 1024;
        let sending = tokio::spawn(async move {
            for number in 0..20 {
                assert!(send(&output.of(number % 2), arrived(mega)).await);
            }
            // One that is larger than the room comes alone, and small ones take none.
            assert!(send(&output, arrived(20 * mega)).await);
            for _ in 0..100 {
                assert!(send(&output, arrived(10)).await);
            }
            output
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!((6..=8).contains(&next.len()), "{} MB wait", next.len());
        for number in 0..121 {
            let delivery =
                timeout(Duration::from_secs(1), next.recv()).await.expect("in time").expect("it goes on");
            let (watch, change) = delivery.open();
            assert!(change.is_ok() && (number >= 20 || watch == number % 2), "{number}");
            assert!(next.len() <= 100);
        }
        let output = sending.await.expect("no panic");
        // Who waits for room is woken by the end.
        for _ in 0..7 {
            assert!(send(&output, arrived(mega)).await);
        }
        let waiting = tokio::spawn(async move { send(&output, arrived(8 * mega)).await });
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(next);
        assert!(!timeout(Duration::from_secs(1), waiting).await.expect("in time").expect("no panic"));
    }
}
