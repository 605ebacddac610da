//! The layers: imports go down only, and below `net` there is no I/O, no clock and no async, so
//! that all the hard parts can be tested without sockets and in virtual time.

use crate::report;
use crate::source::{Source, blank, group, line, places, source_of, sources, take_tests};

/// The layers, lowest first. A module imports from its own layer and from those before it.
const LAYERS: [&[&str]; 14] = [
    &["types"],
    &["error"],
    &["wire"],
    &["command"],
    &["view"],
    &["engine"],
    &["net"],
    &["client"],
    &["mime"],
    &["replay"],
    &["account"],
    &["store"],
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
const TESTING_IO: [&str; 6] = ["clock", "deflate", "io", "listen", "server", "tls"];
/// The first names of the paths that begin at `code`: one, or those of a group in braces.
pub(crate) fn heads(code: &str) -> Vec<String> {
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

/// All modules of the crate's root that a source names, with the place of each: `crate::x`,
/// `super::super::x`.
pub(crate) fn named(source: &Source) -> Vec<(usize, String)> {
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

// The rules see what they are to see.

fn names(path: &str, text: &str) -> Vec<String> {
    named(&source_of(path, text)).into_iter().map(|(_, name)| name).collect()
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
    let mut source = Source { code: blank(text), ..source_of("wire/mod.rs", text) };
    assert_eq!(take_tests(&mut source), [["wire", "more"]]);
    let names: Vec<_> = named(&source).into_iter().map(|(at, name)| (line(&source.code, at), name)).collect();
    assert_eq!(names, [(4, "types".to_owned()), (9, "error".to_owned())]);
}

#[test]
fn what_may_import_what() {
    for (importer, imported) in
        [("types", "error"), ("wire", "command"), ("engine", "net"), ("account", "store")]
    {
        assert!(import(importer, imported).is_some(), "{importer} imports {imported}");
        assert_eq!(import(imported, importer), None);
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
