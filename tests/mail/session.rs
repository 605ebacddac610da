//! The program in a real terminal: read, flagged, moved, searched and written, online and offline,
//! as a user does.

use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, Timestamp};
use tokio::time::{Instant, sleep};

use crate::support::cutter::Cutter;
use crate::support::program::path;
use crate::support::within;
use crate::tmux::Tmux;

const LIMIT: Duration = Duration::from_secs(240);

const SUBJECTS: [&str; 4] = ["Invoice", "Boat trip", "Lunch on Thursday", "Keys"];

fn message(number: usize, subject: &str) -> String {
    format!(
        "From: Ann Lee <ann@example.org>\r\nTo: Alice <alice@example.org>\r\nSubject: {subject}\r\n\
         Message-ID: <{number}@example.org>\r\n\r\nThe text about {subject}.\r\n"
    )
}

/// The subjects in a mailbox at the server, sorted.
fn subjects(server: &Server, mailbox: &str) -> Vec<String> {
    let messages = server.mailbox(mailbox).map(|mailbox| mailbox.messages).unwrap_or_default();
    let subject = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().find_map(|line| line.strip_prefix("Subject: ").map(str::to_owned)).unwrap_or_default()
    };
    let mut subjects: Vec<String> = messages.iter().map(|message| subject(&message.bytes)).collect();
    subjects.sort();
    subjects
}

/// The flags of a message in INBOX.
fn flags(server: &Server, subject: &str) -> Flags {
    let inbox = server.mailbox("INBOX").expect("there is one");
    let is_it = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(&format!("Subject: {subject}\r\n"));
    let found = inbox.messages.iter().find(|message| is_it(&message.bytes));
    found.map(|message| message.flags.clone()).unwrap_or_default()
}

#[track_caller]
fn until(what: &str, is_so: impl Fn() -> bool) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + Duration::from_secs(40);
        while !is_so() {
            assert!(Instant::now() < deadline, "{place}: {what} is not so at the server");
            sleep(Duration::from_millis(50)).await;
        }
    }
}

struct Session {
    server: Server,
    way: Cutter,
    terminal: Tmux,
    folder: tempfile::TempDir,
}

impl Session {
    async fn start() -> Self {
        let server = Server::builder().no_tls().start();
        for (number, subject) in SUBJECTS.iter().enumerate() {
            server.deliver("INBOX", message(number, subject));
        }
        let way = Cutter::start(server.listen().await.expect("a port")).await;
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("mail.store");
        let command = format!(
            "'{}' --store '{}' --save-to '{}' imap://{}:{}@127.0.0.1:{}/; echo it ended with $?; sleep 600",
            path("mail").display(),
            store.display(),
            folder.path().display(),
            server.user(),
            server.password(),
            way.port(),
        );
        let session = Self { server, way, terminal: Tmux::start(&command), folder };
        session.terminal.shows("● online").await;
        session.terminal.shows("INBOX            4/4").await;
        session
    }

