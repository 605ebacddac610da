//! What the mail client knows and shows, apart from any terminal, network or file.
//!
//! ```text
//!   keys, what was loaded, time ──> App::handle ──> actions (load this, move that)
//!                                        │
//!                                        └──> state ──> draw
//! ```

mod compose;
mod dialogs;
mod editor;
mod keys;
mod list;
mod loaded;
mod model;

pub(crate) use self::compose::{Compose, Field};
pub(crate) use self::editor::Editor;
pub(crate) use self::list::List;
pub(crate) use self::model::{
    Action, Body, Connection, Draft, Event, Folder, Progress, Queued, Role, Row, Source,
};

/// Rows that are loaded at a time.
pub(crate) const PAGE: u32 = 100;

/// Which part of the screen the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    Folders,
    List,
    Message,
}

/// What lies on top of the screen, and takes all keys.
#[derive(Debug)]
pub(crate) enum Dialog {
    Help,
    /// What is queued, and which of it is chosen.
    Queue(usize),
    /// Into which folder messages are to be moved: what was typed of its name, which of the matches
    /// is chosen.
    Move {
        typed: String,
        chosen: usize,
    },
    /// Whether messages are to be deleted for good.
    Delete(Vec<Row>),
    /// Which attachment of a message is to be written into a file.
    Attachments {
        row: Row,
        chosen: usize,
    },
    /// A reply that is being written; whether it is asked if it is to be given up.
    Compose(Box<Compose>, bool),
}

/// A message that is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) row: Row,
    /// `None` while it is on its way; a reason if it can't be had.
    pub(crate) body: Option<Result<Body, String>>,
    /// The first line that is visible.
    pub(crate) top: u16,
}

/// What the last action has led to, in a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) text: String,
    /// How many seconds it is still shown.
    pub(crate) seconds: u32,
    pub(crate) is_error: bool,
}

/// The state of the client.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) account: String,
    pub(crate) folders: Vec<Folder>,
    /// Which of them is chosen.
    pub(crate) folder: usize,
    pub(crate) by_thread: bool,
    pub(crate) list: List,
    /// What is looked for; `None` without a search.
    pub(crate) search: Option<String>,
    /// What the servers have found for a text.
    pub(crate) joined: Option<(String, Vec<i64>)>,
    /// Whether the keys go into the search.
    pub(crate) is_typing: bool,
    pub(crate) message: Option<Shown>,
    pub(crate) focus: Focus,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) connection: Connection,
    pub(crate) progress: Progress,
    pub(crate) queue: Vec<Queued>,
    pub(crate) note: Option<Note>,
    /// Changes that were asked for and are not done yet: the list shows them already, and what is
    /// loaded meanwhile may not.
    in_flight: usize,
    /// Seconds since 1970, and what the local clock is ahead of UTC.
    pub(crate) now: i64,
    /// Lines of the message that are visible; known once it was drawn.
    pub(crate) message_height: u16,
    /// Lines of the message in all; known once it was drawn.
    pub(crate) message_lines: u16,
}

impl App {
    /// A client of this account that has loaded nothing yet.
    pub(crate) fn new(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            folders: Vec::new(),
            folder: 0,
            by_thread: false,
            list: List::default(),
            search: None,
            joined: None,
            is_typing: false,
            message: None,
            focus: Focus::List,
            dialog: None,
            connection: Connection::Connecting,
            progress: Progress::default(),
            queue: Vec::new(),
            note: None,
            in_flight: 0,
            now: 0,
            message_height: 0,
            message_lines: 0,
        }
    }

    /// What is to be loaded first.
    pub(crate) fn start() -> Vec<Action> {
        vec![Action::LoadFolders, Action::LoadQueue]
    }

    /// Something has happened: what is to be done about it.
    pub(crate) fn handle(&mut self, event: Event) -> Vec<Action> {
        let actions = match event {
            Event::Key(key) => self.key(key),
            Event::Paste(text) => self.paste(&text),
            loaded => self.loaded(loaded),
        };
        for action in &actions {
            self.foresee(action);
        }
        actions
    }

    /// Shows what an action is about to change, so that the next key is for what the user sees.
    fn foresee(&mut self, action: &Action) {
        if !action.is_change() {
            return;
        }
        self.in_flight += 1;
        let here = match self.list.source {
            Some(Source::Folder { id, .. }) => Some(id),
            _ => None,
        };
        match action {
            Action::Flag { messages, flagged } => {
                self.list.change(messages, |row| row.is_flagged = *flagged);
            }
            Action::Seen { messages, seen } => self.list.change(messages, |row| row.is_seen = *seen),
            Action::Move { messages, to } if here.is_none() => {
                self.list.change(messages, |row| row.folder = *to);
            }
            Action::Move { messages, .. }
            | Action::MoveToNew { messages, .. }
            | Action::Expunge(messages) => {
                self.list.remove(messages);
            }
            _ => {}
        }
        self.refresh_shown();
    }

    /// The chosen folder.
    pub(crate) fn current(&self) -> Option<&Folder> {
        self.folders.get(self.folder)
    }

    /// The folder with this use.
    pub(crate) fn folder_for(&self, role: Role) -> Option<&Folder> {
        self.folders.iter().find(|folder| folder.role == Some(role))
    }

    /// The name of a folder.
    pub(crate) fn folder_name(&self, id: i64) -> &str {
        self.folders.iter().find(|folder| folder.id == id).map_or("?", |folder| &folder.name)
    }

    /// What the list is to show.
    pub(crate) fn source(&self) -> Option<Source> {
        match &self.search {
            Some(text) if !text.trim().is_empty() => {
                let also = self.joined.as_ref().filter(|(known, _)| known == text);
                let also = also.map(|(_, messages)| messages.clone()).unwrap_or_default();
                Some(Source::Search { text: text.clone(), also })
            }
            _ => self.current().map(|folder| Source::Folder { id: folder.id, by_thread: self.by_thread }),
        }
    }

    /// Loads the list, as much of it as there was before.
    pub(crate) fn load(&mut self) -> Vec<Action> {
        let Some(source) = self.source() else { return Vec::new() };
        let count = if self.list.source.as_ref() == Some(&source) { self.list.count } else { PAGE };
        self.list.count = count;
        vec![Action::Load { source, count }]
    }

    /// The messages that an action is about: those that are marked, else the chosen one.
    pub(crate) fn targets(&self) -> Vec<Row> {
        if let (Focus::Message, Some(shown)) = (self.focus, &self.message) {
            return vec![shown.row.clone()];
        }
        let marked: Vec<Row> =
            self.list.rows.iter().filter(|row| self.list.marked.contains(&row.id)).cloned().collect();
        if marked.is_empty() { self.list.chosen().cloned().into_iter().collect() } else { marked }
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.note = Some(Note { text: text.into(), seconds: 6, is_error: false });
    }

    pub(crate) fn fail(&mut self, text: impl Into<String>) {
        self.note = Some(Note { text: text.into(), seconds: 30, is_error: true });
    }
}
