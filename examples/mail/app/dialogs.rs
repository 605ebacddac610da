//! What the keys do in dialogs: the queue, the choice of a folder, a reply.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::model::{Action, Folder, Row};
use super::{App, Dialog};

impl App {
    pub(super) fn dialog_key(&mut self, key: KeyEvent) -> Vec<Action> {
        match self.dialog.take() {
            Some(Dialog::Queue(at)) => self.queue_key(key, at),
            Some(Dialog::Move { typed, chosen }) => self.move_key(key, typed, chosen),
            Some(Dialog::Attachments { row, chosen }) => self.attachments_key(key, row, chosen),
            Some(Dialog::Delete(rows)) => {
                if key.code != KeyCode::Char('y') {
                    self.say("nothing was deleted");
                    return Vec::new();
                }
                self.leave(&rows);
                vec![Action::Expunge(rows.iter().map(|row| row.id).collect())]
            }
            Some(Dialog::Compose(compose, is_asked)) => {
                self.dialog = Some(Dialog::Compose(compose, is_asked));
                self.compose_key(key)
            }
            // Any key ends the help.
            Some(Dialog::Help) | None => Vec::new(),
        }
    }

    fn queue_key(&mut self, key: KeyEvent, at: usize) -> Vec<Action> {
        let last = self.queue.len().saturating_sub(1);
        let at = at.min(last);
        let chosen = self.queue.get(at).map(|queued| (queued.id, queued.parked.is_some()));
        let (at, actions) = match (key.code, chosen) {
            (KeyCode::Up | KeyCode::Char('k'), _) => (at.saturating_sub(1), Vec::new()),
            (KeyCode::Down | KeyCode::Char('j'), _) => ((at + 1).min(last), Vec::new()),
            (KeyCode::Char('r'), Some((id, true))) => (at, vec![Action::Retry(id)]),
            (KeyCode::Char('r'), Some((_, false))) => {
                self.say("it is on its way: only what was refused can be sent again");
                (at, Vec::new())
            }
            (KeyCode::Char('x' | 'd'), Some((id, _))) => (at, vec![Action::DropQueued(id)]),
            (KeyCode::Esc | KeyCode::Char('q' | 'w') | KeyCode::Enter | KeyCode::Left, _) => {
                return Vec::new();
            }
            _ => (at, Vec::new()),
        };
        self.dialog = Some(Dialog::Queue(at));
        actions
    }

    fn attachments_key(&mut self, key: KeyEvent, row: Row, chosen: usize) -> Vec<Action> {
        let last = row.attachments.len().saturating_sub(1);
        let which = match key.code {
            KeyCode::Up | KeyCode::Char('k') => {
                self.dialog = Some(Dialog::Attachments { row, chosen: chosen.saturating_sub(1) });
                return Vec::new();
            }
            KeyCode::Down | KeyCode::Char('j') => {
                self.dialog = Some(Dialog::Attachments { row, chosen: (chosen + 1).min(last) });
                return Vec::new();
            }
            KeyCode::Enter | KeyCode::Char('s') => Some(chosen),
            KeyCode::Char('a') => None,
            _ => return Vec::new(),
        };
        self.say("on its way");
        vec![Action::Export { message: row.id, which }]
    }

    /// The folders into which messages can go, by what was typed.
    pub(crate) fn matching(&self, typed: &str) -> Vec<&Folder> {
        let typed = typed.to_lowercase();
        let fits = |folder: &&Folder| folder.is_selectable && folder.name.to_lowercase().contains(&typed);
        self.folders.iter().filter(fits).collect()
    }

    fn move_key(&mut self, key: KeyEvent, mut typed: String, mut chosen: usize) -> Vec<Action> {
        let last = self.matching(&typed).len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return Vec::new(),
            KeyCode::Up => chosen = chosen.min(last).saturating_sub(1),
            KeyCode::Down | KeyCode::Tab => chosen = (chosen + 1).min(last),
            KeyCode::Backspace => (_, chosen) = (typed.pop(), 0),
            KeyCode::Char(c) => {
                typed.push(c);
                chosen = 0;
            }
            KeyCode::Enter => {
                let to = self.matching(&typed).get(chosen.min(last)).map(|folder| folder.id);
                let name = typed.trim().to_owned();
                let mut rows = self.targets();
                rows.retain(|row| Some(row.folder) != to);
                if rows.is_empty() || (to.is_none() && name.is_empty()) {
                    return Vec::new();
                }
                self.leave(&rows);
                let messages = rows.iter().map(|row| row.id).collect();
                return match to {
                    Some(to) => vec![Action::Move { messages, to }],
                    None => vec![Action::MoveToNew { messages, name }],
                };
            }
            _ => {}
        }
        self.dialog = Some(Dialog::Move { typed, chosen });
        Vec::new()
    }

    fn compose_key(&mut self, key: KeyEvent) -> Vec<Action> {
        let Some(Dialog::Compose(compose, is_asked)) = &mut self.dialog else { return Vec::new() };
        if *is_asked {
            *is_asked = false;
            if key.code == KeyCode::Char('y') {
                self.dialog = None;
                self.say("the reply was given up");
            }
            return Vec::new();
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('s' | 'd') if is_control => {
                let draft = compose.draft();
                self.dialog = None;
                return vec![Action::Save(draft)];
            }
            KeyCode::Esc if compose.is_changed => *is_asked = true,
            KeyCode::Esc => self.dialog = None,
            _ => compose.key(key),
        }
        Vec::new()
    }
}
