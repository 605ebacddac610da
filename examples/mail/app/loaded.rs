//! What was loaded goes into the state.

use super::list::List;
use super::model::{Action, Event, Folder, Source};
use super::{App, Compose, Dialog, Focus, Shown};

impl App {
    pub(super) fn loaded(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Folders(folders) => return self.take_folders(folders),
            Event::List { source, rows, is_all } => {
                if self.in_flight == 0 && self.source().as_ref() == Some(&source) {
                    self.list.take(source, rows, is_all);
                    self.refresh_shown();
                }
            }
            Event::Body { message, body } => {
                if let (Some(Dialog::Compose(compose, _)), Ok(body)) = (&mut self.dialog, &body) {
                    compose.quote(message, body);
                }
                let Some(shown) = self.message.as_mut().filter(|shown| shown.row.id == message) else {
                    return Vec::new();
                };
                let is_read = body.is_ok() && !shown.row.is_seen && shown.body.is_none();
                shown.body = Some(body);
                if is_read {
                    return vec![Action::Seen { messages: vec![message], seen: true }];
                }
            }
            Event::Draft(draft) => {
                // Meanwhile the user may have begun something else.
                if self.dialog.is_none() && !self.is_typing {
                    self.note = None;
                    self.dialog = Some(Dialog::Compose(Box::new(Compose::of_draft(&draft)), false));
                }
            }
            Event::Joined { text, messages, said } => {
                if self.search.as_ref() == Some(&text) {
                    self.say(said);
                    self.joined = Some((text, messages));
                    return self.load();
                }
            }
            Event::Said(text) => self.say(text),
            Event::Queue(queue) => self.queue = queue,
            Event::Progress(progress) => self.progress = progress,
            Event::Connection(connection) => return self.take_connection(connection),
            Event::Changed => {
                let mut actions = vec![Action::LoadFolders, Action::LoadQueue];
                actions.extend(self.load());
                return actions;
            }
            Event::Done(text) => {
                if !text.is_empty() {
                    self.say(text);
                }
                return self.landed();
            }
            Event::Failed(text) => {
                self.fail(text);
                return self.landed();
            }
            Event::Trouble(text) => self.fail(text),
            Event::Time(now) => {
                self.now = now;
                if let Some(note) = &mut self.note {
                    note.seconds = note.seconds.saturating_sub(1);
                }
                self.note.take_if(|note| note.seconds == 0);
                // That an operation is refused changes nothing else.
                if !self.queue.is_empty() {
                    return vec![Action::LoadQueue];
                }
            }
            Event::Key(_) | Event::Paste(_) => {}
        }
        Vec::new()
    }

    /// A change that was asked for is done, or is not.
    fn landed(&mut self) -> Vec<Action> {
        self.in_flight = self.in_flight.saturating_sub(1);
        let mut actions = vec![Action::LoadQueue];
        if self.in_flight == 0 {
            actions.push(Action::LoadFolders);
            actions.extend(self.load());
        }
        actions
    }

    /// The folder that was chosen stays chosen.
    fn take_folders(&mut self, mut folders: Vec<Folder>) -> Vec<Action> {
        folders.sort_by_key(|folder| (folder.role.is_none(), folder.role, folder.name.to_lowercase()));
        let chosen = self.current().map(|folder| folder.id);
        self.folders = folders;
        let found = self.folders.iter().position(|folder| Some(folder.id) == chosen);
        self.folder = found.unwrap_or(0);
        if found.is_some() || self.folders.is_empty() {
            return Vec::new();
        }
        self.load()
    }

    fn take_connection(&mut self, connection: super::Connection) -> Vec<Action> {
        let is_back = connection == super::Connection::Online && self.connection != connection;
        self.connection = connection;
        // What could not be had before.
        match &mut self.message {
            Some(Shown { row, body, .. }) if is_back && matches!(body, Some(Err(_))) => {
                *body = None;
                vec![Action::Open(row.id)]
            }
            _ => Vec::new(),
        }
    }

    /// The flags of the message that is shown, as they are now.
    pub(super) fn refresh_shown(&mut self) {
        let Some(shown) = &mut self.message else { return };
        if let Some(row) = self.list.rows.iter().find(|row| row.id == shown.row.id) {
            shown.row = row.clone();
        }
    }

    /// Shows another list: nothing of the one before is chosen or marked.
    pub(super) fn change_list(&mut self) -> Vec<Action> {
        self.message = None;
        if self.focus == Focus::Message {
            self.focus = Focus::List;
        }
        let height = self.list.height;
        let is_search = matches!(self.source(), Some(Source::Search { .. }));
        // While a search is typed, what was found before stays until the next is there.
        if is_search && matches!(self.list.source, Some(Source::Search { .. })) {
            self.list.count = super::PAGE;
        } else {
            self.list = List { height, ..List::default() };
        }
        self.load()
    }
}
