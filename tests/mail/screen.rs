//! A client on a screen in memory, with some mail.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::app::{Action, App, Body, Connection, Event, Folder, Role, Row, Source};
use crate::draw::draw;

/// 2026-11-30 12:00.
pub(crate) const NOW: i64 = 1_796_040_000;

pub(crate) struct Screen {
    pub(crate) app: App,
    terminal: Terminal<TestBackend>,
}

pub(crate) fn folder(id: i64, name: &str, role: Option<Role>, unseen: u64, messages: u64) -> Folder {
    let name = name.to_owned();
    Folder { id, name, role, messages, unseen, is_selectable: true, exists: true, failure: None }
}

pub(crate) fn row(id: i64, from: &str, subject: &str) -> Row {
    Row {
        id,
        folder: 1,
        from: from.to_owned(),
        to: "Alice".to_owned(),
        reply_to: (from.to_owned(), format!("{}@example.org", from.to_lowercase())),
        subject: subject.to_owned(),
        date: NOW - id * 3600,
        is_seen: true,
        message_id: Some(format!("{id}@example.org")),
        ..Row::default()
    }
}

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row { is_seen: false, ..row(1, "Ann", "Lunch on Thursday?") },
        Row { is_flagged: true, attachments: vec!["plan.pdf".to_owned()], ..row(2, "Carla", "The plan") },
        Row { is_answered: true, ..row(3, "Tom", "Boat trip") },
    ]
}

impl Screen {
    /// A client with five folders, and three messages in the first.
    pub(crate) fn new() -> Self {
        let mut screen = Self::empty(100, 30);
        screen.event(Event::Time(NOW));
        screen.event(Event::Connection(Connection::Online));
        screen.event(Event::Folders(vec![
            folder(4, "Projects", None, 0, 3),
            folder(1, "INBOX", Some(Role::Inbox), 1, 3),
            folder(2, "Drafts", Some(Role::Drafts), 0, 0),
            folder(3, "Archive", Some(Role::Archive), 0, 7),
            folder(5, "Trash", Some(Role::Trash), 0, 0),
        ]));
        screen.list(rows());
        screen
    }

    pub(crate) fn empty(columns: u16, lines: u16) -> Self {
        let terminal = Terminal::new(TestBackend::new(columns, lines)).expect("in memory");
        Self { app: App::new("alice@example.org"), terminal }
    }

    pub(crate) fn event(&mut self, event: Event) -> Vec<Action> {
        let actions = self.app.handle(event);
        self.draw();
        actions
    }

    /// The change that was asked for last is done.
    pub(crate) fn done(&mut self) {
        let next = self.event(Event::Done(String::new()));
        assert!(
            matches!(next[..], [Action::LoadQueue, Action::LoadFolders, Action::Load { .. }]),
            "{next:?}"
        );
    }

    /// What the list is to show was loaded.
    pub(crate) fn list(&mut self, rows: Vec<Row>) {
        let source = self.app.source().expect("a folder is chosen");
        self.event(Event::List { source, rows, is_all: true });
    }

    /// The chosen message is opened, and has this text.
    pub(crate) fn open(&mut self, text: &str) -> Vec<Action> {
        let opened = self.key("enter");
        let [Action::Open(message)] = opened[..] else { panic!("{opened:?}") };
        let body = Body { text: text.to_owned(), ..Body::default() };
        self.event(Event::Body { message, body: Ok(body) })
    }

    /// A key by its name, with `ctrl-` or without.
    pub(crate) fn key(&mut self, name: &str) -> Vec<Action> {
        let (modifiers, plain) = match name.strip_prefix("ctrl-") {
            Some(plain) => (KeyModifiers::CONTROL, plain),
            None => (KeyModifiers::NONE, name),
        };
        let code = match plain {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "space" => KeyCode::Char(' '),
            "up" => KeyCode::Up,
            "down" => KeyCode::Down,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "home" => KeyCode::Home,
            "end" => KeyCode::End,
            "pageup" => KeyCode::PageUp,
            "pagedown" => KeyCode::PageDown,
            "backspace" => KeyCode::Backspace,
            "delete" => KeyCode::Delete,
            one => KeyCode::Char(one.chars().next().expect("a key")),
        };
        self.event(Event::Key(KeyEvent::new(code, modifiers)))
    }

    /// Keys one after the other; what the last one led to.
    pub(crate) fn keys(&mut self, names: &str) -> Vec<Action> {
        names.split_whitespace().map(|name| self.key(name)).last().unwrap_or_default()
    }

    pub(crate) fn type_text(&mut self, text: &str) -> Vec<Action> {
        let keys = text.chars().map(|c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        keys.map(|key| self.event(Event::Key(key))).last().unwrap_or_default()
    }

    fn draw(&mut self) {
        let app = &mut self.app;
        self.terminal.draw(|frame| draw(app, frame)).expect("in memory");
    }

    pub(crate) fn resize(&mut self, columns: u16, lines: u16) {
        self.terminal.backend_mut().resize(columns, lines);
        self.draw();
    }

    /// The lines of the screen.
    pub(crate) fn text(&self) -> String {
        let buffer = self.terminal.backend().buffer();
        let columns = usize::from(buffer.area.width).max(1);
        let lines = buffer.content().chunks(columns);
        let lines = lines.map(|cells| cells.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
        lines.collect::<Vec<_>>().join("\n")
    }

    #[track_caller]
    pub(crate) fn shows(&self, wanted: &[&str]) {
        let text = self.text();
        for wanted in wanted {
            assert!(text.contains(wanted), "{wanted:?} is missing in:\n{text}");
        }
    }

    #[track_caller]
    pub(crate) fn lacks(&self, unwanted: &str) {
        let text = self.text();
        assert!(!text.contains(unwanted), "{unwanted:?} is in:\n{text}");
    }

    /// The source that is loaded, if that is what the actions do.
    #[track_caller]
    pub(crate) fn loaded(actions: &[Action]) -> Source {
        match actions {
            [Action::Load { source, .. }] => source.clone(),
            other => panic!("a list is to be loaded: {other:?}"),
        }
    }
}