    async fn quit(self) {
        self.terminal.keys("q");
        self.terminal.shows("it ended with 0").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_read_and_flagged_while_more_arrives() {
    within(LIMIT, async {
        let session = Session::start().await;
        let (terminal, server) = (&session.terminal, &session.server);
        terminal.shows("Lunch on Thursday").await;
        terminal.keys("Enter");
        terminal.shows("The text about Keys.").await;
        until("read", || flags(server, "Keys").contains(&Flag::Seen)).await;
        terminal.shows("INBOX            3/4").await;
        terminal.keys("Escape");
        terminal.lacks("The text about Keys.").await;
        terminal.keys("j f");
        terminal.shows("★").await;
        until("flagged", || flags(server, "Lunch on Thursday").contains(&Flag::Flagged)).await;

        server.deliver("INBOX", message(9, "The news of today"));
        terminal.shows("The news of today").await;
        terminal.shows("INBOX            4/5").await;

        // What was chosen is still chosen.
        terminal.keys("d");
        terminal.shows("moved to Trash").await;
        until("deleted", || subjects(server, "Trash") == ["Lunch on Thursday"]).await;

        server.on("UID STORE").no("not on Mondays");
        terminal.keys("f");
        terminal.shows("1 refused (w)").await;
        terminal.keys("w");
        terminal.shows("not on Mondays").await;
        terminal.keys("r");
        terminal.shows("Nothing is queued.").await;
        until("sent again", || flags(server, "Boat trip").contains(&Flag::Flagged)).await;
        terminal.keys("Escape");
        // Together with the next key it would be another one.
        terminal.lacks("Nothing is queued.").await;

        server.on("UID STORE").no("not on Mondays");
        terminal.keys("u");
        terminal.shows("1 refused (w)").await;
        terminal.keys("w");
        terminal.shows("not on Mondays").await;
        terminal.keys("x");
        terminal.shows("Nothing is queued.").await;
        terminal.keys("Escape");
        terminal.lacks("Nothing is queued.").await;
        session.quit().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_train_everything_goes_on() {
    within(LIMIT, async {
        let session = Session::start().await;
        let (terminal, server) = (&session.terminal, &session.server);
        // All texts are here once they are found by their words.
        terminal.keys("/");
        terminal.type_text("text about");
        terminal.shows("4 found: text about").await;
        terminal.keys("Escape");
        session.way.set_away(true);
        session.way.cut();
        terminal.shows("○ offline").await;

        // The same message twice.
        terminal.keys("d");
        terminal.shows("moved to Trash").await;
        terminal.shows("1 queued").await;
        terminal.keys("Left Down Down Down");
        terminal.shows("Trash, by date").await;
        terminal.keys("Right m");
        terminal.type_text("Pier");
        terminal.shows("enter makes the folder Pier").await;
        terminal.keys("Enter");
        terminal.shows("Pier ~           1/1").await;
        terminal.keys("w");
        terminal.shows("make the folder Pier").await;
        terminal.keys("Escape");
        terminal.lacks("make the folder Pier").await;

        // One into the trash, and from there for good.
        terminal.keys("Left g Right");
        terminal.shows("INBOX, by date").await;
        terminal.shows("Boat trip").await;
        terminal.keys("d");
        terminal.shows("moved to Trash").await;
        terminal.keys("Left Down Down Down Right");
        terminal.shows("Trash, by date").await;
        terminal.shows("Lunch on Thursday").await;
        terminal.keys("d");
        terminal.shows("for good?").await;
        terminal.keys("y");
        terminal.shows("deleted").await;

        // Found, read, and answered.
        terminal.keys("/");
        terminal.type_text("boa");
        terminal.shows("1 found: boa").await;
        terminal.keys("Enter Enter");
        terminal.shows("The text about Boat trip.").await;
        terminal.keys("r");
        terminal.shows("> The text about Boat trip.").await;
        terminal.type_text("I come along.");
        terminal.keys("C-s");
        terminal.shows("kept in Drafts").await;
        assert_eq!(subjects(server, "INBOX").len(), 4, "nothing was sent");

        session.way.set_away(false);
        terminal.keys("s");
        terminal.shows("● online").await;
        until("moved", || subjects(server, "Pier") == ["Keys"]).await;
        until("deleted", || subjects(server, "INBOX") == ["Boat trip", "Invoice"]).await;
        until("written", || subjects(server, "Drafts") == ["Re: Boat trip"]).await;
        until("empty", || subjects(server, "Trash").is_empty()).await;
        terminal.lacks("queued").await;
        session.quit().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_by_choice_and_back() {
    within(LIMIT, async {
        let session = Session::start().await;
        let (terminal, server) = (&session.terminal, &session.server);
        terminal.keys("o");
        terminal.shows("○ offline, as you wish").await;
        terminal.keys("f");
        terminal.shows("1 queued").await;
        assert!(!flags(server, "Keys").contains(&Flag::Flagged));
        terminal.keys("o");
        terminal.shows("● online").await;
        terminal.lacks("queued").await;
        until("flagged", || flags(server, "Keys").contains(&Flag::Flagged)).await;
        session.quit().await;
    })
    .await;
}

const PLAN: &str = "From: Carla <carla@example.com>\r\nSubject: The plan\r\nMessage-ID: <plan@example.com>\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
    Attached.\r\n--b\r\nContent-Type: text/csv; name=\"../tides.csv\"\r\n\
    Content-Disposition: attachment; filename=\"../tides.csv\"\r\nContent-Transfer-Encoding: base64\r\n\r\n\
    aGlnaCwxNDoyMApsb3csMjA6\r\nMzUK\r\n--b--\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn drafts_are_written_on_attachments_saved_and_the_server_asked() {
    within(LIMIT, async {
        let session = Session::start().await;
        let (terminal, server) = (&session.terminal, &session.server);
        server.deliver("INBOX", PLAN);
        terminal.shows("The plan").await;
        terminal.keys("g v");
        terminal.shows("save what is attached").await;
        terminal.shows("tides.csv").await;
        terminal.keys("Enter");
        terminal.shows("saved as").await;
        let saved = std::fs::read(session.folder.path().join("tides.csv")).expect("a file");
        assert_eq!(String::from_utf8_lossy(&saved), "high,14:20\nlow,20:35\n");
        terminal.keys("v a");
        terminal.shows("tides (2).csv").await;

        terminal.keys("c");
        terminal.type_text("Tom <tom@example.net>");
        terminal.keys("Tab");
        terminal.type_text("Crew");
        terminal.keys("Tab");
        terminal.type_text("We are two.");
        terminal.keys("C-s");
        terminal.shows("kept in Drafts").await;
        until("written", || subjects(server, "Drafts") == ["Crew"]).await;
        terminal.keys("Left Down Right");
        terminal.shows("Drafts, by date").await;
        terminal.shows("Crew").await;
        terminal.keys("e");
        terminal.shows("Subject  Crew").await;
        terminal.shows("Tom <tom@example.net>").await;
        terminal.keys("End");
        terminal.type_text(" No, three.");
        terminal.keys("C-s");
        terminal.shows("kept in Drafts").await;
        let drafts = || server.mailbox("Drafts").map(|drafts| drafts.messages).unwrap_or_default();
        until("kept once", || {
            let texts = drafts()
                .iter()
                .map(|one| String::from_utf8_lossy(&one.bytes).into_owned())
                .collect::<Vec<_>>();
            texts.len() == 1 && texts[0].contains("We are two. No, three.")
        })
        .await;

        // What the server refuses takes the place of nothing there, until it is sent once more.
        server.on("APPEND").no("not on Mondays");
        terminal.keys("e");
        terminal.shows("Subject  Crew").await;
        terminal.keys("End");
        terminal.type_text(" Or four.");
        terminal.keys("C-s");
        terminal.shows("1 refused (w)").await;
        let text = String::from_utf8_lossy(&drafts()[0].bytes).into_owned();
        assert!(drafts().len() == 1 && !text.contains("Or four."), "{text}");
        terminal.keys("w");
        terminal.shows("which was written again").await;
        terminal.keys("r");
        terminal.shows("Nothing is queued.").await;
        terminal.keys("Escape");
        terminal.lacks("Nothing is queued.").await;
        until("the newer one", || {
            let texts = drafts();
            texts.len() == 1 && String::from_utf8_lossy(&texts[0].bytes).contains("Or four.")
        })
        .await;

        // So old that its text is not here.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        let old = Timestamp::new(i64::try_from(now.as_secs()).expect("small") - 400 * 24 * 60 * 60, 0);
        let text = message(20, "An old letter").replace("The text", "The lantern");
        server.deliver_with("INBOX", text, Flags::new(), old);
        terminal.keys("Left Up Right s");
        terminal.shows("An old letter").await;
        terminal.keys("/");
        terminal.type_text("lantern");
        terminal.shows("nothing found").await;
        terminal.keys("Enter S");
        terminal.shows("1 more found by the server").await;
        terminal.shows("An old letter").await;
        session.quit().await;
    })
    .await;
}
