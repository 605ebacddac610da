//! What SEARCH and SORT are to return, and what comes of the answers: MIN, MAX, COUNT, ALL,
//! PARTIAL, RELEVANCY (RFC 9051 section 6.4.4, RFC 9394, RFC 5267, RFC 6203), kept up to date on
//! request.
//!
//! In: what was asked for, and what the server can do of it ([`Abilities`]). Out: `RETURN (…)`, and
//! what the answers say apart from all that fits, which the caller keeps in its own kind of list.

use super::{Line, PartialRange};
use crate::types::{Answer, Code, ESearch, ModSeq, NumberList, ResultChange, Uid, Untagged};

/// What is to be returned. None of it: all that fits.
#[derive(Clone, Debug, Default)]
pub(super) struct ReturnOptions {
    pub(super) min: bool,
    pub(super) max: bool,
    pub(super) count: bool,
    pub(super) all: bool,
    pub(super) relevancy: bool,
    pub(super) partial: Option<PartialRange>,
    pub(super) update: bool,
    pub(super) context: bool,
    pub(super) strict: bool,
    /// The server was asked for the part alone.
    is_cut: bool,
}

/// What the server can return by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Abilities {
    /// MIN, MAX, COUNT, RELEVANCY: ESEARCH or ESORT.
    pub(super) ends: bool,
    /// CONTEXT and UPDATE.
    pub(super) contexts: bool,
    /// The part that was asked for, alone.
    pub(super) part: bool,
}

/// What the answers say, apart from all that fits.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    pub(super) min: Option<Uid>,
    pub(super) max: Option<Uid>,
    pub(super) count: Option<u64>,
    pub(super) partial: Option<NumberList>,
    pub(super) relevancy: Vec<u8>,
    pub(super) mod_seq: Option<ModSeq>,
    pub(super) is_updated: bool,
    pub(super) changes: Vec<ResultChange>,
    pub(super) other: Vec<(String, String)>,
}

impl ReturnOptions {
    /// Whether the first, the last or the count was asked for.
    pub(super) fn has_ends(&self) -> bool {
        self.min || self.max || self.count
    }

    /// Whether nothing was named, so that all that fits is meant.
    pub(super) fn is_plain(&self) -> bool {
        !(self.has_ends() || self.all || self.partial.is_some())
    }

    /// Whether the part alone was asked of the server.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Writes `RETURN (…)`. What the server can't return by itself is made of all that fits.
    pub(super) fn write(&mut self, line: &mut Line, can: Abilities, save: bool) {
        self.is_cut = can.part && !self.all && self.partial.is_some();
        let is_made = self.has_ends() && !can.ends || self.partial.is_some() && !self.is_cut;
        let options = [
            (self.context && can.contexts, "CONTEXT"),
            (self.update, "UPDATE"),
            (save, "SAVE"),
            (self.min && can.ends, "MIN"),
            (self.max && can.ends, "MAX"),
            (self.all || self.is_plain() || is_made, "ALL"),
            (self.count && can.ends, "COUNT"),
            (self.relevancy, "RELEVANCY"),
        ];
        line.word("RETURN").open();
        for (_, name) in options.iter().filter(|(wanted, _)| *wanted) {
            line.word(name);
        }
        if let Some(part) = self.partial.filter(|_| self.is_cut) {
            line.word("PARTIAL").word(&part.to_string());
        }
        line.close();
    }

    /// What the answers say. `keep` gets each of them first, for all that fits.
    pub(super) fn collect(&self, answers: Vec<Untagged>, mut keep: impl FnMut(&Answer)) -> Collected {
        let mut found = Collected { is_updated: self.update, ..Collected::default() };
        for response in answers {
            let answer = response.into_answer();
            keep(&answer);
            match answer {
                Answer::Search(numbers) => found.mod_seq = found.mod_seq.max(numbers.mod_seq),
                Answer::Sort(sorted) => found.mod_seq = found.mod_seq.max(sorted.mod_seq),
                Answer::ESearch(more) => found.add(*more),
                Answer::Status(status) if matches!(status.code, Some(Code::NoUpdate(_))) => {
                    found.is_updated = false;
                }
                _ => {}
            }
        }
        found
    }

    /// What was asked for and not sent by itself is made of all that fits; what was not asked for
    /// is left out.
    pub(super) fn complete(&self, found: &mut Collected, ends: (Option<Uid>, Option<Uid>), len: u64) {
        found.min = found.min.or(ends.0).filter(|_| self.min);
        found.max = found.max.or(ends.1).filter(|_| self.max);
        found.count = self.count.then(|| found.count.unwrap_or(len));
    }
}

impl Collected {
    fn add(&mut self, more: ESearch) {
        let ESearch { min, max, count, partial, mod_seq, relevancy, changes, other, .. } = more;
        self.min = self.min.or(min.and_then(Uid::new));
        self.max = self.max.or(max.and_then(Uid::new));
        self.count = self.count.or(count.map(u64::from));
        self.mod_seq = self.mod_seq.max(mod_seq);
        self.relevancy.extend(relevancy);
        self.changes.extend(changes);
        self.other.extend(other);
        if self.partial.is_none() {
            self.partial = partial.map(|part| part.numbers);
        }
    }
}
