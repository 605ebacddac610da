//! The rules of the house that no compiler checks, read from the sources themselves.
//!
//! In: the files of this repository. Out: each breach with its file and line. Every rule has tests
//! of its own that it sees what it is to see.
//!
//! Test code (`#[cfg(test)]`) is free of the rules about imports, clocks and rooms; the rest holds
//! for it too.

mod aliases;
mod documents;
mod examples;
mod hostile;
mod layers;
mod live;
mod panics;
mod rooms;
mod shape;
mod source;
mod words;

pub(crate) fn report(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}
