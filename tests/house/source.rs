//! The sources as the rules read them: their text, and their code without comments, literals and
//! tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path, its text, and its code: the text with comments and literals blanked,
/// byte for byte, and without what is compiled for tests only.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) code: String,
    /// The modules it lies in: `["wire", "parse"]` for `src/wire/parse/fetch.rs` is
    /// `["wire", "parse", "fetch"]`.
    pub(crate) modules: Vec<String>,
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for path in entries.map(|entry| entry.expect("a folder's entry").path()) {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

pub(crate) fn sources() -> Vec<Source> {
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

pub(crate) fn modules(path: &Path) -> Vec<String> {
    let inside = path.strip_prefix(root().join("src")).expect("a file of src").with_extension("");
    let mut modules: Vec<String> = inside.iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if modules.last().is_some_and(|name| name == "mod" || (name == "lib" && modules.len() == 1)) {
        modules.pop();
    }
    modules
}

/// The text with all that is in comments, strings and characters made blank; lines stay where they
/// are.
pub(crate) fn blank(text: &str) -> String {
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
pub(crate) fn skip(rest: &[u8], before: Option<u8>) -> usize {
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

/// Blanks what follows each `#[cfg(test)]` in the code of `source`; gives the modules whose files
/// are elsewhere.
pub(crate) fn take_tests(source: &mut Source) -> Vec<Vec<String>> {
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
pub(crate) fn group(code: &str) -> usize {
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
pub(crate) fn places(code: &str, word: &str) -> Vec<usize> {
    let part = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let (bytes, all) = (code.as_bytes(), code.match_indices(word));
    let open = word.starts_with('.');
    all.map(|(at, _)| at)
        .filter(|at| {
            (open || !part(at.checked_sub(1).map(|b| &bytes[b]))) && !part(bytes.get(at + word.len()))
        })
        .collect()
}

pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// A source file that is not there, for the tests of the rules.
pub(crate) fn source_of(path: &str, text: &str) -> Source {
    let path = root().join("src").join(path);
    let modules = modules(&path);
    let mut source = Source { path, text: text.to_owned(), code: blank(text), modules };
    take_tests(&mut source);
    source
}
