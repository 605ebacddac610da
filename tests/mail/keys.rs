//! Each key: what it asks for, and what it changes.

use crate::app::{Action, Connection, Event, Focus, Row, Source};
use crate::screen::{Screen, row, rows};

/// What a key in the list leads to.
#[test]
fn keys_of_the_list_ask_for_what_they_say() {
    let table: [(&str, Vec<Action>); 13] = [
        ("f", vec![Action::Flag { messages: vec![1], flagged: true }]),
        ("j f", vec![Action::Flag { messages: vec![2], flagged: false }]),
        ("u", vec![Action::Seen { messages: vec![1], seen: true }]),
        ("down u", vec![Action::Seen { messages: vec![2], seen: false }]),
        ("a", vec![Action::Move { messages: vec![1], to: 3 }]),
        ("d", vec![Action::Move { messages: vec![1], to: 5 }]),
        ("space space d", vec![Action::Move { messages: vec![1, 2], to: 5 }]),
        ("space j f", vec![Action::Flag { messages: vec![1], flagged: true }]),
        ("end enter", vec![Action::Open(3)]),
        ("s", vec![Action::SyncNow]),
        ("o", vec![Action::Away(true)]),
        ("q", vec![Action::Quit]),
        ("ctrl-c", vec![Action::Quit]),
    ];
    for (keys, expected) in table {
        let mut screen = Screen::new();
        assert_eq!(screen.keys(keys), expected, "{keys}");
    }
}

#[test]
fn the_same_keys_act_on_the_open_message() {
    let table: [(&str, Vec<Action>); 6] = [
        ("f", vec![Action::Flag { messages: vec![2], flagged: false }]),
        ("u", vec![Action::Seen { messages: vec![2], seen: false }]),
        ("a", vec![Action::Move { messages: vec![2], to: 3 }]),
        ("d", vec![Action::Move { messages: vec![2], to: 5 }]),
        ("n", vec![Action::Open(3)]),
        ("p", vec![Action::Open(1)]),
    ];
    for (keys, expected) in table {
        let mut screen = Screen::new();
        screen.key("j");
        screen.open("The plan.");
        assert_eq!(screen.keys(keys), expected, "{keys}");
        let is_gone = ["a", "d"].contains(&keys);
        assert_eq!(screen.app.message.is_none(), is_gone, "{keys}: what is moved is closed");
    }
}

#[test]
fn a_message_is_read_once_its_text_is_shown() {
    let mut screen = Screen::new();
    assert_eq!(screen.open("At noon?"), [Action::Seen { messages: vec![1], seen: true }]);
    screen.done();
    screen.list(rows().into_iter().map(|row| Row { is_seen: true, ..row }).collect());
    screen.key("esc");
    assert_eq!(screen.open("At noon?"), []);
    // Not if the text could not be had.
    let mut screen = Screen::new();
    screen.key("enter");
    assert_eq!(screen.event(Event::Body { message: 1, body: Err("offline".to_owned()) }), []);
    // It is asked for again once there is a connection.
    screen.event(Event::Connection(Connection::Connecting));
    assert_eq!(screen.event(Event::Connection(Connection::Online)), [Action::Open(1)]);
    assert_eq!(screen.event(Event::Connection(Connection::Online)), []);
}

/// The next key is for what the user sees, however long the store takes.
#[test]
fn what_is_asked_for_is_seen_before_it_is_done() {
    let mut screen = Screen::new();
    assert_eq!(screen.key("d"), [Action::Move { messages: vec![1], to: 5 }]);
    assert_eq!(screen.key("f"), [Action::Flag { messages: vec![2], flagged: false }]);
    assert_eq!(screen.key("f"), [Action::Flag { messages: vec![2], flagged: true }]);
    assert_eq!(screen.key("u"), [Action::Seen { messages: vec![2], seen: false }]);
    assert_eq!(screen.key("u"), [Action::Seen { messages: vec![2], seen: true }]);
    // What was read in between may be from before.
    screen.list(rows());
    assert_eq!(screen.app.list.rows.len(), 2);
    (0..4).for_each(|_| assert_eq!(screen.event(Event::Done(String::new())), [Action::LoadQueue]));
    screen.done();
    screen.list(rows()[1..].to_vec());
    assert_eq!(screen.key("d"), [Action::Move { messages: vec![2], to: 5 }]);
    // What was not done is seen again.
    let next = screen.event(Event::Failed("no room".to_owned()));
    assert!(next.iter().any(|action| matches!(action, Action::Load { .. })), "{next:?}");
    screen.list(rows()[1..].to_vec());
    assert_eq!(screen.app.list.rows.len(), 2);
    screen.shows(&["no room"]);
}

