//! Each screen, as it is drawn.

use crate::app::{Body, Connection, Event, Folder, Progress, Queued, Row};
use crate::screen::{NOW, Screen, folder, row, rows};

#[test]
fn folders_have_counts_and_their_order() {
    let screen = Screen::new();
    screen.shows(&["INBOX            1/3", "Archive            7", "alice@example.org", "● online"]);
    let text = screen.text();
    let place = |name: &str| text.find(name).expect(name);
    assert!(place("INBOX  ") < place("Drafts") && place("Drafts") < place("Trash"), "{text}");
    assert!(place("Trash") < place("Projects"), "{text}");
}

#[test]
fn folders_say_what_is_wrong_with_them() {
    let mut screen = Screen::new();
    screen.event(Event::Folders(vec![
        Folder { failure: Some("NO locked".to_owned()), ..folder(1, "INBOX", None, 0, 0) },
        Folder { exists: false, ..folder(9, "Pier", None, 0, 0) },
        Folder { is_selectable: false, ..folder(8, "Lists", None, 0, 0) },
    ]));
    screen.shows(&["INBOX !", "not in step: NO locked", "Pier ~"]);
    let text = screen.text();
    let line = text.lines().find(|line| line.contains("Lists")).expect("the folder");
    assert!(!line[..40].contains('0'), "a mere name holds no messages: {line}");
}

#[test]
fn the_list_has_marks_dates_senders_subjects() {
    let mut screen = Screen::new();
    screen.shows(&[
        "INBOX, by date",
        " ●     11:00 Ann                  Lunch on Thursday?",
        "  ★    10:00 Carla                The plan  +",
        "   ↩   09:00 Tom                  Boat trip",
    ]);
    let old = |id: i64, days: i64| Row { date: NOW - days * 86_400, ..row(id, "Ann", "old") };
    screen.list(vec![
        old(1, 2),
        old(2, 400),
        Row { is_pending: true, subject: String::new(), ..row(3, "Ann", "") },
    ]);
    screen.shows(&["28 Nov Ann", "10/2025 Ann", "   ~   09:00 Ann", "(no subject)"]);
}

#[test]
fn conversations_are_indented() {
    let mut screen = Screen::new();
    let asked = screen.key("t");
    assert_eq!(Screen::loaded(&asked), screen.app.source().expect("a folder"));
    screen.list(vec![
        row(3, "Tom", "Boat trip"),
        Row { depth: 1, ..row(2, "Ann", "Re: Boat trip") },
        Row { depth: 2, folder: 3, ..row(1, "Tom", "Re: Boat trip") },
    ]);
    screen.shows(&[
        "INBOX, by conversation",
        "Tom                  Boat trip",
        "Ann                  └ Re: Boat trip",
    ]);
    screen.shows(&["Tom                    └ Archive: Re: Boat trip"]);
}

#[test]
fn a_message_has_a_heading_and_its_text() {
    let mut screen = Screen::new();
    screen.key("down");
    screen.key("enter");
    screen.shows(&["on its way …", "From      Carla <carla@example.org>", "Attached  plan.pdf"]);
    let text = "> the plan\n\nGood.\n".to_owned();
    screen.event(Event::Body { message: 2, body: Ok(Body { text, was_html: true, references: Vec::new() }) });
    screen.shows(&[
        "To        Alice",
        "Date      Mon 30 Nov 2026, 10:00",
        "Subject   The plan",
        "(from HTML)",
    ]);
    screen.shows(&["> the plan", "Good.", "INBOX, by date"]);
    screen.event(Event::Body { message: 2, body: Err("The text is not on this machine.".to_owned()) });
    screen.shows(&["The text is not on this machine."]);
    // What belongs to another message is not shown.
    screen.event(Event::Body { message: 1, body: Ok(Body { text: "lunch".to_owned(), ..Body::default() }) });
    screen.lacks("lunch\n");
}

