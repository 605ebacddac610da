//! What every program calls has an example: the methods of the two halves and of what they give,
//! and the constructors of commands.

use crate::report;
use crate::source::{Source, group, line, places, source_of, sources};

/// The types each of whose public methods has an example, and the layers that they are in.
const TYPES: [&str; 8] = ["Sender", "Receiver", "Driver", "Mailbox", "Token", "Rows", "Config", "Select"];
const LAYERS: [&str; 2] = ["client", "net"];
/// The layer each of whose public constructors has one.
const CONSTRUCTORS: &str = "command";

#[test]
fn what_every_program_calls_has_an_example() {
    let (mut breaches, mut seen) = (Vec::new(), 0);
    for source in sources() {
        let (checked, lacking) = lacking(&source);
        seen += checked;
        breaches.extend(lacking);
    }
    assert!(seen > 100, "{seen} methods");
    report("a public method of these types, and a command's constructor, has an example", &breaches);
}

/// How many methods of a file the rule is about, and those that have no example.
fn lacking(source: &Source) -> (usize, Vec<String>) {
    let layer = source.modules.first().map_or("", String::as_str);
    let is_command = layer == CONSTRUCTORS;
    let (mut checked, mut lacking) = (0, Vec::new());
    for (owner, start, body) in blocks(&source.code) {
        for (name, at, takes_self) in methods(body) {
            if !(LAYERS.contains(&layer) && TYPES.contains(&owner)) && (!is_command || takes_self) {
                continue;
            }
            checked += 1;
            if !docs(&source.text[..start + at])
                .any(|line| line.trim_start_matches('/').trim().starts_with("```"))
            {
                let place = line(&source.text, start + at);
                lacking.push(format!("{}:{place}: {owner}::{name}", source.path.display()));
            }
        }
    }
    (checked, lacking)
}

/// The blocks `impl Type { … }` of some code, without those of traits: the type's name, where the
/// body begins, and the body.
fn blocks(code: &str) -> Vec<(&str, usize, &str)> {
    let mut blocks = Vec::new();
    for at in places(code, "impl") {
        let Some(open) = code[at..].find('{').map(|open| at + open) else { continue };
        let head = code[at + 4..open].trim();
        // `impl Trait` as a type has no body of its own; a block begins its line.
        let begins = code[..at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty());
        if !begins || head.split_whitespace().any(|word| word == "for") {
            continue;
        }
        let head = if head.starts_with('<') { after_generics(head) } else { head };
        let end = head.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(head.len());
        blocks.push((&head[..end], open, &code[open..open + group(&code[open..])]));
    }
    blocks
}

fn after_generics(head: &str) -> &str {
    let mut depth = 0usize;
    for (at, byte) in head.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return head[at + 1..].trim_start();
        }
    }
    head
}

/// The public functions of a block: name, place, whether they take `self`.
fn methods(body: &str) -> Vec<(&str, usize, bool)> {
    let mut methods = Vec::new();
    for at in places(body, "pub") {
        let mut rest = body[at + 3..].trim_start();
        for word in ["const ", "async "] {
            rest = rest.strip_prefix(word).unwrap_or(rest).trim_start();
        }
        let Some(rest) = rest.strip_prefix("fn ") else { continue };
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let arguments = rest.find('(').map_or("", |open| &rest[open + 1..]);
        let first = arguments.split([',', ')', ':']).next().unwrap_or_default();
        methods.push((&rest[..end], at, first.split(|c: char| !c.is_alphanumeric()).any(|w| w == "self")));
    }
    methods
}

/// The documentation right before a place, last line first; attributes may stand between.
fn docs(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().rev().map(str::trim).skip(usize::from(!text.ends_with('\n')));
    lines
        .take_while(|line| line.starts_with("///") || line.starts_with('#'))
        .filter(|line| line.starts_with("///"))
}

#[test]
fn methods_without_examples_are_seen() {
    let text = "impl Sender {\n    /// ```\n    /// x\n    /// ```\n    #[must_use]\n    pub fn a(&self) {}\n
    /// None.\n    pub async fn b<T>(&mut self, x: impl A) {}
    pub(crate) fn c() {}\n    fn d() {}\n}
impl<S: A<B>> Token<S> {\n    pub fn e(self) {}\n}\nimpl A for Token<S> {\n    pub fn f(self) {}\n}
impl Fetch {\n    pub fn new(x: u8) -> Self {}\n    pub fn g(self) -> Self {}\n}\n";
    let found = |path: &str| {
        let (checked, lacking) = lacking(&source_of(path, text));
        let names = lacking.iter().filter_map(|line| line.rsplit_once(' ').map(|x| x.1.to_owned()));
        (checked, names.collect::<Vec<_>>())
    };
    assert_eq!(found("client/x.rs"), (3, vec!["Sender::b".to_owned(), "Token::e".to_owned()]));
    assert_eq!(found("command/x.rs"), (1, vec!["Fetch::new".to_owned()]));
    assert_eq!(found("view/x.rs"), (0, vec![]));
}
