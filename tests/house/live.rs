//! Whatever makes a command is called against a server: each public function of `command` that
//! makes one or adds to it, each method of `Sender` and `Mailbox` that submits one, and each key
//! that is a variant. So no method is there whose bytes no server has read.

use std::fs;

use crate::report;
use crate::source::{files, root};

/// Where a server is asked: Dovecot, the embedded one, Cyrus.
const PLACES: [&str; 3] = ["tests/live", "tests/embedded", "tests/cyrus"];

/// Methods of traits, which are called by operators, by conversions, or by the engine.
const BY_ITSELF: [&str; 12] = [
    "bitand",
    "bitor",
    "claims",
    "class",
    "clone",
    "default",
    "deref",
    "encode",
    "from",
    "from_iter",
    "messages",
    "not",
];

/// What a program writes its own commands with.
const OF_ONES_OWN: [&str; 5] = ["Action", "Class", "Command", "Line", "Submit"];

/// What a program would say by a variant.
const KEYS: [&str; 3] = ["NotifyEvent", "SortKey", "ThreadBy"];

/// What a list as in `public-api.txt` has to be called: the type and the name, and whether that is
/// a method of a value.
fn callable(api: &str) -> Vec<(String, String, bool)> {
    let mut found = Vec::new();
    for line in api.lines() {
        let variant = line.strip_prefix("pub imap_duplex::command::").and_then(|path| path.split_once("::"));
        if let Some((owner, name)) = variant.filter(|(owner, name)| KEYS.contains(owner) && is_variant(name))
        {
            found.push((owner.to_owned(), name.to_owned(), false));
        }
        let Some(signature) = line.strip_prefix("pub fn imap_duplex::") else { continue };
        let Some((path, rest)) = signature.split_once(['(', '<']) else { continue };
        let returned = rest.rsplit_once(") -> ").map_or("", |(_, returned)| returned);
        let names: Vec<&str> = path.split("::").collect();
        let (owner, name, is_wanted) = match *names {
            ["command", owner, name] => {
                (owner, name, returned == "Self" || returned.starts_with("imap_duplex::command::"))
            }
            [owner @ ("Mailbox" | "Sender"), name] => {
                (owner, name, returned.starts_with("imap_duplex::Token<") || returned == "imap_duplex::Body")
            }
            _ => continue,
        };
        if !is_wanted || BY_ITSELF.contains(&name) || OF_ONES_OWN.contains(&owner) {
            continue;
        }
        let owner = super::hostile::chained(owner);
        let is_chain = matches!(owner, "Items" | "Search" | "StatusItems");
        found.push((owner.to_owned(), name.to_owned(), is_chain || signature.contains("self")));
    }
    let inner = inner(api);
    found.retain(|(owner, _, is_method)| *is_method || !inner.contains(&owner.as_str()));
    found.sort_unstable();
    found.dedup_by(|b, a| (&b.0, &b.1) == (&a.0, &a.1));
    found
}

/// The commands that a method of `Sender` or `Mailbox` makes by itself, so that few programs name
/// them: `GetAcl` of `Sender::acl`.
fn inner(api: &str) -> Vec<&str> {
    let submits = api.lines().filter_map(|line| {
        let signature = ["pub fn imap_duplex::Mailbox::", "pub fn imap_duplex::Sender::"]
            .into_iter()
            .find_map(|prefix| line.strip_prefix(prefix))?;
        let (arguments, token) = signature.split_once(") -> imap_duplex::Token<imap_duplex::command::")?;
        Some((arguments, token.trim_end_matches('>')))
    });
    let takes = |arguments: &str, command: &str| {
        let path = format!("imap_duplex::command::{command}");
        arguments.split([',', '>', '<', ' ']).any(|word| word == path)
    };
    submits.filter(|(arguments, command)| !takes(arguments, command)).map(|(_, command)| command).collect()
}

fn is_variant(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric())
}

fn is_called(tests: &str, owner: &str, name: &str, is_method: bool) -> bool {
    let path = format!("{owner}::{name}");
    let as_path = tests.match_indices(&path).any(|(at, _)| {
        !tests[at + path.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    });
    as_path || is_method && tests.contains(&format!(".{name}("))
}

#[test]
fn whatever_makes_a_command_is_called_against_a_server() {
    let api = fs::read_to_string(root().join("public-api.txt")).expect("the list of the public API");
    let mut paths = Vec::new();
    PLACES.iter().for_each(|place| files(&root().join(place), &mut paths));
    let tests: String =
        paths.iter().map(|path| fs::read_to_string(path).expect("a source file is UTF-8")).collect();
    let callable = callable(&api);
    assert!(callable.len() > 250, "{}", callable.len());
    let missing =
        callable.iter().filter(|(owner, name, is_method)| !is_called(&tests, owner, name, *is_method));
    let breaches: Vec<String> =
        missing.map(|(owner, name, _)| format!("{owner}::{name} is called in none of {PLACES:?}")).collect();
    report("what makes a command is tried against a server", &breaches);
}

#[test]
fn the_rule_sees_what_makes_a_command() {
    let api = "pub imap_duplex::command::SortKey::Cc\n\
        pub imap_duplex::command::Changes::messages: alloc::vec::Vec<imap_duplex::Message>\n\
        pub fn imap_duplex::command::Append::utf8(impl core::convert::Into<bytes::bytes::Bytes>) -> Self\n\
        pub fn imap_duplex::command::Append::clone(&self) -> imap_duplex::command::Append\n\
        pub fn imap_duplex::command::Append::size(&self) -> u64\n\
        pub fn imap_duplex::command::ItemChain::fast(&self) -> imap_duplex::command::Items\n\
        pub fn imap_duplex::command::Items::fast() -> Self\n\
        pub fn imap_duplex::Mailbox::exists(&self) -> u32\n\
        pub fn imap_duplex::Sender::search_in(&self, S) -> imap_duplex::Token<imap_duplex::command::SearchIn>\n";
    let callable = callable(api);
    let names: Vec<_> = callable.iter().map(|(owner, name, method)| (&**owner, &**name, *method)).collect();
    let meant = [
        ("Append", "utf8", false),
        ("Items", "fast", true),
        ("Sender", "search_in", true),
        ("SortKey", "Cc", false),
    ];
    assert_eq!(names, meant);
    assert!(is_called("Some(SortKey::Cc)", "SortKey", "Cc", false));
    assert!(!is_called("SortKey::Ccs", "SortKey", "Cc", false));
    assert!(is_called("x.fast()", "Items", "fast", true) && !is_called("x.utf8()", "Append", "utf8", false));
}
