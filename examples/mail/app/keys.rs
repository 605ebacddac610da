//! What the keys do, outside of dialogs.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::compose::Compose;
use super::model::{Action, Connection, Role, Row, Source};
use super::{App, Dialog, Focus, PAGE, Shown};

impl App {
    pub(super) fn key(&mut self, key: KeyEvent) -> Vec<Action> {
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return vec![Action::Quit];
        }
        self.note = None;
        if self.dialog.is_some() {
            return self.dialog_key(key);
        }
        if self.is_typing {
            return self.search_key(key);
        }
        let moved = match self.focus {
            Focus::Folders => self.folders_key(key),
            Focus::List => self.list_key(key),
            Focus::Message => self.message_key(key),
        };
        moved.unwrap_or_else(|| self.common_key(key))
    }

    /// Text that was pasted.
    pub(super) fn paste(&mut self, text: &str) -> Vec<Action> {
        match &mut self.dialog {
            Some(Dialog::Compose(compose, false)) => compose.paste(text),
            None if self.is_typing => {
                let text: String = text.chars().filter(|c| !c.is_control()).collect();
                self.search.get_or_insert_default().push_str(&text);
                return self.change_list();
            }
            _ => {}
        }
        Vec::new()
    }

    /// `None`: it is none of the folders' keys.
    fn folders_key(&mut self, key: KeyEvent) -> Option<Vec<Action>> {
        let last = self.folders.len().saturating_sub(1);
        let to = match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.folder.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => (self.folder + 1).min(last),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => last,
            KeyCode::Enter | KeyCode::Right | KeyCode::Tab | KeyCode::Char('l') => {
                self.focus = Focus::List;
                return Some(Vec::new());
            }
            _ => return None,
        };
        Some(self.choose_folder(to))
    }

    fn choose_folder(&mut self, to: usize) -> Vec<Action> {
        if to == self.folder && self.search.is_none() {
            return Vec::new();
        }
        (self.folder, self.search) = (to, None);
        self.change_list()
    }

    fn list_key(&mut self, key: KeyEvent) -> Option<Vec<Action>> {
        let page = self.list.height.max(2) - 1;
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => self.list.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.list.step(1),
            KeyCode::PageUp => self.list.go(self.list.at.saturating_sub(page)),
            KeyCode::PageDown => self.list.go(self.list.at + page),
            KeyCode::Home | KeyCode::Char('g') => self.list.go(0),
            KeyCode::End | KeyCode::Char('G') => self.list.go(usize::MAX),
            KeyCode::Char(' ') => {
                self.list.toggle_mark();
                self.list.step(1);
            }
            KeyCode::Enter | KeyCode::Right | KeyCode::Char('l') => return Some(self.open()),
            KeyCode::Left | KeyCode::Char('h') => self.focus = Focus::Folders,
            KeyCode::Tab => self.focus = if self.message.is_some() { Focus::Message } else { Focus::Folders },
            KeyCode::Esc if !self.list.marked.is_empty() => self.list.marked.clear(),
            KeyCode::Esc if self.search.is_some() => {
                self.search = None;
                return Some(self.change_list());
            }
            KeyCode::Esc => self.message = None,
            _ => return None,
        }
        Some(self.more())
    }

    /// Loads more of the list if its end is near.
    fn more(&mut self) -> Vec<Action> {
        let loaded = u32::try_from(self.list.rows.len()).unwrap_or(u32::MAX);
        if !self.list.wants_more() || loaded < self.list.count {
            return Vec::new();
        }
        self.list.count = loaded.saturating_add(PAGE);
        self.load()
    }

    /// Opens the chosen message.
    fn open(&mut self) -> Vec<Action> {
        let Some(row) = self.list.chosen().cloned() else { return Vec::new() };
        let id = row.id;
        self.focus = Focus::Message;
        self.message = Some(Shown { row, body: None, top: 0 });
        vec![Action::Open(id)]
    }

    fn message_key(&mut self, key: KeyEvent) -> Option<Vec<Action>> {
        let Some(shown) = &mut self.message else {
            self.focus = Focus::List;
            return Some(Vec::new());
        };
        let last = self.message_lines.saturating_sub(self.message_height);
        let page = self.message_height.max(2) - 1;
        match key.code {
            KeyCode::Up | KeyCode::Char('k') => shown.top = shown.top.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => shown.top = (shown.top + 1).min(last),
            KeyCode::PageUp | KeyCode::Char('b') => shown.top = shown.top.saturating_sub(page),
            KeyCode::PageDown | KeyCode::Char(' ') => shown.top = (shown.top + page).min(last),
            KeyCode::Home | KeyCode::Char('g') => shown.top = 0,
            KeyCode::End | KeyCode::Char('G') => shown.top = last,
            KeyCode::Char('n') | KeyCode::Right => return Some(self.open_next(1)),
            KeyCode::Char('p') => return Some(self.open_next(-1)),
            KeyCode::Esc | KeyCode::Left | KeyCode::Enter | KeyCode::Char('h') => {
                (self.message, self.focus) = (None, Focus::List);
            }
            KeyCode::Tab => self.focus = Focus::Folders,
            _ => return None,
        }
        Some(Vec::new())
    }

    /// Opens the message below or above in the list.
    fn open_next(&mut self, by: isize) -> Vec<Action> {
        let before = self.list.at;
        self.list.step(by);
        if self.list.at == before {
            return Vec::new();
        }
        let mut actions = self.open();
        actions.extend(self.more());
        actions
    }

    fn common_key(&mut self, key: KeyEvent) -> Vec<Action> {
        match key.code {
            KeyCode::Char('q') => return vec![Action::Quit],
            KeyCode::Char('?') | KeyCode::F(1) => self.dialog = Some(Dialog::Help),
            KeyCode::Char('/') => {
                self.search.get_or_insert_default();
                (self.is_typing, self.focus) = (true, Focus::List);
            }
            KeyCode::Char('t') => return self.toggle_threads(),
            KeyCode::Char('S') => return self.search_servers(),
            KeyCode::Char('w') => self.dialog = Some(Dialog::Queue(0)),
            KeyCode::Char('s') => {
                self.say("looking for new mail");
                return vec![Action::SyncNow];
            }
            KeyCode::Char('o') => return vec![Action::Away(self.connection != Connection::Away)],
            KeyCode::Char('c') => self.dialog = Some(Dialog::Compose(Box::new(Compose::new()), false)),
            KeyCode::Char(c) if self.focus != Focus::Folders => return self.message_action(c),
            _ => {}
        }
        Vec::new()
    }

    /// What is looked for, at the servers too: they know the texts that are not on this machine.
    fn search_servers(&mut self) -> Vec<Action> {
        match self.search.as_deref().map(str::trim) {
            None | Some("") => self.say("/ begins a search"),
            Some(_) => {
                self.say("the server is looking, too");
                return self.search.clone().map(Action::SearchServers).into_iter().collect();
            }
        }
        Vec::new()
    }

    fn toggle_threads(&mut self) -> Vec<Action> {
        self.by_thread = !self.by_thread;
        self.say(if self.by_thread { "by conversation" } else { "by date" });
        if self.search.is_some() {
            return Vec::new();
        }
        // What is chosen stays chosen: the rows are the same.
        let (Some(Source::Folder { by_thread, .. }), now) = (&mut self.list.source, self.by_thread) else {
            return self.load();
        };
        *by_thread = now;
        self.load()
    }

    /// What is done to messages.
    fn message_action(&mut self, key: char) -> Vec<Action> {
        let rows = self.targets();
        let Some(first) = rows.first() else { return Vec::new() };
        let messages: Vec<i64> = rows.iter().map(|row| row.id).collect();
        match key {
            'f' => vec![Action::Flag { messages, flagged: rows.iter().any(|row| !row.is_flagged) }],
            'u' => vec![Action::Seen { messages, seen: rows.iter().any(|row| !row.is_seen) }],
            'a' => self.archive(rows),
            'd' => self.delete(rows),
            'm' => {
                self.dialog = Some(Dialog::Move { typed: String::new(), chosen: 0 });
                Vec::new()
            }
            'e' => {
                let drafts = self.folder_for(Role::Drafts).map(|folder| folder.id);
                if !first.is_draft && Some(first.folder) != drafts {
                    self.say("only a draft can be written on; r writes a reply");
                    return Vec::new();
                }
                vec![Action::Edit(first.id)]
            }
            'v' if first.attachments.is_empty() => {
                self.say("nothing is attached");
                Vec::new()
            }
            'v' => {
                self.dialog = Some(Dialog::Attachments { row: first.clone(), chosen: 0 });
                Vec::new()
            }
            'r' => {
                let body = self.message.as_ref().filter(|shown| shown.row.id == first.id);
                let body = body.and_then(|shown| shown.body.as_ref()?.as_ref().ok());
                let compose = Compose::reply(first, body);
                let wanted = if body.is_none() { vec![Action::Open(first.id)] } else { Vec::new() };
                self.dialog = Some(Dialog::Compose(Box::new(compose), false));
                wanted
            }
            _ => Vec::new(),
        }
    }

    fn archive(&mut self, rows: Vec<Row>) -> Vec<Action> {
        let archive = self.folder_for(Role::Archive).map(|folder| folder.id);
        let rows: Vec<Row> = rows.into_iter().filter(|row| Some(row.folder) != archive).collect();
        if rows.is_empty() {
            self.say("this is the archive");
            return Vec::new();
        }
        self.leave(&rows);
        let messages = rows.iter().map(|row| row.id).collect();
        match archive {
            Some(to) => vec![Action::Move { messages, to }],
            None => vec![Action::MoveToNew { messages, name: "Archive".to_owned() }],
        }
    }

    /// To the trash; what is there, or has none to go to, for good: after a question.
    fn delete(&mut self, rows: Vec<Row>) -> Vec<Action> {
        let trash = self.folder_for(Role::Trash).map(|folder| folder.id);
        let Some(trash) = trash.filter(|trash| rows.iter().all(|row| row.folder != *trash)) else {
            self.dialog = Some(Dialog::Delete(rows));
            return Vec::new();
        };
        self.leave(&rows);
        vec![Action::Move { messages: rows.iter().map(|row| row.id).collect(), to: trash }]
    }

    /// These messages leave the list: the one below them is chosen, or shown.
    pub(super) fn leave(&mut self, rows: &[Row]) {
        let goes = |row: &Row| rows.iter().any(|gone| gone.id == row.id);
        if self.message.as_ref().is_some_and(|shown| goes(&shown.row)) {
            (self.message, self.focus) = (None, Focus::List);
        }
        self.list.marked.clear();
    }

    fn search_key(&mut self, key: KeyEvent) -> Vec<Action> {
        let text = self.search.get_or_insert_default();
        match key.code {
            KeyCode::Char(c) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                text.push(c);
            }
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => text.clear(),
            KeyCode::Backspace => _ = text.pop(),
            KeyCode::Esc => (self.search, self.is_typing) = (None, false),
            KeyCode::Enter | KeyCode::Down | KeyCode::Tab => {
                self.is_typing = false;
                if text.trim().is_empty() {
                    self.search = None;
                }
                return Vec::new();
            }
            _ => return Vec::new(),
        }
        self.change_list()
    }
}
