//! The list of messages: its rows, which is chosen, which are marked, which are visible.
//!
//! It is loaded again whenever something has changed; what the user has chosen stays chosen, by the
//! message and not by the line.

use std::collections::BTreeSet;

use super::model::{Row, Source};

#[derive(Debug, Default)]
pub(crate) struct List {
    /// What the rows are of; `None` before the first was loaded.
    pub(crate) source: Option<Source>,
    pub(crate) rows: Vec<Row>,
    /// Whether there are no more.
    pub(crate) is_all: bool,
    /// How many rows are asked for.
    pub(crate) count: u32,
    /// Which row is chosen.
    pub(crate) at: usize,
    /// The first row that is visible.
    pub(crate) top: usize,
    /// Rows that are visible; known once it was drawn.
    pub(crate) height: usize,
    pub(crate) marked: BTreeSet<i64>,
}

impl List {
    pub(crate) fn chosen(&self) -> Option<&Row> {
        self.rows.get(self.at)
    }

    /// Takes rows that were loaded.
    pub(crate) fn take(&mut self, source: Source, rows: Vec<Row>, is_all: bool) {
        let is_same = self.source.as_ref() == Some(&source);
        let at = if is_same { self.place_in(&rows) } else { 0 };
        if is_same {
            let present: BTreeSet<i64> = rows.iter().map(|row| row.id).collect();
            self.marked.retain(|id| present.contains(id));
        } else {
            self.marked.clear();
            self.top = 0;
        }
        // Rows that have come above don't move what is looked at; unless the newest are looked at.
        if self.top > 0 {
            self.top = (self.top + at).saturating_sub(self.at);
        }
        (self.source, self.rows, self.is_all, self.at) = (Some(source), rows, is_all, at);
    }

    /// Where the chosen message is among other rows; if it has gone, what stands in its place.
    fn place_in(&self, rows: &[Row]) -> usize {
        let here = |row: &Row| rows.iter().position(|other| other.id == row.id);
        let behind = self.rows.iter().skip(self.at).find_map(here);
        let before = || self.rows.iter().take(self.at).rev().find_map(here);
        behind.or_else(before).unwrap_or(0)
    }

    /// Chooses another row.
    pub(crate) fn go(&mut self, to: usize) {
        self.at = to.min(self.rows.len().saturating_sub(1));
    }

    pub(crate) fn step(&mut self, by: isize) {
        self.go(self.at.saturating_add_signed(by));
    }

    /// Whether the end of what is loaded is near, and there is more.
    pub(crate) fn wants_more(&self) -> bool {
        !self.is_all && self.at + 20 >= self.rows.len()
    }

    /// Makes the chosen row visible within so many lines.
    pub(crate) fn show(&mut self, height: usize) {
        self.height = height;
        if self.at < self.top {
            self.top = self.at;
        } else if height > 0 && self.at >= self.top + height {
            self.top = self.at + 1 - height;
        }
    }

    /// These messages are no longer in it.
    pub(crate) fn remove(&mut self, messages: &[i64]) {
        let rows: Vec<Row> = self.rows.iter().filter(|row| !messages.contains(&row.id)).cloned().collect();
        self.at = self.place_in(&rows);
        self.rows = rows;
    }

    /// These messages are different.
    pub(crate) fn change(&mut self, messages: &[i64], change: impl Fn(&mut Row)) {
        self.rows.iter_mut().filter(|row| messages.contains(&row.id)).for_each(change);
    }

    pub(crate) fn toggle_mark(&mut self) {
        let Some(id) = self.chosen().map(|row| row.id) else { return };
        if !self.marked.remove(&id) {
            self.marked.insert(id);
        }
    }
}
