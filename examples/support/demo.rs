//! The embedded server with some mail in it, so that an example has something to show without an
//! account.

use std::time::{SystemTime, UNIX_EPOCH};

use imap_duplex::testing::Server;
use imap_duplex::types::{Flag, Flags, Timestamp, Uid};

/// One message: its age in hours, its sender, its subject, its text; whether it is unread.
type Mail = (u32, &'static str, &'static str, &'static str, bool);

/// The first is older than a week at any time of day, for SINCE counts whole days.
const INBOX: [Mail; 8] = [
    (198, "Ann Lee <ann@example.org>", "Minutes of Monday", "Find them below.", false),
    (150, "Build <build@example.org>", "Build 4709 is green", "All 812 tests pass.", false),
    (121, "Harbour News <news@example.net>", "What the tide brings", "This week: knots.", false),
    (73, "Build <build@example.org>", "Build 4710 is red", "2 of 812 tests fail.", false),
    (
        50,
        "=?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@example.com>",
        "=?utf-8?q?Fotos_von_der_=C3=9Cberfahrt?=",
        "Siehe Anhang.",
        true,
    ),
    (27, "Ann Lee <ann@example.org>", "Lunch on Thursday?", "At noon, at the harbour?", false),
    (9, "Carla Ruiz <carla@example.com>", "Invoice 2024-117", "Due in 14 days.", true),
    (2, "Build <build@example.org>", "Build 4711 is green", "All 815 tests pass.", true),
];
const PROJECTS: [Mail; 3] = [
    (300, "Carla Ruiz <carla@example.com>", "Offer for the new pier", "Three variants, see below.", false),
    (200, "Ann Lee <ann@example.org>", "Re: Offer for the new pier", "The second, I think.", false),
    (30, "Carla Ruiz <carla@example.com>", "Re: Offer for the new pier", "Then that it is.", true),
];

/// A server whose user has mail in INBOX and Projects.
pub(crate) fn server() -> Server {
    let server = Server::new();
    fill(&server);
    server
}

/// Puts mail into INBOX and Projects.
pub(crate) fn fill(server: &Server) {
    for (mailbox, mails) in [("INBOX", &INBOX[..]), ("Projects", &PROJECTS)] {
        for &(hours, from, subject, text, unread) in mails {
            let flags = Flags::from_iter((!unread).then_some(Flag::Seen));
            server.deliver_with(mailbox, message(from, subject, text), flags, ago(hours));
        }
    }
}

/// Delivers a message to a mailbox.
pub(crate) fn deliver(server: &Server, mailbox: &str, from: &str, subject: &str) -> Uid {
    server.deliver(mailbox, message(from, subject, "That is all."))
}

/// A message, of now.
pub(crate) fn message(from: &str, subject: &str, text: &str) -> String {
    format!(
        "From: {from}\r\nTo: Alice <alice@example.org>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    )
}

/// So many hours ago.
pub(crate) fn ago(hours: u32) -> Option<Timestamp> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Timestamp::new(i64::try_from(now.as_secs()).ok()? - i64::from(hours) * 3600, 0)
}
