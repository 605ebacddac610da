//! The shape of files and functions: a head that says what a file is for, one subject a file,
//! functions that fit a screen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::report;
use crate::source::{Source, blank, files, group, line, places, root, sources};

/// Characters that a head has at least.
const MIN_HEAD: usize = 16;
/// Lines that a source file may have.
const MAX_LINES: usize = 500;
/// Lines that a function may have.
const MAX_FUNCTION: usize = 80;
/// Lines that an arm of a flat match may have.
const MAX_ARM: usize = 10;
/// Functions that are still longer. One that has become shorter is an error here, so that its entry
/// is removed.
const DEBTS: [&str; 0] = [];
/// How a bound is not named.
const BOUNDS: [&str; 2] = ["MOST", "LONGEST"];

#[test]
fn every_module_begins_with_what_it_is_for() {
    let missing = sources().into_iter().filter(|source| !has_head(&source.text));
    report(
        "the first line is a `//!` head that says what the file is for",
        &missing.map(|s| s.path.display().to_string()).collect::<Vec<_>>(),
    );
}

fn has_head(text: &str) -> bool {
    let head = text.lines().map_while(|line| line.strip_prefix("//!"));
    text.starts_with("//! ") && head.map(|line| line.trim().chars().count()).sum::<usize>() >= MIN_HEAD
}

#[test]
fn no_source_file_is_too_long() {
    let long = sources().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long = long.filter(|(lines, _)| *lines > MAX_LINES);
    let long: Vec<_> = long.map(|(lines, path)| format!("{}: {lines}", path.display())).collect();
    report("a file has at most 500 lines; one that grows past it has two subjects", &long);
}

/// A test in a file that no other one names is never compiled, and never fails.
#[test]
fn each_file_is_compiled() {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "examples", "benches", "fleet"] {
        files(&root().join(folder), &mut paths);
    }
    // What cargo builds is no source.
    paths.retain(|path| {
        path.extension().is_some_and(|extension| extension == "rs")
            && !path.iter().any(|part| part == "target")
    });
    let mut declared = BTreeSet::new();
    for path in &paths {
        let text = fs::read_to_string(path).expect("a source file is UTF-8");
        declared.extend(declarations(&text, path));
    }
    // What cargo finds by itself.
    let is_target = |path: &Path| {
        let folder = path.parent().and_then(Path::file_name).is_some_and(|name| {
            ["src", "bin", "tests", "examples", "benches", "fuzz_targets"].iter().any(|one| name == *one)
        });
        let is_main = path.file_name().is_some_and(|name| name == "main.rs" || name == "build.rs");
        folder && !path.starts_with(root().join("src")) || is_main || path.ends_with("src/lib.rs")
    };
    let lost = paths.iter().filter(|path| !is_target(path) && !declared.contains(*path));
    let lost: Vec<String> = lost.map(|path| path.display().to_string()).collect();
    report("a file is a module of another one, or a target of cargo", &lost);
}

/// The files that a file declares as its modules, wherever they may be.
fn declarations(text: &str, path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(path);
    let own = match path.file_stem().and_then(|name| name.to_str()) {
        Some("mod" | "main" | "lib") | None => folder.to_owned(),
        Some(name) => folder.join(name),
    };
    let mut found = Vec::new();
    let mut named = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            named = Some(name);
        } else if let Some((before, rest)) = line.split_once("mod ")
            && (before.is_empty() || before.starts_with("pub"))
            && let Some(name) = rest.strip_suffix(';')
        {
            match named.take() {
                Some(name) => found.extend(folder.join(name).canonicalize()),
                // Beside the file, too: a target of cargo has its modules there.
                None => {
                    for place in [&own, folder] {
                        found.push(place.join(format!("{name}.rs")));
                        found.push(place.join(name).join("mod.rs"));
                    }
                }
            }
        }
    }
    found
}

#[test]
fn declared_files_are_seen() {
    let text = "mod one;\n    pub(crate) mod two;\nmod three { }\n// mod four;\nlet mod_five = 1;";
    let found = declarations(text, Path::new("/a/b.rs"));
    let has = |path: &str| found.contains(&PathBuf::from(path));
    assert!(has("/a/b/one.rs") && has("/a/b/two/mod.rs") && has("/a/one.rs"));
    assert!(!found.iter().any(|path| path.ends_with("three.rs") || path.ends_with("four.rs")));
}

