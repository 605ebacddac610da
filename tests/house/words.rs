//! Plain words: one word for one thing, the field's own, in what is read by people.

use std::fs;

use crate::report;
use crate::source::{files, root};

/// The folders and files whose words have been gone through.
const PLAIN: [&str; 16] = [
    "CONTRIBUTING.md",
    "README.md",
    "src/client",
    "src/command",
    "src/cost",
    "src/error",
    "src/error.rs",
    "src/fuzz",
    "src/fuzz.rs",
    "src/lib.rs",
    "src/net",
    "src/replay.rs",
    "src/testing",
    "src/types",
    "src/view",
    "src/wire",
];

/// Columns of a comment.
const MAX_COMMENT: usize = 100;

/// Words that say nothing to an engineer who greps, in pieces, so that this file does not have them.
const PRIVATE: [[&str; 2]; 14] = [
    ["to", "ld"],
    ["unto", "ld"],
    ["hea", "rd"],
    ["hea", "rs"],
    ["er", "a"],
    ["er", "as"],
    ["oct", "et"],
    ["oct", "ets"],
    ["doi", "ngs"],
    ["riv", "als"],
    ["ros", "ter"],
    ["still", "born"],
    ["nobo", "dy"],
    ["ane", "w"],
];

fn private_words() -> Vec<String> {
    PRIVATE.iter().map(|pieces| pieces.concat()).collect()
}

/// The words of a text in small letters; those of an identifier one by one: two in `last_seen` and in `lastSeen`.
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

/// Lines that have such a word all the same: the file, a part of the line, and why. One that stands nowhere is an error.
const EXCEPTIONS: [(&str, &str, &str); 9] = [
    ("src/testing/mime/tree.rs", "octet-stream", "a media type"),
    ("src/wire/respond/tests/values.rs", "octet-stream", "a media type"),
    ("src/types/body_builder.rs", "octet-stream", "a media type"),
    ("src/types/json.rs", "octets", "a key of the JSON"),
    ("src/types/json/extensions.rs", "octets", "a key of the JSON"),
    ("src/types/json/tests.rs", "\"octets\"", "a key of the JSON"),
    ("src/wire/parse/tests/garbled.rs", "i;octet", "a collation (RFC 4790)"),
    ("src/wire/parse/tests/quirks.rs", "OCTET-STREAM", "a media type"),
    ("src/wire/parse/tests/rfc_extensions.rs", "i;octet", "a collation (RFC 4790)"),
];

#[test]
fn words_are_those_of_the_field() {
    let (private, mut unused, mut breaches) = (private_words(), EXCEPTIONS.to_vec(), Vec::new());
    for (path, text) in plain_files() {
        for (at, line) in text.lines().enumerate() {
            let Some(word) = words(line).find(|word| private.contains(word)) else { continue };
            if EXCEPTIONS.iter().any(|(file, part, _)| *file == path && line.contains(part)) {
                unused.retain(|(file, part, _)| *file != path || !line.contains(part));
                continue;
            }
            breaches.push(format!("{path}:{}: {word}: {}", at + 1, line.trim()));
        }
    }
    breaches.extend(unused.into_iter().map(|(file, part, _)| format!("{file} has no line with {part:?}")));
    report("one word for one thing, and the field's own", &breaches);
}

/// Comments are read in a narrower column than code. Tables, addresses and what is fenced keep their lines.
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
    paths.sort();
    let texts = paths.into_iter().filter(|path| path.extension().is_some_and(|e| e == "rs" || e == "md"));
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
    let private = private_words();
    assert!(words(&["was_", "to", "ld"].concat()).any(|word| private.contains(&word)));
    assert!(!words("generation literal camera").any(|word| private.contains(&word)));
}