#[test]
fn long_lines_are_wrapped_with_their_quotation() {
    let mut screen = Screen::new();
    let words = "word ".repeat(40);
    screen.open(&format!("> {words}\n\n{}", "x".repeat(200)));
    let text = screen.text();
    assert_eq!(text.lines().filter(|line| line.contains("> word word")).count(), 3, "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("xxxx")).count(), 3, "{text}");
}

#[test]
fn a_terminal_obeys_nothing_of_a_message() {
    let mut screen = Screen::new();
    let evil = "a\u{1b}[31mb\u{7}\u{202e}c\u{9b}d";
    screen.list(vec![Row { attachments: vec![evil.to_owned()], ..row(1, evil, evil) }]);
    screen.open(&format!("{evil}\t{evil}\r\n"));
    screen.event(Event::Failed(evil.to_owned()));
    let text = screen.text();
    assert!(text.chars().all(|c| c == '\n' || !(c.is_control() || c == '\u{202e}')), "{text:?}");
    screen.shows(&["a[31mbcd"]);
}

#[test]
fn the_title_says_whether_there_is_a_connection() {
    let mut screen = Screen::new();
    let offline = Connection::Offline { reason: "connection refused".to_owned(), retry: Some(7) };
    for (connection, shown) in [
        (Connection::Connecting, "◌ connecting"),
        (offline, "○ offline, again in 7 s: connection refused"),
        (
            Connection::Offline { reason: "wrong password".to_owned(), retry: None },
            "○ offline: wrong password",
        ),
        (Connection::Away, "○ offline, as you wish"),
        (Connection::Online, "● online"),
    ] {
        screen.event(Event::Connection(connection));
        screen.shows(&[shown]);
        // Everything else stays.
        screen.shows(&["Lunch on Thursday?", "INBOX            1/3"]);
    }
}

#[test]
fn the_status_line_has_progress_and_what_is_queued() {
    let mut screen = Screen::new();
    screen.event(Event::Progress(Progress { stored: 250, messages: 1000, folders_listed: 1, folders: 5 }));
    screen.shows(&["█████░░░░░░░░░░░░░░░ 250 of 1000 messages"]);
    screen.event(Event::Progress(Progress { stored: 1000, messages: 1000, folders_listed: 5, folders: 5 }));
    screen.lacks("of 1000 messages");
    let queued = |id, parked: Option<&str>| Queued {
        id,
        what: "move \"Boat trip\" to Archive".to_owned(),
        parked: parked.map(str::to_owned),
    };
    screen.event(Event::Queue(vec![queued(1, None), queued(2, None), queued(3, Some("NO read-only"))]));
    screen.shows(&["2 queued", "1 refused (w)"]);
    screen.event(Event::Queue(Vec::new()));
    screen.lacks("queued");
    screen.event(Event::Done("moved to Archive".to_owned()));
    screen.shows(&["moved to Archive"]);
}

#[test]
fn the_search_is_shown_while_it_is_typed() {
    let mut screen = Screen::new();
    screen.key("/");
    screen.type_text("boat");
    screen.shows(&["search: boat", "enter to the results"]);
    screen.list(vec![Row { folder: 3, ..row(3, "Tom", "Boat trip") }]);
    screen.shows(&["1 found: boat", "Archive: Boat trip"]);
    screen.list(Vec::new());
    screen.shows(&["0 found: boat", "nothing found"]);
}

#[test]
fn a_small_screen_shows_what_fits() {
    for keys in ["", "?", "w", "m", "d", "r", "c", "/", "enter"] {
        for (columns, lines) in [(100, 12), (40, 10), (20, 6), (7, 4), (1, 1), (250, 80)] {
            let mut screen = Screen::new();
            screen.event(Event::Queue(vec![Queued {
                id: 1,
                what: "x".repeat(300),
                parked: Some("y ".repeat(300)),
            }]));
            screen.keys(keys);
            screen.resize(columns, lines);
            assert_eq!(screen.text().lines().count(), usize::from(lines));
        }
    }
    let mut screen = Screen::new();
    screen.open("Good.");
    screen.resize(100, 14);
    screen.shows(&["Subject   Lunch on Thursday?", "Good."]);
    screen.lacks("by date");
}

#[test]
fn the_chosen_row_is_visible_in_a_long_list() {
    let mut screen = Screen::new();
    screen.list((1..=100).map(|id| row(id, "Ann", &format!("number {id}."))).collect());
    screen.key("end");
    screen.shows(&["number 100."]);
    screen.lacks("number 1.");
    screen.key("home");
    screen.shows(&["number 1."]);
    // What comes above moves neither what is chosen nor what is seen of a list that was scrolled.
    (0..50).for_each(|_| drop(screen.key("j")));
    let before = screen.text();
    let newer = (-5..=100).filter(|id| *id != 0).map(|id| row(id, "Ann", &format!("number {id}.")));
    screen.list(newer.collect());
    assert_eq!(screen.app.list.chosen().map(|row| row.id), Some(51));
    assert_eq!(before, screen.text());
}

#[test]
fn a_list_that_belongs_to_another_folder_is_not_shown() {
    let mut screen = Screen::new();
    let inbox = screen.app.source().expect("INBOX");
    screen.keys("left down");
    screen.event(Event::List { source: inbox, rows: rows(), is_all: true });
    screen.lacks("Lunch on Thursday?");
}
