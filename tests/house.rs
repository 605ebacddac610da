//! The rules of the house that no compiler checks, read from the sources themselves.
//!
//! In: the files of this repository. Out: each breach with its file and line. The rules are those of the
//! layers: each module has a head, imports go down only, and below `net` there is no I/O, no clock and no
//! async, so that all the hard parts can be tested without sockets and in virtual time.
//!
//! Test code (`#[cfg(test)]`) is free of the rules about imports and clocks; the rest holds for it too.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, lowest first. A module imports from its own layer and from those before it.
const LAYERS: [&[&str]; 12] = [
    &["types"],
    &["error"],
    &["wire"],
    &["command"],
    &["view"],
    &["engine"],
    &["net"],
    &["client"],
    &["replay"],
    // Neighbours: neither imports the other.
    &["store", "watch"],
    &["testing"],
    &["fuzz"],
];
/// What `testing` may import, so that a client's misunderstanding cannot cancel out.
const TESTING: [&str; 3] = ["testing", "types", "wire"];
/// What the layers below `net` may not name, with the reason.
const BELOW_NET: [(&str, &str); 8] = [
    ("tokio", "no runtime below net"),
    ("tokio_util", "no runtime below net"),
    ("SystemTime::now", "time is an argument of the engine"),
    ("Instant::now", "time is an argument of the engine"),
    (".elapsed(", "time is an argument of the engine"),
    ("async", "no async below net"),
    (".await", "no async below net"),
    ("std::net", "no sockets below net"),
];
/// The files of the embedded server that may do I/O and wait; the rest is as those below `net` are.
const TESTING_IO: [&str; 5] = ["clock", "io", "listen", "server", "tls"];
/// Lines that a source file may have.
const LONGEST: usize = 500;

/// A source file: its path, its text, and its code: the text with comments and literals blanked, byte for byte, and
/// without what is compiled for tests only.
struct Source {
    path: PathBuf,
    text: String,
    code: String,
    /// The modules it lies in: `["wire", "parse"]` for `src/wire/parse/fetch.rs` is `["wire", "parse", "fetch"]`.
    modules: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for path in entries.map(|entry| entry.expect("a folder's entry").path()) {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    files(&root().join("src"), &mut paths);
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    paths.sort();
    let mut sources: Vec<Source> = paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a source file is UTF-8");
            let code = blank(&text);
            let modules = modules(&path);
            Source { path, text, code, modules }
        })
        .collect();
    let tests: Vec<Vec<String>> = sources.iter_mut().flat_map(take_tests).collect();
    for source in &mut sources {
        if tests.iter().any(|module| source.modules.starts_with(module)) {
            source.code.clear();
        }
    }
    assert!(!sources.is_empty());
    sources
}

fn modules(path: &Path) -> Vec<String> {
    let inside = path.strip_prefix(root().join("src")).expect("a file of src").with_extension("");
    let mut modules: Vec<String> = inside.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if modules.last().is_some_and(|name| name == "mod" || (name == "lib" && modules.len() == 1)) {
        modules.pop();
    }
    modules
}

/// The text with all that is in comments, strings and characters made blank; lines stay where they are.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + skip(&bytes[at..], at.checked_sub(1).map(|before| bytes[before]));
        if end == at {
            at += 1;
            continue;
        }
        code[at..end].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        at = end;
    }
    String::from_utf8(code).expect("whole characters are blanked")
}

