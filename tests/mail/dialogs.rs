//! What lies on top: help, the queue, the choice of a folder, questions, a reply.

use crate::app::{Action, Body, Draft, Event, Folder, Queued, Role, Row};
use crate::screen::{Screen, folder, row};

#[test]
fn help_names_each_key() {
    let mut screen = Screen::new();
    screen.key("?");
    for what in [
        "flag",
        "unread",
        "archive",
        "delete",
        "move",
        "reply",
        "write on a draft",
        "attached",
        "search",
        "at the server",
        "conversation",
        "offline",
        "quit",
    ] {
        screen.shows(&[what]);
    }
    assert_eq!(screen.key("q"), []);
    screen.lacks(" keys ");
}

#[test]
fn the_help_line_is_that_of_what_takes_the_keys() {
    let mut screen = Screen::new();
    screen.shows(&["enter open", "/ search", "a archive", "d delete", "r reply"]);
    screen.key("left");
    screen.shows(&["→ list", "s sync", "o offline"]);
    screen.key("right");
    screen.open("At noon?");
    screen.shows(&["esc back", "n/p next"]);
}

fn queue() -> Vec<Queued> {
    let queued = |id, what: &str, parked: Option<&str>| Queued {
        id,
        what: what.to_owned(),
        parked: parked.map(str::to_owned),
    };
    vec![
        queued(7, "move \"Boat trip\" to Archive", None),
        queued(8, "flags of \"Lunch\": +\\Flagged", Some("NO [LIMIT] it is too late")),
    ]
}

#[test]
fn the_queue_shows_what_waits_and_what_was_refused() {
    let mut screen = Screen::new();
    screen.key("w");
    screen.shows(&["Nothing is queued."]);
    assert_eq!(screen.keys("r x down"), []);
    screen.event(Event::Queue(queue()));
    screen.shows(&[
        "~ move \"Boat trip\" to Archive",
        "✗ flags of \"Lunch\": +\\Flagged",
        "NO [LIMIT] it is too late",
    ]);
    assert_eq!(screen.key("r"), [], "what is on its way is not sent again");
    assert_eq!(screen.keys("down r"), [Action::Retry(8)]);
    assert_eq!(screen.key("x"), [Action::DropQueued(8)]);
    assert_eq!(screen.keys("up d"), [Action::DropQueued(7)]);
    screen.key("esc");
    screen.lacks("Nothing is queued");
    assert_eq!(screen.key("q"), [Action::Quit]);
}

#[test]
fn the_queue_scrolls_to_what_is_chosen() {
    let mut screen = Screen::new();
    let queued = (1..=60).map(|id| Queued { id, what: format!("operation {id}."), parked: None });
    screen.event(Event::Queue(queued.collect()));
    screen.key("w");
    (0..59).for_each(|_| drop(screen.key("down")));
    screen.shows(&["operation 60."]);
    assert_eq!(screen.key("x"), [Action::DropQueued(60)]);
}

#[test]
fn a_folder_is_chosen_by_its_name() {
    let mut screen = Screen::new();
    screen.list((1..=6).map(|id| row(id, "Ann", "Lunch")).collect());
    screen.key("m");
    screen.shows(&["move to", "INBOX", "Projects", "Trash"]);
    screen.type_text("proj");
    assert_eq!(screen.key("enter"), [Action::Move { messages: vec![1], to: 4 }]);

    screen.keys("m down down");
    assert_eq!(screen.key("enter"), [Action::Move { messages: vec![2], to: 3 }]);

    screen.keys("space space m");
    screen.shows(&["move 2 messages to"]);
    screen.type_text("Pier");
    screen.shows(&["enter makes the folder Pier"]);
    let name = "Pier".to_owned();
    assert_eq!(screen.key("enter"), [Action::MoveToNew { messages: vec![3, 4], name }]);

    screen.key("m");
    screen.type_text("inbox");
    assert_eq!(screen.key("enter"), [], "it is there");
    screen.keys("m esc");
    screen.lacks("move to");
}

