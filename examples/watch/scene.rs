//! What `watch` shows without another server: a short scene. Other clients change the mailboxes,
//! the program itself sends commands, and the one stream reports everything.

use std::time::Duration;

use imap_duplex::Mailbox;
use imap_duplex::command::{Items, Search, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Uid, UidSet};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use super::support::demo;

/// Between two steps: time to read a line or three.
const STEP: Duration = Duration::from_millis(650);
/// After the scene a mail arrives this often.
const LATER: Duration = Duration::from_secs(5);

/// What happens next, for people; its sender is notified when it has been printed.
pub(crate) type Note = (String, oneshot::Sender<()>);

/// The stage directions.
pub(crate) struct Scene {
    notes: mpsc::UnboundedSender<Note>,
}

impl Scene {
    /// A scene, and where it announces what happens next.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Note>) {
        let (notes, read) = mpsc::unbounded_channel();
        (Self { notes }, read)
    }

    /// Waits for one step, then announces the next.
    async fn step(&self, text: &str) {
        sleep(STEP).await;
        let (printed, done) = oneshot::channel();
        // The printing task is gone: the program ends.
        let _ = self.notes.send((text.to_owned(), printed));
        let _ = done.await;
    }

    /// Plays it, then continues for ever with a mail now and then.
    pub(crate) async fn play(self, server: Server, inbox: Mailbox) {
        self.step("mail arrives; its UID is told, and a command of our own asks whose it is").await;
        let lunch = demo::deliver(&server, "INBOX", "Ann Lee <ann@example.org>", "Re: Lunch on Thursday?");
        sleep(STEP / 3).await;
        inbox.fetch(lunch, Items::envelope()).detach();

        self.step("another program reads it, and flags it").await;
        server.add_flags("INBOX", lunch, [Flag::Seen, Flag::Flagged]);

        self.step("mail arrives in a mailbox that is not selected: NOTIFY tells").await;
        demo::deliver(&server, "Projects", "Carla Ruiz <carla@example.com>", "The pier: drawings");

        self.step("three commands of our own at once, their results on the same stream").await;
        inbox.search(Search::from("build")).detach();
        inbox.store(uids([4]), Store::add([Flag::new("$Todo")])).detach();
        inbox.search(Search::unseen()).detach();

        self.step("another program deletes three messages; our numbers shift, UIDs don't").await;
        server.expunge("INBOX", uids([1, 2, 3]));

        self.step("another program makes a mailbox, and renames it").await;
        server.create("Pier");
        server.rename("Pier", "Pier 2027");

        self.step("the server has something to say to people").await;
        server.say("* OK [ALERT] Tea is ready.\r\n");

        sleep(STEP).await;
        self.step("that was the scene; from now on a mail comes every few seconds; ctrl-c ends").await;
        for number in 4712.. {
            sleep(LATER).await;
            let subject = format!("Build {number} is green");
            let uid = demo::deliver(&server, "INBOX", "Build <build@example.org>", &subject);
            sleep(STEP / 3).await;
            inbox.fetch(uid, Items::envelope()).detach();
        }
    }
}

fn uids<const N: usize>(numbers: [u32; N]) -> UidSet {
    numbers.into_iter().filter_map(Uid::new).collect()
}