#[test]
fn functions_fit_a_screen() {
    let (mut breaches, mut debts) = (Vec::new(), DEBTS.to_vec());
    for source in sources() {
        for (name, at, body) in functions(&source.code) {
            let lines = body.matches('\n').count() + 1;
            if lines > MAX_FUNCTION && !is_flat_match(body) {
                if DEBTS.contains(&name) {
                    debts.retain(|debt| *debt != name);
                    continue;
                }
                let place = line(&source.code, at);
                breaches.push(format!("{}:{place}: `{name}` has {lines} lines", source.path.display()));
            }
        }
    }
    breaches.extend(debts.into_iter().map(|name| format!("`{name}` is short: no debt")));
    report("a function has at most 80 lines, one flat match aside", &breaches);
}

/// The functions of some code: name, place, body with its braces.
fn functions(code: &str) -> Vec<(&str, usize, &str)> {
    let mut found = Vec::new();
    for at in places(code, "fn") {
        let rest = code[at + 2..].trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 {
            continue; // A pointer to a function.
        }
        // An array's length has a semicolon, too.
        let (mut depth, mut open) = (0usize, None);
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth -= 1,
                b'{' if depth == 0 => {
                    open = Some(at);
                    break;
                }
                b';' if depth == 0 => break,
                _ => {}
            }
        }
        if let Some(open) = open {
            found.push((&rest[..end], at, &rest[open..open + group(&rest[open..])]));
        }
    }
    found
}

/// Whether a body is little more than one match whose arms are short: a table.
fn is_flat_match(body: &str) -> bool {
    let lines = |text: &str| text.matches('\n').count() + 1;
    let tables = places(body, "match").into_iter().filter_map(|at| {
        let open = at + body[at..].find('{')?;
        Some(&body[open..open + group(&body[open..])])
    });
    let Some(table) = tables.max_by_key(|table| table.len()) else { return false };
    let (mut depth, mut since, mut longest) = (0usize, 0, 0);
    for (at, byte) in table.bytes().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 1 && matches!(byte, b',' | b'}') {
            longest = longest.max(lines(table[since..at].trim_start()));
            since = at + 1;
        }
    }
    lines(table) * 5 > lines(body) * 4 && longest <= MAX_ARM
}

#[test]
fn bounds_are_named_as_such() {
    let mut breaches = Vec::new();
    for source in sources() {
        for at in places(&source.code, "const") {
            let name = source.code[at + 5..].trim_start();
            let word = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            if BOUNDS.contains(&word) {
                breaches.push(format!("{}:{}", source.path.display(), line(&source.code, at)));
            }
        }
    }
    report("a constant that is a bound is called MAX_", &breaches);
}

/// The attribute makes a unit variant unusable in users' patterns: `EventKind::SelectionEnded` is a
/// private constructor to them then, and rustc's error does not say why.
#[test]
fn unit_variants_can_be_matched_plainly() {
    let mut breaches = Vec::new();
    for source in sources() {
        breaches.extend(unit_breaches(&source));
    }
    report("a unit variant is not #[non_exhaustive]", &breaches);
}

fn unit_breaches(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let marked = lines.iter().enumerate().filter(|(_, line)| **line == "#[non_exhaustive]");
    let items = marked.filter_map(|(at, _)| {
        let item = lines[at + 1..].iter().find(|line| !line.starts_with(['#', '/'])).unwrap_or(&"");
        let name = item.strip_suffix(',').unwrap_or(item);
        let is_unit = !name.is_empty() && name.chars().all(char::is_alphanumeric);
        is_unit.then(|| format!("{}:{}: {item}", source.path.display(), at + 1))
    });
    items.collect()
}

#[test]
fn long_functions_and_flat_matches_are_distinguished() {
    let code = blank("fn a(x: [u8; 2]) -> fn(u8) { let f = |x| { x }; }\nfn b();\nfn c() where A: B {\n1\n}");
    let found: Vec<_> =
        functions(&code).into_iter().map(|(name, at, body)| (name, at, body.lines().count())).collect();
    assert_eq!(found, [("a", 0, 1), ("c", 58, 3)]);
    let arms = "A => 1,\n".repeat(100);
    assert!(is_flat_match(&format!("{{ match x {{\n{arms}}} }}")));
    let other = "let a = 1;\n".repeat(60);
    assert!(!is_flat_match(&format!("{{ {other} match x {{\n{arms}}} }}")), "a third of it is none");
    assert!(!is_flat_match(&format!("{{ match x {{\n{arms} B => {{\n{other}}}\n}} }}")), "one arm is long");
    assert!(
        !has_head("//! Short.\n")
            && !has_head("use a;")
            && has_head(&format!("//! {}\n", "a".repeat(MIN_HEAD)))
    );
}
