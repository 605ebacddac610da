//! A small editor of lines of text.

/// Columns of a line that is written here, as mail is usually set.
const MAX_COLUMNS: usize = 72;

/// Text, and where the next character goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Editor {
    lines: Vec<String>,
    line: usize,
    /// In characters.
    column: usize,
    is_single: bool,
}

impl Editor {
    /// One line, the cursor behind it.
    pub(crate) fn line(text: &str) -> Self {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        let column = text.chars().count();
        Self { lines: vec![text], line: 0, column, is_single: true }
    }

    /// Several lines, the cursor before them.
    pub(crate) fn lines(text: &str) -> Self {
        let mut lines: Vec<String> =
            text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        Self { lines, line: 0, column: 0, is_single: false }
    }

    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.lines
    }

    /// Line and column, in characters, of the cursor.
    pub(crate) fn cursor(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    fn current(&mut self) -> &mut String {
        if self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.line = self.line.min(self.lines.len() - 1);
        &mut self.lines[self.line]
    }

    /// The byte at which the cursor is.
    fn byte(&mut self) -> usize {
        let column = self.column;
        let line = self.current();
        line.char_indices().nth(column).map_or(line.len(), |(at, _)| at)
    }

    pub(crate) fn insert(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\n' if !self.is_single => self.enter(),
                '\t' => self.insert("    "),
                c if c.is_control() => {}
                c => {
                    let at = self.byte();
                    self.current().insert(at, c);
                    self.column += 1;
                    self.break_long_line();
                }
            }
        }
    }

    /// A line that is written beyond its end goes on below.
    fn break_long_line(&mut self) {
        let column = self.column;
        let line = self.current();
        let is_at_end = column == line.chars().count();
        if self.is_single || column <= MAX_COLUMNS || !is_at_end {
            return;
        }
        let line = self.current();
        let Some(space) = line.trim_end().rfind(' ').filter(|at| *at > 0) else { return };
        let rest = line.split_off(space + 1);
        line.truncate(space);
        self.column = rest.chars().count();
        self.line += 1;
        self.lines.insert(self.line, rest);
    }

    pub(crate) fn enter(&mut self) {
        if self.is_single {
            return;
        }
        let at = self.byte();
        let rest = self.current().split_off(at);
        self.line += 1;
        self.lines.insert(self.line, rest);
        self.column = 0;
    }

    pub(crate) fn backspace(&mut self) {
        if self.column > 0 {
            self.column -= 1;
            let at = self.byte();
            self.current().remove(at);
        } else if self.line > 0 {
            let rest = self.lines.remove(self.line);
            self.line -= 1;
            self.column = self.current().chars().count();
            self.current().push_str(&rest);
        }
    }

    pub(crate) fn delete(&mut self) {
        let (line, column) = self.cursor();
        self.right();
        if (line, column) != self.cursor() {
            self.backspace();
        }
    }

    pub(crate) fn left(&mut self) {
        if self.column > 0 {
            self.column -= 1;
        } else if self.line > 0 {
            self.line -= 1;
            self.end();
        }
    }

    pub(crate) fn right(&mut self) {
        if self.column < self.current().chars().count() {
            self.column += 1;
        } else if self.line + 1 < self.lines.len() {
            (self.line, self.column) = (self.line + 1, 0);
        }
    }

    pub(crate) fn up(&mut self) {
        self.line = self.line.saturating_sub(1);
        self.column = self.column.min(self.current().chars().count());
    }

    pub(crate) fn down(&mut self) {
        self.line = (self.line + 1).min(self.lines.len().saturating_sub(1));
        self.column = self.column.min(self.current().chars().count());
    }

    pub(crate) fn home(&mut self) {
        self.column = 0;
    }

    pub(crate) fn end(&mut self) {
        self.column = self.current().chars().count();
    }
}
