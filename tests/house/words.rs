//! Plain words: one word for one thing, the field's own, in what is read by people.

use std::fs;

use crate::report;
use crate::source::{files, root};

/// The folders and files whose words have been gone through.
const PLAIN: [&str; 11] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "README.md",
    "benches",
    "docs",
    "examples",
    "fleet",
    "fuzz",
    "src",
    "tests",
];

/// Columns of a comment.
const MAX_COMMENT: usize = 100;

/// The file that has to name the words: this one.
const HERE: &str = "tests/house/words.rs";

/// Words that say nothing to an engineer who greps: events are reported, bytes received.
const PRIVATE: [&str; 14] = [
    "told",
    "untold",
    "heard",
    "hears",
    "era",
    "eras",
    "octet",
    "octets",
    "doings",
    "rivals",
    "roster",
    "stillborn",
    "nobody",
    "anew",
];

/// The words of a text in small letters; those of an identifier one by one: two in `last_seen` and
/// in `lastSeen`.
fn words(text: &str) -> impl Iterator<Item = String> {
    let mut split = String::with_capacity(text.len());
    let mut small = false;
    for c in text.chars() {
        if c.is_uppercase() && small {
            split.push(' ');
        }
        small = c.is_lowercase();
        split.extend(c.to_lowercase());
    }
    let words = split.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// Lines that may have such a word: the beginning of the path, a part of the line, and why. One
/// that matches no line is an error.
const EXCEPTIONS: [(&str, &str, &str); 23] = [
    ("CHANGELOG.md", "::Heard`", "an old name"),
    ("CHANGELOG.md", "::hears`", "an old name"),
    ("CHANGELOG.md", "::heard`", "an old name"),
    ("CHANGELOG.md", "`octets`", "an old name"),
    ("examples/append.rs", "its UID is not told", "printed, and stays as it is"),
    ("examples/append.rs", "{length} octets", "printed, and stays as it is"),
    ("examples/replay.rs", "{left} octets", "printed, and stays as it is"),
    ("examples/replay.rs", "\"octets\"", "a key of the JSON"),
    ("examples/watch.rs", "not told", "printed, and stays as it is"),
    ("examples/watch/scene.rs", "its UID is told", "printed, and stays as it is"),
    ("fleet/src/services.rs", "\"nobody\"", "the name of a user"),
    ("src/", "octet-stream", "a media type"),
    ("src/testing/search/collation.rs", "i;octet", "a collation (RFC 4790)"),
    ("src/types/json", "octets", "a key of the JSON"),
    ("src/wire/parse/tests", "OCTET-STREAM", "a media type"),
    ("src/wire/parse/tests", "i;octet", "a collation (RFC 4790)"),
    ("tests/contract/c14_ways.rs", "i;octet", "a collation (RFC 4790)"),
    ("tests/embedded/languages.rs", "i;octet", "a collation (RFC 4790)"),
    ("tests/examples.rs", "octets, uid", "printed by an example"),
    ("tests/replay.rs", "octets at", "printed by an example"),
    ("tests/replay.rs", "\"octets\"", "a key of the JSON"),
    ("benches/peers/src/whole/dovecot.rs", "nobody", "a user of Unix"),
    ("tests/support/dovecot.rs", "nobody", "a user of Unix"),
];

#[test]
fn words_are_those_of_the_field() {
    let (mut unused, mut breaches) = (EXCEPTIONS.to_vec(), Vec::new());
    for (path, text) in plain_files().into_iter().filter(|(path, _)| path != HERE) {
        for (at, line) in text.lines().enumerate() {
            let Some(word) = words(line).find(|word| PRIVATE.contains(&word.as_str())) else { continue };
            let allows =
                |(start, part, _): &(&str, &str, &str)| path.starts_with(start) && line.contains(part);
            if EXCEPTIONS.iter().any(allows) {
                unused.retain(|exception| !allows(exception));
                continue;
            }
            breaches.push(format!("{path}:{}: {word}: {}", at + 1, line.trim()));
        }
    }
    breaches.extend(unused.into_iter().map(|(start, part, _)| format!("{start} has no line with {part:?}")));
    report("one word for one thing, and the field's own", &breaches);
}

/// Comments are read in a narrower column than code. Tables, addresses and what is fenced keep
/// their lines.
#[test]
fn comments_are_wrapped() {
    let mut breaches = Vec::new();
    for (path, text) in plain_files().into_iter().filter(|(path, _)| path.ends_with(".rs")) {
        let mut fenced = false;
        for (at, line) in text.lines().enumerate() {
            let Some(comment) = line.trim_start().strip_prefix("//") else { continue };
            let comment = comment.trim_start_matches(['/', '!']).trim_start();
            fenced ^= comment.starts_with("```");
            let whole = fenced || comment.starts_with(['|', '`']) || comment.contains("://");
            if !whole && line.chars().count() > MAX_COMMENT {
                breaches.push(format!("{path}:{}: {} columns", at + 1, line.chars().count()));
            }
        }
    }
    report("a comment has at most 100 columns", &breaches);
}

/// The files of `PLAIN`, by their paths in the repository.
fn plain_files() -> Vec<(String, String)> {
    let mut paths = Vec::new();
    for place in PLAIN {
        let place = root().join(place);
        if place.is_dir() { files(&place, &mut paths) } else { paths.push(place) }
    }
    paths.retain(|path| !path.iter().any(|folder| folder == "target"));
    paths.sort();
    let texts = paths
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs" || e == "md" || e == "py"));
    let read = texts.map(|path| {
        let inside = path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
        (inside, fs::read_to_string(&path).expect("a text file is UTF-8"))
    });
    read.collect()
}

#[test]
fn words_are_seen_in_comments_names_and_texts() {
    let split: Vec<_> = words("// It's `last_seenUid`, \"no more\"").collect();
    assert_eq!(split, ["it", "s", "last", "seen", "uid", "no", "more"]);
    let private = |text: &str| words(text).any(|word| PRIVATE.contains(&word.as_str()));
    assert!(private("was_told") && private("ToldLast"));
    assert!(!private("generation literal camera"));
}