#[test]
fn what_would_be_deleted_for_good_is_asked_for() {
    let mut screen = Screen::new();
    let mut trashed = crate::screen::rows();
    trashed.iter_mut().for_each(|row| row.folder = 5);
    screen.list(trashed);
    assert_eq!(screen.key("d"), []);
    screen.shows(&["Delete \"Lunch on Thursday?\" for good?", "y delete for good"]);
    assert_eq!(screen.key("n"), []);
    screen.shows(&["nothing was deleted"]);
    screen.keys("space space d");
    screen.shows(&["Delete 2 messages for good?"]);
    assert_eq!(screen.key("y"), [Action::Expunge(vec![1, 2])]);
}

#[test]
fn without_a_trash_deleting_asks_and_without_an_archive_one_is_made() {
    let mut screen = Screen::new();
    screen.event(Event::Folders(vec![
        folder(1, "INBOX", Some(Role::Inbox), 1, 3),
        Folder { is_selectable: false, ..folder(2, "Lists", None, 0, 0) },
    ]));
    assert_eq!(screen.key("d"), []);
    assert_eq!(screen.key("y"), [Action::Expunge(vec![1])]);
    let name = "Archive".to_owned();
    assert_eq!(screen.key("a"), [Action::MoveToNew { messages: vec![2], name }]);
    screen.key("m");
    screen.lacks("│ Lists   ▏");
    screen.type_text("Lists");
    screen.shows(&["enter makes the folder Lists"]);
}

#[test]
fn what_is_in_the_archive_stays_there() {
    let mut screen = Screen::new();
    let mut archived = crate::screen::rows();
    archived.iter_mut().for_each(|row| row.folder = 3);
    screen.list(archived);
    assert_eq!(screen.key("a"), []);
    screen.shows(&["this is the archive"]);
}

#[test]
fn a_reply_quotes_and_is_kept() {
    let mut screen = Screen::new();
    screen.key("enter");
    let body = Body {
        text: "At noon?\n\n> earlier\n".to_owned(),
        was_html: false,
        references: vec!["0@example.org".to_owned()],
    };
    screen.event(Event::Body { message: 1, body: Ok(body) });
    screen.key("r");
    screen.shows(&[
        "To       Ann <ann@example.org>",
        "Subject  Re: Lunch on Thursday?",
        "Ann wrote:",
        "> At noon?",
    ]);
    screen.shows(&[">> earlier", "ctrl-s keep as draft"]);
    screen.type_text("Yes q");
    screen.key("enter");
    let kept = screen.key("ctrl-s");
    let text = "Yes q\n\n\nAnn wrote:\n> At noon?\n> \n>> earlier\n".to_owned();
    let draft = Draft {
        to: "Ann <ann@example.org>".to_owned(),
        subject: "Re: Lunch on Thursday?".to_owned(),
        text,
        answers: Some(1),
        references: vec!["0@example.org".to_owned(), "1@example.org".to_owned()],
        replaces: None,
    };
    assert_eq!(kept, [Action::Save(draft)]);
    screen.lacks("Ann wrote:");
}

/// From the list: the message is not open, and may have to be fetched.
#[test]
fn a_reply_quotes_what_comes_later_unless_something_was_written() {
    for is_written in [false, true] {
        let mut screen = Screen::new();
        assert_eq!(screen.key("r"), [Action::Open(1)]);
        screen.shows(&["Subject  Re: Lunch on Thursday?", "Ann wrote:"]);
        if is_written {
            screen.type_text("Yes");
        }
        let body = Body { text: "At noon?\n".to_owned(), was_html: false, references: Vec::new() };
        screen.event(Event::Body { message: 1, body: Ok(body) });
        match is_written {
            false => screen.shows(&["Ann wrote:", "> At noon?"]),
            true => {
                screen.shows(&["Yes", "Ann wrote:"]);
                screen.lacks("> At noon?");
            }
        }
    }
}