#[test]
fn what_was_found_stays_found_where_it_is_moved() {
    let mut screen = Screen::new();
    screen.key("/");
    screen.type_text("o");
    screen.list(rows());
    screen.keys("enter d");
    assert_eq!(screen.app.list.rows[0].folder, 5);
    assert_eq!(screen.key("d"), [], "it is in the trash: for good is asked for");
}

#[test]
fn folders_are_chosen_by_arrows() {
    let mut screen = Screen::new();
    screen.key("left");
    assert_eq!(screen.app.focus, Focus::Folders);
    let drafts = Source::Folder { id: 2, by_thread: false };
    assert_eq!(Screen::loaded(&screen.key("down")), drafts);
    assert_eq!(Screen::loaded(&screen.key("G")), Source::Folder { id: 4, by_thread: false });
    assert_eq!(screen.key("j"), []);
    assert_eq!(Screen::loaded(&screen.key("g")), Source::Folder { id: 1, by_thread: false });
    // No message is acted on from here.
    assert_eq!(screen.keys("d"), []);
    assert_eq!(screen.keys("a"), []);
    screen.key("enter");
    assert_eq!(screen.app.focus, Focus::List);
}

#[test]
fn tab_goes_round() {
    let mut screen = Screen::new();
    screen.open("At noon?");
    let mut seen = Vec::new();
    for _ in 0..3 {
        screen.key("tab");
        seen.push(screen.app.focus);
    }
    assert_eq!(seen, [Focus::Folders, Focus::List, Focus::Message]);
}

#[test]
fn escape_undoes_one_thing_after_the_other() {
    let mut screen = Screen::new();
    screen.key("space");
    assert_eq!(screen.app.list.marked.len(), 1);
    screen.key("esc");
    assert!(screen.app.list.marked.is_empty());
    screen.keys("/ b enter");
    screen.list(rows());
    screen.open("At noon?");
    screen.key("esc");
    assert!(screen.app.message.is_none() && screen.app.search.is_some());
    assert_eq!(Screen::loaded(&screen.key("esc")), Source::Folder { id: 1, by_thread: false });
    assert!(screen.app.search.is_none());
}

#[test]
fn a_search_asks_at_each_key() {
    let mut screen = Screen::new();
    let found = |text: &str| Source::Search { text: text.to_owned(), also: Vec::new() };
    assert_eq!(screen.key("/"), []);
    assert_eq!(Screen::loaded(&screen.type_text("b")), found("b"));
    assert_eq!(Screen::loaded(&screen.type_text("oa")), found("boa"));
    assert_eq!(Screen::loaded(&screen.key("backspace")), found("bo"));
    // Keys of the list are letters here; and results of an earlier text are too late.
    assert_eq!(Screen::loaded(&screen.type_text(" q")), found("bo q"));
    screen.event(Event::List { source: found("bo"), rows: rows(), is_all: true });
    assert!(screen.app.list.rows.is_empty());
    assert_eq!(Screen::loaded(&screen.key("ctrl-u")), Source::Folder { id: 1, by_thread: false });
    screen.type_text("x");
    assert_eq!(Screen::loaded(&screen.event(Event::Paste("y\nz".to_owned()))), found("xyz"));
    assert_eq!(Screen::loaded(&screen.key("esc")), Source::Folder { id: 1, by_thread: false });
    assert!(!screen.app.is_typing && screen.app.search.is_none());
    // A search for nothing ends.
    screen.keys("/ enter");
    assert!(screen.app.search.is_none());
}