/// How long the comment or the literal at the start of `rest` is; 0 if there is none.
fn skip(rest: &[u8], before: Option<u8>) -> usize {
    let to = |what: &[u8], from: usize| {
        let found = rest[from..].windows(what.len()).position(|window| window == what);
        found.map_or(rest.len(), |at| from + at + what.len())
    };
    let word = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match rest {
        [b'/', b'/', ..] => to(b"\n", 2) - 1,
        [b'/', b'*', ..] => {
            let (mut depth, mut at) = (1, 2);
            while depth > 0 && at < rest.len() {
                match &rest[at..] {
                    [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
                    [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
                    _ => at += 1,
                }
            }
            at
        }
        [b'r', b'"' | b'#', ..] if !word || before == Some(b'b') => {
            let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
            if rest.get(1 + hashes) != Some(&b'"') {
                return 0; // r#name
            }
            to(&[b"\"", "#".repeat(hashes).as_bytes()].concat(), 2 + hashes)
        }
        [b'"', ..] => {
            let mut at = 1;
            while at < rest.len() && rest[at] != b'"' {
                at += if rest[at] == b'\\' { 2 } else { 1 };
            }
            at + 1
        }
        [b'\'', b'\\', ..] => to(b"'", 3),
        // A character of any length, but no lifetime.
        [b'\'', ..] => {
            let close = rest.iter().skip(1).take(5).position(|byte| *byte == b'\'');
            let one = |end: usize| std::str::from_utf8(&rest[1..=end]).is_ok_and(|s| s.chars().count() == 1);
            close.filter(|end| one(*end)).map_or(0, |end| end + 2)
        }
        _ => 0,
    }
}

/// Blanks what follows each `#[cfg(test)]` in the code of `source`; gives the modules whose files are elsewhere.
fn take_tests(source: &mut Source) -> Vec<Vec<String>> {
    const MARK: &str = "#[cfg(test)]";
    let mut elsewhere = Vec::new();
    while let Some(start) = source.code.find(MARK) {
        let rest = &source.code[start + MARK.len()..];
        let end = match rest.find([';', '{']) {
            Some(at) if rest.as_bytes()[at] == b'{' => at + group(&rest[at..]),
            Some(at) => {
                let mut words = rest[..at].split_whitespace().skip_while(|word| *word != "mod");
                if let (Some(_), Some(name)) = (words.next(), words.next()) {
                    elsewhere.push([source.modules.as_slice(), &[name.to_owned()]].concat());
                }
                at + 1
            }
            None => rest.len(),
        };
        let end = start + MARK.len() + end;
        let blank: String =
            source.code[start..end].chars().map(|c| if c == '\n' { c } else { ' ' }).collect();
        source.code = [&source.code[..start], &blank, &source.code[end..]].concat();
    }
    elsewhere
}

/// The length of the group in braces at the start of `code`.
fn group(code: &str) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// The places where `word` stands in `code`, not as a part of a longer word.
fn places(code: &str, word: &str) -> Vec<usize> {
    let part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let (bytes, all) = (code.as_bytes(), code.match_indices(word));
    let open = word.starts_with('.');
    all.map(|(at, _)| at)
        .filter(|at| {
            (open || !part(at.checked_sub(1).map(|b| &bytes[b]))) && !part(bytes.get(at + word.len()))
        })
        .collect()
}

/// The first names of the paths that begin at `code`: one, or those of a group in braces.
fn heads(code: &str) -> Vec<String> {
    let name = |text: &str| {
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        // A macro has no module.
        (!text[end..].starts_with('!')).then(|| text[..end].to_owned())
    };
    let code = code.trim_start();
    if !code.starts_with('{') {
        return name(code).into_iter().collect();
    }
    let inside = &code[1..group(code).max(2) - 1];
    let (mut heads, mut depth, mut start) = (Vec::new(), 0usize, 0);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth == 0 => {
                heads.extend(name(&inside[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    heads.extend(name(&inside[start..]).filter(|name| !name.is_empty()));
    heads
}

/// All modules of the crate's root that a source names, with the place of each: `crate::x`, `super::super::x`.
fn named(source: &Source) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for at in places(&source.code, "crate") {
        if let Some(rest) = source.code[at + 5..].trim_start().strip_prefix("::") {
            named.extend(heads(rest).into_iter().map(|name| (at, name)));
        }
    }
    for at in places(&source.code, "super") {
        let (mut rest, mut up) = (&source.code[at..], 0);
        while let Some(after) = rest.strip_prefix("super::") {
            (rest, up) = (after, up + 1);
        }
        // `super` counts from the file's own module; one of an inner module reaches less far.
        let before = source.code[..at].ends_with("super::");
        if up == source.modules.len() && up > 0 && !before {
            named.extend(heads(rest).into_iter().map(|name| (at, name)));
        }
    }
    named
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|names| names.contains(&layer))
}

/// What is wrong with `importer` naming `imported`, if anything.
fn import(importer: &str, imported: &str) -> Option<String> {
    let (Some(from), Some(to)) = (rank(importer), rank(imported)) else {
        return Some(format!("`{imported}` is none of the layers: name the module where a thing lives"));
    };
    let allowed = match importer {
        "testing" => TESTING.contains(&imported),
        _ => importer == imported || to < from,
    };
    (!allowed).then(|| format!("`{importer}` may not import `{imported}`"))
}

fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn report(rule: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{rule}:\n  {}", breaches.join("\n  "));
}

#[test]
fn every_module_begins_with_what_it_is_for() {
    let missing = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    report(
        "the first line is a `//!` head",
        &missing.map(|s| s.path.display().to_string()).collect::<Vec<_>>(),
    );
}

#[test]
fn no_source_file_is_too_long() {
    let long = sources().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long = long.filter(|(lines, _)| *lines > LONGEST);
    let long: Vec<_> = long.map(|(lines, path)| format!("{}: {lines}", path.display())).collect();
    report("a file has at most 500 lines; one that grows past it has two subjects", &long);
}

/// Such an attribute makes a unit variant one that users can't name plainly: `EventKind::SelectionEnded` is a private
/// constructor to them then, with an error that helps nobody.
#[test]
fn unit_variants_can_be_matched_plainly() {
    let mut breaches = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        for (at, _) in lines.iter().enumerate().filter(|(_, line)| **line == "#[non_exhaustive]") {
            let item = lines[at + 1..].iter().find(|line| !line.starts_with(['#', '/'])).unwrap_or(&"");
            let name = item.strip_suffix(',').unwrap_or(item);
            if !name.is_empty() && name.chars().all(char::is_alphanumeric) {
                breaches.push(format!("{}:{}: {item}", source.path.display(), at + 1));
            }
        }
    }
    report("a unit variant is not #[non_exhaustive]", &breaches);
}

#[test]
fn imports_go_down_only() {
    let mut breaches = Vec::new();
    for source in sources() {
        let Some(layer) = source.modules.first() else { continue };
        for (at, name) in named(&source) {
            if let Some(what) = import(layer, &name) {
                breaches.push(format!("{}:{}: {what}", source.path.display(), line(&source.code, at)));
            }
        }
    }
    report("imports go one way", &breaches);
}

#[test]
fn below_net_there_is_no_io_no_clock_and_no_async() {
    let net = rank("net");
    let mut breaches = Vec::new();
    let is_free = |source: &Source| match source.modules.as_slice() {
        [layer, file, ..] if layer == "testing" => TESTING_IO.contains(&file.as_str()),
        [layer, ..] => layer != "testing" && rank(layer) >= net,
        [] => true,
    };
    for source in sources() {
        let Some(layer) = source.modules.first().filter(|_| !is_free(&source)) else { continue };
        for (word, why) in BELOW_NET {
            for at in places(&source.code, word) {
                let place = line(&source.code, at);
                breaches.push(format!("{}:{place}: `{word}` in {layer}: {why}", source.path.display()));
            }
        }
    }
    report("the layers below net", &breaches);
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    // In pieces, so that this file does not name them.
    let places = [["/wo", "rk/"].concat(), ["/ro", "ot/"].concat()];
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap_or_default();
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let (mut folders, mut breaches) = (vec![root().to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let inside = path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
            if inside == ".git" || ignored.contains(&inside.as_str()) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = fs::read_to_string(&path) else { continue };
            let found = text.lines().enumerate().filter(|(_, line)| places.iter().any(|p| line.contains(p)));
            breaches.extend(found.map(|(at, line)| format!("{inside}:{}: {line}", at + 1)));
        }
    }
    report("no path of the machine on which it was written", &breaches);
}

// The rules about rules: that the tests above see what they are to see.

fn source(path: &str, text: &str) -> Source {
    let path = root().join("src").join(path);
    let modules = modules(&path);
    let mut source = Source { path, text: text.to_owned(), code: blank(text), modules };
    take_tests(&mut source);
    source
}

fn names(path: &str, text: &str) -> Vec<String> {
    named(&source(path, text)).into_iter().map(|(_, name)| name).collect()
}

#[test]
fn imports_are_seen_wherever_they_stand() {
    assert_eq!(names("wire/mod.rs", "use crate::types::{Uid, set::{A, B}};"), ["types"]);
    assert_eq!(
        names("wire/mod.rs", "use crate::{types::{A, b::C}, engine, view as v};"),
        ["types", "engine", "view"]
    );
    assert_eq!(names("wire/mod.rs", "fn f() -> crate::engine::X { crate :: net::y() }"), ["engine", "net"]);
    assert_eq!(names("wire/mod.rs", "use super::client::Token; use super::wire::X;"), ["client", "wire"]);
    assert_eq!(
        names("wire/parse/fetch.rs", "use super::super::super::net; use super::super::frame;"),
        ["net"]
    );
    assert_eq!(names("wire/mod.rs", "crate::bits!(A); pub(crate) fn f() {} use mycrate::types;"), [""; 0]);
}

#[test]
fn comments_literals_and_tests_are_not_imports() {
    let text = "/// [`crate::net`]\n/* crate::net /* */ crate::net */ const A: &str = \"crate::net \\\" crate::net\";
        const B: &[u8] = br#\"crate::net\"#; const C: char = '\"'; const D: char = '\\''; const E: char = 'é';
        fn f<'a>(x: &'a str) { use crate::types; }
        #[cfg(test)]\nmod tests { use crate::net; fn f() { { } } }
        #[cfg(test)]\nmod more;\nuse crate::error;";
    let mut source = Source { code: blank(text), ..source("wire/mod.rs", text) };
    assert_eq!(take_tests(&mut source), [["wire", "more"]]);
    let names: Vec<_> = named(&source).into_iter().map(|(at, name)| (line(&source.code, at), name)).collect();
    assert_eq!(names, [(4, "types".to_owned()), (9, "error".to_owned())]);
}

#[test]
fn what_may_import_what() {
    for (importer, imported) in
        [("types", "error"), ("wire", "command"), ("engine", "net"), ("store", "watch")]
    {
        assert!(import(importer, imported).is_some(), "{importer} imports {imported}");
        if importer != "store" {
            assert_eq!(import(imported, importer), None);
        }
    }
    assert_eq!(import("testing", "wire"), None);
    assert!(import("testing", "engine").is_some() && import("client", "testing").is_some());
    assert!(import("wire", "Error").is_some(), "a name of the root hides its layer");
}

#[test]
fn clocks_and_async_are_seen() {
    let found =
        |text: &str| BELOW_NET.iter().filter(|(word, _)| !places(&blank(text), word).is_empty()).count();
    assert_eq!(found("use tokio::io; let now = Instant::now(); start.elapsed(); async move { x.await }"), 5);
    assert_eq!(found("// tokio\nlet tokio_like = \"async\"; fn at(now: Instant) {}"), 0);
}
