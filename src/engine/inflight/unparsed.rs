//! Responses that could not be parsed: they may have been part of the results of the commands in
//! flight that expect their kind.
//!
//! In: each such line, with what kind it seems to be. Out: for a command that ends, those that came
//! while it was in flight. A line costs the same whether one command listens or ten thousand, and
//! no more lines are kept than a result can show.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::command::{Class, ResponseKinds};

/// How many lines of a kind are kept.
const MAX_LINES: usize = 100;

/// The lines that could not be read, by the kind of response that each seems to be.
#[derive(Debug, Default)]
pub(super) struct UnparsedLines {
    /// How many there have been.
    all: u64,
    /// Empty until there is one: nearly all connections have none.
    kinds: Vec<LinesOfKind>,
}

#[derive(Debug, Default)]
struct LinesOfKind {
    kept: VecDeque<UnparsedLine>,
    /// Which of all was the last that is not kept any more.
    gone: Option<u64>,
}

#[derive(Debug)]
struct UnparsedLine {
    number: u64,
    keyword: String,
    bytes: Bytes,
}

/// What was missed of a result.
#[derive(Debug, Default)]
pub(super) struct UnparsedSince {
    /// The lines that are still kept.
    pub(super) lines: Vec<Bytes>,
    /// There were more.
    pub(super) and_more: bool,
}

impl UnparsedLines {
    /// What is missed from now on has a number from this on.
    pub(super) fn mark(&self) -> u64 {
        self.all
    }

    /// A line could not be read; it begins with this keyword, which is of this kind.
    pub(super) fn add(&mut self, kind: ResponseKinds, keyword: &str, bytes: &Bytes) {
        let number = self.all;
        self.all += 1;
        self.kinds.resize_with(ResponseKinds::KINDS, LinesOfKind::default);
        for kind in kind.kinds() {
            let Some(lines) = self.kinds.get_mut(kind) else { continue };
            if lines.kept.len() >= MAX_LINES {
                lines.gone = lines.kept.pop_front().map(|line| line.number);
            }
            lines.kept.push_back(UnparsedLine { number, keyword: keyword.to_owned(), bytes: bytes.clone() });
        }
    }

    /// What a command of this class may have missed since then.
    pub(super) fn since(&self, mark: u64, class: &Class) -> UnparsedSince {
        let mut lacking = UnparsedSince::default();
        if mark == self.all {
            return lacking;
        }
        let listens: Vec<usize> = class.answered_by.kinds().collect();
        for (kind, lines) in self.kinds.iter().enumerate() {
            let all = !class.claims_by_keyword() && listens.contains(&kind);
            if !all && class.keywords.is_empty() {
                continue;
            }
            let its = lines.kept.iter().filter(|line| {
                line.number >= mark && (all || class.keywords.contains(&line.keyword.as_str()))
            });
            lacking.lines.extend(its.map(|line| line.bytes.clone()));
            // Whose those were that are not kept is not known any more: they may have been its own.
            lacking.and_more |= lines.gone.is_some_and(|gone| gone >= mark);
        }
        lacking
    }
}

impl UnparsedSince {
    pub(super) fn is_nothing(&self) -> bool {
        self.lines.is_empty() && !self.and_more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finds_what_came_while_it_listened_and_a_flood_is_not_kept() {
        let mut missed = UnparsedLines::default();
        let line = |n: usize| Bytes::from(format!("* {n} FETCH oops"));
        missed.add(ResponseKinds::FETCH, "FETCH", &line(0));
        let mark = missed.mark();
        let fetch = Class::query().answered_by_kinds(ResponseKinds::FETCH);
        let quota = Class::query().answered_by(&["QUOTA"]);
        assert!(missed.since(mark, &fetch).is_nothing());
        missed.add(ResponseKinds::FETCH, "FETCH", &line(1));
        missed.add(ResponseKinds::OTHER, "QUOTA", &line(2));
        missed.add(ResponseKinds::OTHER, "ACL", &line(3));
        assert_eq!(missed.since(mark, &fetch).lines, [line(1)]);
        assert_eq!(missed.since(mark, &quota).lines, [line(2)]);
        assert!(missed.since(mark, &Class::query().answered_by_kinds(ResponseKinds::SEARCH)).is_nothing());
        assert_eq!(missed.since(0, &fetch).lines, [line(0), line(1)]);
        (0..10_000).for_each(|n| missed.add(ResponseKinds::FETCH, "FETCH", &line(n)));
        let lacking = missed.since(mark, &fetch);
        assert_eq!((lacking.lines.len(), lacking.and_more), (MAX_LINES, true));
        assert!(missed.since(missed.mark(), &fetch).is_nothing());
    }
}