#[test]
fn what_is_chosen_stays_chosen_while_mail_arrives_and_goes() {
    let mut screen = Screen::new();
    screen.key("down");
    let arrived = [vec![row(9, "Zoe", "New")], rows()].concat();
    screen.list(arrived);
    assert_eq!(screen.app.list.chosen().map(|row| row.id), Some(2));
    // It goes: the one below is chosen.
    screen.list(rows().into_iter().filter(|row| row.id != 2).collect());
    assert_eq!(screen.app.list.chosen().map(|row| row.id), Some(3));
    screen.list(rows()[..1].to_vec());
    assert_eq!(screen.app.list.chosen().map(|row| row.id), Some(1));
    screen.list(Vec::new());
    assert_eq!(screen.app.list.chosen(), None);
    assert_eq!(screen.keys("f d a enter r"), []);
}

#[test]
fn marks_of_what_has_gone_are_forgotten() {
    let mut screen = Screen::new();
    screen.keys("space space");
    screen.list(rows()[1..].to_vec());
    assert_eq!(screen.key("f"), [Action::Flag { messages: vec![2], flagged: false }]);
}

#[test]
fn a_change_loads_all_that_is_shown() {
    let mut screen = Screen::new();
    let inbox = Source::Folder { id: 1, by_thread: false };
    let load = Action::Load { source: inbox, count: 100 };
    assert_eq!(screen.event(Event::Changed), [Action::LoadFolders, Action::LoadQueue, load]);
}

#[test]
fn a_long_list_is_loaded_page_by_page() {
    let mut screen = Screen::new();
    let inbox = Source::Folder { id: 1, by_thread: false };
    let page = |count: i64| (1..=count).map(|id| row(id, "Ann", "x")).collect::<Vec<_>>();
    screen.event(Event::List { source: inbox.clone(), rows: page(100), is_all: false });
    assert_eq!(screen.key("down"), []);
    assert_eq!(screen.key("end"), [Action::Load { source: inbox.clone(), count: 200 }]);
    // Not again before it is there.
    assert_eq!(screen.key("up"), []);
    screen.event(Event::List { source: inbox, rows: page(150), is_all: true });
    assert_eq!(screen.key("end"), []);
    assert_eq!(screen.app.list.at, 149);
}

#[test]
fn a_long_message_is_scrolled() {
    let mut screen = Screen::new();
    let text: String = (1..=100).map(|number| format!("line {number}.\n")).collect();
    screen.open(&text);
    screen.shows(&["line 1."]);
    screen.key("space");
    screen.lacks("line 1.");
    screen.key("G");
    screen.shows(&["line 100.", "100 %"]);
    screen.key("j");
    screen.shows(&["line 100."]);
    screen.keys("g");
    screen.shows(&["line 1."]);
    screen.keys("j k pagedown pageup");
    screen.shows(&["line 1."]);
}

#[test]
fn offline_is_the_users_choice_or_not() {
    let mut screen = Screen::new();
    screen.event(Event::Connection(Connection::Offline { reason: "gone".to_owned(), retry: None }));
    assert_eq!(screen.key("o"), [Action::Away(true)]);
    screen.event(Event::Connection(Connection::Away));
    assert_eq!(screen.key("o"), [Action::Away(false)]);
    // All else is as before.
    assert_eq!(screen.key("f"), [Action::Flag { messages: vec![1], flagged: true }]);
}

#[test]
fn the_server_is_asked_too_on_request() {
    let mut screen = Screen::new();
    assert_eq!(screen.key("S"), []);
    screen.shows(&["/ begins a search"]);
    screen.key("/");
    screen.type_text("lamp");
    screen.key("enter");
    screen.list(Vec::new());
    screen.shows(&["nothing found", "S asks the server"]);
    assert_eq!(screen.key("S"), [Action::SearchServers("lamp".to_owned())]);
    let joined = |text: &str| Event::Joined {
        text: text.to_owned(),
        messages: vec![2],
        said: "1 more found by the server".to_owned(),
    };
    assert_eq!(screen.event(joined("lam")), [], "of an earlier text");
    let loaded = screen.event(joined("lamp"));
    assert_eq!(Screen::loaded(&loaded), Source::Search { text: "lamp".to_owned(), also: vec![2] });
    screen.list(vec![rows().remove(1)]);
    screen.shows(&["1 more found by the server", "1 found, by the server too: lamp", "The plan"]);
    // Another text is another search.
    screen.key("/");
    let other = screen.type_text("s");
    assert_eq!(Screen::loaded(&other), Source::Search { text: "lamps".to_owned(), also: Vec::new() });
}
