//! The embedded server as a lively place: conversations, an attachment, HTML, and mail that keeps
//! arriving while other programs read, flag and delete.

use std::time::Duration;

use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, Uid};
use tokio::time::sleep;

use super::support::demo;

/// Between two things that happen.
const STEP: Duration = Duration::from_secs(4);

/// A message of a conversation: its age in hours, its author, its number, the one that it answers,
/// its subject, its text.
type Mail = (u32, &'static str, u32, u32, &'static str, &'static str);

const ANN: &str = "Ann Lee <ann@example.org>";
const CARLA: &str = "Carla Ruiz <carla@example.com>";
const TOM: &str = "Tom Okafor <tom@example.net>";

const TALK: [Mail; 8] = [
    (
        76,
        TOM,
        1,
        0,
        "Boat trip in May",
        "Hello all,\r\n\r\nthe harbour has a boat free on the second weekend of May: eleven places, from Saturday noon to \
         Sunday evening. I would like to book it by Friday.\r\n\r\nWho comes along? Who can cook?\r\n\r\nTom",
    ),
    (
        74,
        ANN,
        2,
        1,
        "Re: Boat trip in May",
        "> Who comes along? Who can cook?\r\n\r\nI do, and I can't.\r\n\r\nAnn",
    ),
    (
        51,
        CARLA,
        3,
        1,
        "Re: Boat trip in May",
        "> the harbour has a boat free on the second weekend of May\r\n\r\nIs it the one with the leaking hatch? Then I \
         bring the tar, and a pot of lentils.\r\n\r\nCarla",
    ),
    (
        49,
        TOM,
        4,
        3,
        "Re: Boat trip in May",
        "> Is it the one with the leaking hatch?\r\n\r\nIt was mended. Mostly.\r\n\r\nTom",
    ),
    (20, ANN, 5, 4, "Re: Boat trip in May", "> Mostly.\r\n\r\nI bring a bucket.\r\n\r\nAnn"),
    (
        19,
        CARLA,
        6,
        0,
        "The plan of the pier, second version",
        "Attached is the plan. The steps are wider now.\r\n\r\nCarla",
    ),
    (
        6,
        TOM,
        7,
        6,
        "Re: The plan of the pier, second version",
        "> The steps are wider now.\r\n\r\nGood. What about the lamp?\r\n\r\nTom",
    ),
    (3, ANN, 8, 0, "Keys", "Have I left my keys with you?\r\n\r\nAnn"),
];

/// What arrives later.
const LATER: [(&str, u32, &str, &str); 6] = [
    (TOM, 5, "Re: Boat trip in May", "> I bring a bucket.\r\n\r\nBooked, then. Eleven of eleven.\r\n\r\nTom"),
    (ANN, 8, "Re: Keys", "Found them: they were in the boat.\r\n\r\nAnn"),
    (
        CARLA,
        7,
        "Re: The plan of the pier, second version",
        "> What about the lamp?\r\n\r\nIt stays where it is.\r\n\r\nCarla",
    ),
    (TOM, 0, "Lentils", "How many are \"a pot\"?\r\n\r\nTom"),
    (CARLA, 20, "Re: Lentils", "Eleven.\r\n\r\nCarla"),
    (ANN, 0, "Photographs", "They are on the shelf in the hall.\r\n\r\nAnn"),
];

const PAGE: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=alternative\r\n\r\n\
    --alternative\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <html><style>p { color: teal }</style><h1>Tides</h1><p>High water is at <b>14:20</b>, low water at <b>20:35</b>.</p>\
    <p>The ferry leaves from pier&nbsp;3.</p></html>\r\n--alternative--\r\n";

const PLAN: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=mixed\r\n\r\n\
    --mixed\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nAttached is the plan. The steps are wider now.\r\n\r\nCarla\r\n\
    --mixed\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"pier, second version.pdf\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQKJSBhIHBpZXIK\r\n--mixed--\r\n";

/// Puts more mail onto the demonstration server.
pub(crate) fn fill(server: &Server) {
    server.create("Archive");
    server.deliver_with(
        "INBOX",
        head("Harbour News <news@example.net>", "The tides of today", 40, 0) + PAGE,
        Flags::new(),
        demo::ago(5),
    );
    for (hours, from, number, answers, subject, text) in TALK {
        let head = head(from, subject, number, answers);
        let message = if number == 6 { head + PLAN } else { message(&head, text) };
        let flags = Flags::from_iter((hours > 24).then_some(Flag::Seen));
        server.deliver_with("INBOX", message, flags, demo::ago(hours));
    }
}

fn head(from: &str, subject: &str, number: u32, answers: u32) -> String {
    let id = |number: u32| format!("<{number}.harbour@example.org>");
    let answer = match answers {
        0 => String::new(),
        other => format!("In-Reply-To: {0}\r\nReferences: {0}\r\n", id(other)),
    };
    format!(
        "From: {from}\r\nTo: Alice <alice@example.org>\r\nSubject: {subject}\r\nMessage-ID: {}\r\n{answer}",
        id(number)
    )
}

fn message(head: &str, text: &str) -> String {
    format!("{head}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n")
}

/// Lets things happen for ever; without a server of our own, nothing.
pub(crate) async fn play(server: Option<Server>) {
    let Some(server) = server else { return std::future::pending().await };
    for round in 0u32.. {
        sleep(STEP).await;
        let at = usize::try_from(round).unwrap_or_default();
        if let Some((from, answers, subject, text)) = LATER.get(at) {
            // Lentils are answered, too.
            let number = if *subject == "Lentils" { 20 } else { 21 + round };
            server.deliver("INBOX", message(&head(from, subject, number, *answers), text));
            continue;
        }
        match round % 4 {
            0 | 2 => {
                let subject = format!("Build {} is green", 4712 + round / 2);
                demo::deliver(&server, "INBOX", "Build <build@example.org>", &subject);
            }
            1 => {
                // Another program has read it.
                if let Some(newest) = newest(&server) {
                    server.add_flags("INBOX", newest, Flag::Seen);
                }
            }
            _ => _ = demo::deliver(&server, "Projects", CARLA, &format!("The pier: drawing {}", round / 4)),
        }
    }
}

fn newest(server: &Server) -> Option<Uid> {
    server.mailbox("INBOX")?.messages.last().map(|message| message.uid)
}