#[test]
fn a_reply_that_was_begun_is_not_lost_by_a_key() {
    let mut screen = Screen::new();
    screen.keys("r esc");
    screen.lacks("write");
    screen.keys("r x esc");
    screen.shows(&["y give it up"]);
    screen.key("n");
    screen.shows(&["Subject  Re: Lunch on Thursday?"]);
    screen.keys("esc y");
    screen.shows(&["the reply was given up"]);
    screen.lacks("Subject  Re:");
}

#[test]
fn all_fields_are_edited() {
    let mut screen = Screen::new();
    screen.key("c");
    screen.type_text("tom@example.net");
    screen.key("enter");
    screen.type_text("Boatz");
    screen.keys("backspace enter");
    screen.type_text("one");
    screen.key("enter");
    screen.event(Event::Paste("two\nthree\u{1b}".to_owned()));
    screen.keys("up home");
    screen.type_text("2 ");
    screen.keys("left left left delete end enter up up end right");
    let kept = screen.key("ctrl-s");
    let [Action::Save(draft)] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!((draft.to.as_str(), draft.subject.as_str()), ("tom@example.net", "Boat"));
    assert_eq!(draft.text, "one2 two\n\nthree");
    assert_eq!((draft.answers, draft.references.len()), (None, 0));
}

#[test]
fn a_long_line_goes_on_below() {
    let mut screen = Screen::new();
    screen.keys("c tab tab");
    screen.type_text(&"word ".repeat(20));
    let kept = screen.key("ctrl-s");
    let [Action::Save(draft)] = &kept[..] else { panic!("{kept:?}") };
    assert!(draft.text.lines().all(|line| line.chars().count() <= 73), "{}", draft.text);
    assert_eq!(draft.text.split_whitespace().count(), 20);
}

#[test]
fn a_draft_is_written_on_and_takes_the_place_of_the_older_one() {
    let mut screen = Screen::new();
    assert_eq!(screen.key("e"), []);
    screen.shows(&["only a draft can be written on"]);
    let draft = Row { is_draft: true, folder: 2, ..row(8, "Alice", "Re: Boat trip") };
    screen.list(vec![draft]);
    assert_eq!(screen.key("e"), [Action::Edit(8)]);
    let kept = Draft {
        to: "\"Ruiz, Carla\" <carla@example.com>".to_owned(),
        subject: "Re: Boat trip".to_owned(),
        text: "I come.\n".to_owned(),
        answers: None,
        references: vec!["1@example.org".to_owned()],
        replaces: Some(8),
    };
    screen.event(Event::Draft(kept.clone()));
    screen.shows(&["To       \"Ruiz, Carla\" <carla@example.com>", "Subject  Re: Boat trip", "I come."]);
    screen.type_text("Yes. ");
    let text = "Yes. I come.\n".to_owned();
    assert_eq!(screen.key("ctrl-s"), [Action::Save(Draft { text, ..kept.clone() })]);
    screen.done();
    // It comes while the user has begun something else.
    screen.key("w");
    screen.event(Event::Draft(kept));
    screen.shows(&["Nothing is queued."]);
    screen.key("esc");
    screen.lacks("Subject  Re:");
}

#[test]
fn attachments_are_listed_and_saved() {
    let mut screen = Screen::new();
    assert_eq!(screen.key("v"), []);
    screen.shows(&["nothing is attached"]);
    let attachments = vec!["plan.pdf".to_owned(), "pier.png".to_owned()];
    screen.list(vec![Row { attachments, ..row(2, "Carla", "The plan") }]);
    screen.key("v");
    screen.shows(&["save what is attached", "plan.pdf", "pier.png", "enter save", "a save all"]);
    assert_eq!(screen.keys("down down enter"), [Action::Export { message: 2, which: Some(1) }]);
    screen.event(Event::Said("saved as ./pier.png".to_owned()));
    screen.shows(&["saved as ./pier.png"]);
    screen.lacks("save what is attached");
    assert_eq!(screen.keys("v a"), [Action::Export { message: 2, which: None }]);
    assert_eq!(screen.keys("v esc"), []);
    screen.lacks("save what is attached");
}
