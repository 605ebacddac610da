//! What a user does offline meets what others have done meanwhile: base, ours and theirs, and what
//! there is afterwards, in tables. Store and server are alike at each end.
//!
//! Base: `one`, seen, in INBOX. A result names each mailbox with messages: `INBOX: one S` is `one`
//! with `\Seen` there; A is `\Answered`, F `\Flagged`.

use imap_duplex::account::Policy;
use imap_duplex::store::{MailboxId, NewMessage, OperationState, Store};
use imap_duplex::testing::Server;
use imap_duplex::types::Flag;

use crate::support::other::Other;
use crate::support::within;
use crate::world::{Client, LIMIT, World, id_of, message};

#[derive(Clone, Copy, Debug)]
enum Ours {
    /// `\Flagged` set, `\Seen` cleared.
    Flag,
    Move,
    /// And then the same as `Flag`.
    MoveAndFlag,
    /// To Work, and from there to Archive.
    MoveTwice,
    /// To Work, and back.
    MoveAndBack,
    Copy,
    Delete,
    Expunge,
    /// A message is written into Work.
    Append,
}

#[derive(Clone, Copy, Debug)]
enum Theirs {
    Nothing,
    /// `\Answered` set, `\Seen` cleared.
    Flag,
    /// To Archive.
    Move,
    /// To Work.
    Copy,
    Expunge,
    /// Work is deleted.
    NoTarget,
}

/// What there is afterwards, and how many operations are parked.
const TABLE: [(Ours, Theirs, &str, usize); 54] = [
    (Ours::Flag, Theirs::Nothing, "INBOX: one F", 0),
    (Ours::Flag, Theirs::Flag, "INBOX: one AF", 0),
    // What is gone at the server is gone: in Archive it is another message, which others have made.
    (Ours::Flag, Theirs::Move, "Archive: one S", 0),
    (Ours::Flag, Theirs::Copy, "INBOX: one F; Work: one S", 0),
    (Ours::Flag, Theirs::Expunge, "", 0),
    (Ours::Flag, Theirs::NoTarget, "INBOX: one F", 0),
    (Ours::Move, Theirs::Nothing, "Work: one S", 0),
    (Ours::Move, Theirs::Flag, "Work: one A", 0),
    (Ours::Move, Theirs::Move, "Archive: one S", 0),
    (Ours::Move, Theirs::Copy, "Work: one S, one S", 0),
    (Ours::Move, Theirs::Expunge, "", 0),
    (Ours::Move, Theirs::NoTarget, "INBOX: one S", 1),
    (Ours::MoveAndFlag, Theirs::Nothing, "Work: one F", 0),
    (Ours::MoveAndFlag, Theirs::Flag, "Work: one AF", 0),
    (Ours::MoveAndFlag, Theirs::Move, "Archive: one S", 0),
    (Ours::MoveAndFlag, Theirs::Copy, "Work: one F, one S", 0),
    (Ours::MoveAndFlag, Theirs::Expunge, "", 0),
    (Ours::MoveAndFlag, Theirs::NoTarget, "INBOX: one S", 1),
    (Ours::MoveTwice, Theirs::Nothing, "Archive: one S", 0),
    (Ours::MoveTwice, Theirs::Flag, "Archive: one A", 0),
    (Ours::MoveTwice, Theirs::Move, "Archive: one S", 0),
    (Ours::MoveTwice, Theirs::Copy, "Archive: one S; Work: one S", 0),
    (Ours::MoveTwice, Theirs::Expunge, "", 0),
    (Ours::MoveTwice, Theirs::NoTarget, "Archive: one S", 0),
    (Ours::MoveAndBack, Theirs::Nothing, "INBOX: one S", 0),
    (Ours::MoveAndBack, Theirs::Flag, "INBOX: one A", 0),
    (Ours::MoveAndBack, Theirs::Move, "Archive: one S", 0),
    (Ours::MoveAndBack, Theirs::Copy, "INBOX: one S; Work: one S", 0),
    (Ours::MoveAndBack, Theirs::Expunge, "", 0),
    (Ours::MoveAndBack, Theirs::NoTarget, "INBOX: one S", 0),
    (Ours::Copy, Theirs::Nothing, "INBOX: one S; Work: one S", 0),
    (Ours::Copy, Theirs::Flag, "INBOX: one A; Work: one A", 0),
    (Ours::Copy, Theirs::Move, "Archive: one S", 0),
    (Ours::Copy, Theirs::Copy, "INBOX: one S; Work: one S, one S", 0),
    (Ours::Copy, Theirs::Expunge, "", 0),
    (Ours::Copy, Theirs::NoTarget, "INBOX: one S", 1),
    (Ours::Delete, Theirs::Nothing, "Trash: one S", 0),
    (Ours::Delete, Theirs::Flag, "Trash: one A", 0),
    (Ours::Delete, Theirs::Move, "Archive: one S", 0),
    (Ours::Delete, Theirs::Copy, "Trash: one S; Work: one S", 0),
    (Ours::Delete, Theirs::Expunge, "", 0),
    (Ours::Delete, Theirs::NoTarget, "Trash: one S", 0),
    (Ours::Expunge, Theirs::Nothing, "", 0),
    (Ours::Expunge, Theirs::Flag, "", 0),
    (Ours::Expunge, Theirs::Move, "Archive: one S", 0),
    (Ours::Expunge, Theirs::Copy, "Work: one S", 0),
    (Ours::Expunge, Theirs::Expunge, "", 0),
    (Ours::Expunge, Theirs::NoTarget, "", 0),
    (Ours::Append, Theirs::Nothing, "INBOX: one S; Work: new F", 0),
    (Ours::Append, Theirs::Flag, "INBOX: one A; Work: new F", 0),
    (Ours::Append, Theirs::Move, "Archive: one S; Work: new F", 0),
    (Ours::Append, Theirs::Copy, "INBOX: one S; Work: new F, one S", 0),
    (Ours::Append, Theirs::Expunge, "Work: new F", 0),
    (Ours::Append, Theirs::NoTarget, "INBOX: one S", 1),
];

