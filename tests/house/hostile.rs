//! Whatever takes text or bytes for a command gets hostile ones: each public function of `command`
//! that does is called in `src/fuzz`, and so is each command written there.

use std::fs;

use crate::report;
use crate::source::{files, root};

/// What an argument that holds text or bytes looks like in `public-api.txt`.
const TEXT: [&str; 14] = [
    "::String>",
    "AsRef<str>",
    "&str",
    "::Bytes>",
    "&[u8]",
    "::MailboxName>",
    "::Flags>",
    "::Flag>",
    "::SpecialUse>",
    "::Rights>",
    "::Section",
    "::Secret>",
    "AppendPart>",
    "AsyncRead",
];

/// What is asked of a value, or is no argument of a command: the methods of the trait of all
/// commands, those of a session, and `From`.
const ELSEWHERE: [&str; 8] =
    ["awaits_challenge", "can", "challenge", "claims", "encode", "finish", "from", "is_enabled"];

/// Commands that are made by a method of another one.
const BY_METHOD: [(&str, &str); 6] = [
    ("FetchReport", ".report("),
    ("SaveSearch", ".save("),
    ("SearchReturn", ".returning("),
    ("SortReturn", ".returning("),
    ("StoreUnchanged", ".unchanged_since("),
    // It has no argument, and is refused without the feature.
    ("Compress", "src/fuzz/"),
];

/// The types and functions that take text, of a list as in `public-api.txt`: `("Append", "new",
/// true)`, with whether it makes a value.
fn takers(api: &str) -> Vec<(String, String, bool)> {
    let mut found = Vec::new();
    for line in api.lines() {
        let Some(signature) = line.strip_prefix("pub fn imap_duplex::command::") else { continue };
        let Some((path, arguments)) = signature.split_once('(') else { continue };
        let path = path.split('<').next().unwrap_or(path);
        let Some((owner, name)) = path.split_once("::") else { continue };
        let generics = signature.split_once('(').map_or("", |(head, _)| head);
        let arguments = arguments.rsplit_once(") -> ").map_or(arguments, |(arguments, _)| arguments);
        let takes = TEXT.iter().any(|text| arguments.contains(text) || generics.contains(text));
        let is_elsewhere = ELSEWHERE.contains(&name) && path != "Search::from";
        if takes && !is_elsewhere {
            let owner = chained(owner);
            // What begins a chain also goes on with one.
            let is_chain = matches!(owner, "Items" | "Search" | "StatusItems");
            let makes = !arguments.contains("self") && !is_chain;
            found.push((owner.to_owned(), name.to_owned(), makes));
        }
    }
    found
}

/// The methods of chains are those of what they make.
pub(crate) fn chained(owner: &str) -> &str {
    match owner {
        "ItemChain" => "Items",
        "SearchChain" => "Search",
        "StatusChain" => "StatusItems",
        owner => owner,
    }
}

/// The types that are commands, or become one.
fn commands(api: &str) -> Vec<&str> {
    let kinds = ["command::Command for ", "command::Submit for ", "imap_duplex::Submit for "];
    let types = api.lines().filter(|line| line.starts_with("impl ")).filter_map(|line| {
        let path = kinds.iter().find_map(|kind| line.split_once(kind))?.1;
        path.strip_prefix("imap_duplex::command::")
    });
    types.collect()
}

fn is_called(fuzz: &str, owner: &str, name: &str, makes: bool) -> bool {
    let (path, method) = (format!("{owner}::{name}("), format!(".{name}("));
    // Also where it is named, as in `.map(Append::new)`.
    fuzz.contains(&path) || fuzz.contains(&format!("{owner}::{name})")) || !makes && fuzz.contains(&method)
}

#[test]
fn every_text_of_a_command_may_be_hostile() {
    let api = fs::read_to_string(root().join("public-api.txt")).expect("the list of the public API");
    let mut paths = Vec::new();
    files(&root().join("src/fuzz"), &mut paths);
    let fuzz: String =
        paths.iter().map(|path| fs::read_to_string(path).expect("a source file is UTF-8")).collect();
    let (takers, commands) = (takers(&api), commands(&api));
    assert!(takers.len() > 100 && commands.len() > 45, "{} {}", takers.len(), commands.len());
    let mut breaches: Vec<String> = takers
        .iter()
        .filter(|(owner, name, makes)| !is_called(&fuzz, owner, name, *makes))
        .map(|(owner, name, _)| format!("{owner}::{name} is not called in src/fuzz"))
        .collect();
    for name in commands {
        let by_method = BY_METHOD.iter().find(|(other, _)| *other == name).map(|(_, method)| *method);
        let is_made = by_method.is_some_and(|method| method == "src/fuzz/" || fuzz.contains(method));
        let word =
            |end: char| fuzz.contains(&format!("::{name}{end}")) || fuzz.contains(&format!(" {name}{end}"));
        if !is_made && ![':', '(', ')', ',', ';'].into_iter().any(word) {
            breaches.push(format!("{name} is not written in src/fuzz"));
        }
    }
    report("what takes text or bytes is tried with hostile ones", &breaches);
}

#[test]
fn the_rule_sees_what_it_is_to_see() {
    let api = "pub fn imap_duplex::command::Append::to(self, impl core::convert::Into<imap_duplex::MailboxName>) -> Self\n\
        pub fn imap_duplex::command::Search::from(impl core::convert::Into<alloc::string::String>) -> Self\n\
        pub fn imap_duplex::command::SearchScope::subtree<N: core::convert::Into<imap_duplex::MailboxName>>(impl core::iter::traits::collect::IntoIterator<Item = N>) -> Self\n\
        pub fn imap_duplex::command::Append::size(&self) -> u64\n\
        impl imap_duplex::command::Command for imap_duplex::command::Append\n";
    let takers = takers(api);
    let names: Vec<_> = takers.iter().map(|(owner, name, makes)| (&**owner, &**name, *makes)).collect();
    let meant = [("Append", "to", false), ("Search", "from", false), ("SearchScope", "subtree", true)];
    assert_eq!(names, meant);
    assert_eq!(commands(api), ["Append"]);
    assert!(
        is_called("append.to(x)", "Append", "to", false) && !is_called("x.new(y)", "Append", "new", true)
    );
}
