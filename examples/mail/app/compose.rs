//! A reply while it is being written.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::editor::Editor;
use super::model::{Body, Draft, Row};

/// Which field the keys go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    To,
    Subject,
    Text,
}

#[derive(Debug)]
pub(crate) struct Compose {
    pub(crate) to: Editor,
    pub(crate) subject: Editor,
    pub(crate) text: Editor,
    pub(crate) field: Field,
    /// The first line of the text that is visible.
    pub(crate) top: usize,
    pub(crate) is_changed: bool,
    answers: Option<i64>,
    references: Vec<String>,
    replaces: Option<i64>,
    /// The message that is answered, while it is on its way.
    awaits: Option<Row>,
}

impl Compose {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            to: Editor::line(""),
            subject: Editor::line(""),
            text: Editor::lines(""),
            field: Field::To,
            top: 0,
            is_changed: false,
            answers: None,
            references: Vec::new(),
            replaces: None,
            awaits: None,
        }
    }

    /// A draft that was kept, to be written on.
    pub(crate) fn of_draft(draft: &Draft) -> Self {
        Self {
            to: Editor::line(&draft.to),
            subject: Editor::line(&draft.subject),
            text: Editor::lines(&draft.text),
            field: Field::Text,
            answers: draft.answers,
            references: draft.references.clone(),
            replaces: draft.replaces,
            ..Self::new()
        }
    }

    /// The answer to a message, which is quoted as far as it is here.
    pub(crate) fn reply(row: &Row, body: Option<&Body>) -> Self {
        let (name, address) = &row.reply_to;
        let to = if name.is_empty() { address.clone() } else { format!("{name} <{address}>") };
        let is_reply = row.subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
        let subject = if is_reply { row.subject.clone() } else { format!("Re: {}", row.subject) };
        let mut text = format!("\n\n{} wrote:\n", if row.from.is_empty() { address } else { &row.from });
        for line in body.map_or("", |body| body.text.trim_end()).lines() {
            text.push_str(if line.starts_with('>') { ">" } else { "> " });
            text.push_str(line);
            text.push('\n');
        }
        let mut references = body.map(|body| body.references.clone()).unwrap_or_default();
        references.extend(row.message_id.clone());
        Self {
            to: Editor::line(&to),
            subject: Editor::line(&subject),
            text: Editor::lines(&text),
            field: Field::Text,
            answers: Some(row.id),
            references,
            awaits: body.is_none().then(|| row.clone()),
            ..Self::new()
        }
    }

    /// The message that is answered has come: it is quoted, unless something was written already.
    pub(crate) fn quote(&mut self, message: i64, body: &Body) {
        if let Some(row) = self.awaits.take_if(|row| row.id == message)
            && !self.is_changed
        {
            *self = Self::reply(&row, Some(body));
        }
    }

    pub(crate) fn draft(&self) -> Draft {
        Draft {
            to: self.to.text(),
            subject: self.subject.text(),
            text: self.text.text(),
            answers: self.answers,
            references: self.references.clone(),
            replaces: self.replaces,
        }
    }

    pub(crate) fn editor(&mut self) -> &mut Editor {
        match self.field {
            Field::To => &mut self.to,
            Field::Subject => &mut self.subject,
            Field::Text => &mut self.text,
        }
    }

    pub(crate) fn paste(&mut self, text: &str) {
        self.is_changed = true;
        self.editor().insert(text);
    }

    /// A key that belongs to the text.
    pub(crate) fn key(&mut self, key: KeyEvent) {
        let before = self.text.all().len();
        let is_text = self.field == Field::Text;
        match key.code {
            KeyCode::Tab => self.turn(),
            KeyCode::BackTab => {
                self.turn();
                self.turn();
            }
            KeyCode::Enter if !is_text => self.turn(),
            KeyCode::Up if self.field == Field::Subject => self.field = Field::To,
            KeyCode::Up if is_text && self.text.cursor().0 == 0 => self.field = Field::Subject,
            KeyCode::Down if !is_text => self.turn(),
            KeyCode::Enter => self.editor().enter(),
            KeyCode::Char(c) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                self.is_changed = true;
                self.editor().insert(c.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace => {
                self.is_changed = true;
                self.editor().backspace();
            }
            KeyCode::Delete => {
                self.is_changed = true;
                self.editor().delete();
            }
            KeyCode::Left => self.editor().left(),
            KeyCode::Right => self.editor().right(),
            KeyCode::Up => self.editor().up(),
            KeyCode::Down => self.editor().down(),
            KeyCode::PageUp => (0..10).for_each(|_| self.editor().up()),
            KeyCode::PageDown => (0..10).for_each(|_| self.editor().down()),
            KeyCode::Home => self.editor().home(),
            KeyCode::End => self.editor().end(),
            _ => {}
        }
        self.is_changed |= self.text.all().len() != before;
    }

    fn turn(&mut self) {
        self.field = match self.field {
            Field::To => Field::Subject,
            Field::Subject => Field::Text,
            Field::Text => Field::To,
        };
    }

    /// Makes the cursor visible within so many lines.
    pub(crate) fn show(&mut self, height: usize) {
        let (line, _) = self.text.cursor();
        if line < self.top {
            self.top = line;
        } else if height > 0 && line >= self.top + height {
            self.top = line + 1 - height;
        }
    }
}