impl Ours {
    async fn queue(self, store: &Store) {
        let mailbox = async |name| -> MailboxId { store.mailbox_named(name).await.expect("there").id() };
        let one = id_of(store, "one").await;
        let flag = async || store.flag([one], Flag::Flagged, Flag::Seen).await;
        let to = async |name| store.move_to([one], mailbox(name).await).await;
        let done = match self {
            Self::Flag => flag().await,
            Self::Move => to("Work").await,
            Self::MoveAndFlag => {
                to("Work").await.expect("queued");
                flag().await
            }
            Self::MoveTwice => {
                to("Work").await.expect("queued");
                to("Archive").await
            }
            Self::MoveAndBack => {
                to("Work").await.expect("queued");
                to("INBOX").await
            }
            Self::Copy => store.copy_to(one, mailbox("Work").await).await.map(|_| ()),
            Self::Delete => store.delete([one]).await,
            Self::Expunge => store.expunge([one]).await,
            Self::Append => {
                let new = NewMessage::new(message("new")).flags(Flag::Flagged);
                store.append(mailbox("Work").await, new).await.map(|_| ())
            }
        };
        done.expect("queued");
    }
}

impl Theirs {
    async fn run(self, world: &World) {
        let mut other = Other::over(world.server.connect()).await;
        other.command(&format!("LOGIN {} {}", world.server.user(), world.server.password())).await;
        other.select("INBOX").await;
        match self {
            Self::Nothing => {}
            Self::Flag => {
                other.store("1", "+FLAGS (\\Answered)").await;
                other.store("1", "-FLAGS (\\Seen)").await;
            }
            Self::Copy => _ = other.command("UID COPY 1 Work").await,
            Self::Move | Self::Expunge => {
                if matches!(self, Self::Move) {
                    other.command("UID COPY 1 Archive").await;
                }
                other.store("1", "+FLAGS (\\Deleted)").await;
                other.command("EXPUNGE").await;
            }
            Self::NoTarget => _ = other.command("DELETE Work").await,
        }
        other.logout().await;
    }
}

/// The messages of all mailboxes, as the table has them: those that a server without UIDPLUS can
/// only mark as deleted are left out.
fn there(world: &World, lacks: &[&str]) -> String {
    let letters = [(Flag::Seen, 'S'), (Flag::Answered, 'A'), (Flag::Flagged, 'F')];
    let mut mailboxes = Vec::new();
    for name in world.server.mailboxes() {
        let mut messages: Vec<String> = Vec::new();
        for message in world.server.mailbox(name.clone()).expect("it is listed").messages {
            if message.flags.contains(&Flag::Deleted) {
                assert!(lacks.contains(&"UIDPLUS"), "{message:?}");
                continue;
            }
            let text = String::from_utf8_lossy(&message.bytes).into_owned();
            let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a subject");
            let flags = letters.iter().filter(|(flag, _)| message.flags.contains(flag));
            let flags: String = flags.map(|(_, letter)| letter).collect();
            messages.push(format!("{subject} {flags}").trim_end().to_owned());
        }
        messages.sort();
        if !messages.is_empty() {
            mailboxes.push(format!("{name}: {}", messages.join(", ")));
        }
    }
    mailboxes.sort();
    mailboxes.join("; ")
}

/// What there is, and how many operations are parked.
async fn run(lacks: &[&str], ours: Ours, theirs: Theirs) -> (String, usize) {
    let world = World::new(Server::builder().without(lacks.iter().copied()).start());
    for name in ["Work", "Archive"] {
        world.server.create(name);
    }
    world.server.deliver_with("INBOX", message("one"), Flag::Seen, None);
    let client = world.client().await;
    client.in_step().await;
    client.crash().await;
    let store = world.store().await;
    ours.queue(&store).await;
    theirs.run(&world).await;
    let account = world.account_by(Policy::default());
    let attachment = store.attach(&account).await.expect("attached");
    let client = Client { store, attachment, account };
    client.in_step().await;
    let operations = client.store.operations().await.expect("readable");
    let what = format!("{lacks:?} {ours:?} {theirs:?}: {operations:?}");
    let parked = operations.iter().filter(|operation| operation.state == OperationState::Parked).count();
    for operation in &operations {
        client.store.drop_operation(operation.id).await.expect(&what);
    }
    client.in_step().await;
    world.check(&client.store).await;
    (there(&world, lacks), parked)
}

async fn check(lacks: &[&str]) {
    let mut wrong = Vec::new();
    for (ours, theirs, expected, parked) in TABLE {
        let found = within(LIMIT, run(lacks, ours, theirs)).await;
        if found != (expected.to_owned(), parked) {
            wrong.push(format!("{ours:?} {theirs:?}: {found:?}, not {expected:?} {parked}"));
        }
    }
    assert!(wrong.is_empty(), "{lacks:?} {wrong:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_both_have_done_is_merged() {
    check(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_merged_without_move_and_uidplus() {
    check(&["MOVE", "UIDPLUS", "IMAP4rev2"]).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_merged_without_mod_sequences_and_identifiers() {
    check(&["OBJECTID", "QRESYNC", "CONDSTORE", "MOVE", "IMAP4rev2"]).await;
}
