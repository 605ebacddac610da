//! No code panics on purpose: what can't happen is impossible by type, and what can is an error.
//!
//! The embedded server (`testing`), the fuzz bodies and the cost measurements are test code, and
//! may.

use crate::report;
use crate::source::{Source, blank, line, places, source_of, sources};

/// The layers whose code is that of tests.
const TEST_LAYERS: [&str; 3] = ["testing", "fuzz", "cost"];
/// Macros that panic wherever they stand; assertions about constants are checked by the compiler,
/// and are not looked for.
const MACROS: [&str; 4] = ["unreachable!", "panic!", "todo!", "unimplemented!"];
/// Methods that panic where there is no value. A parser's own `expect` returns a `Result`, and is
/// followed by `?`.
const METHODS: [&str; 3] = [".unwrap", ".expect", ".expect_err"];

#[test]
fn nothing_panics_on_purpose() {
    let mut breaches = Vec::new();
    for source in sources() {
        if source.modules.first().is_some_and(|layer| TEST_LAYERS.contains(&layer.as_str())) {
            continue;
        }
        breaches.extend(panics(&source));
    }
    report("an error or a better type instead of a panic", &breaches);
}

fn panics(source: &Source) -> Vec<String> {
    let code = &source.code;
    let mut found = Vec::new();
    for name in MACROS {
        let calls = places(code, name.trim_end_matches('!')).into_iter();
        found.extend(calls.filter(|at| code[*at..].starts_with(name)).map(|at| (at, name)));
    }
    for name in METHODS {
        let calls = places(code, name).into_iter();
        found.extend(calls.filter(|at| call(&code[at + name.len()..])).map(|at| (at, name)));
    }
    found.sort_unstable();
    let found = found.into_iter();
    found.map(|(at, name)| format!("{}:{}: `{name}`", source.path.display(), line(code, at))).collect()
}

/// Whether a call stands here whose value no `?` takes.
fn call(rest: &str) -> bool {
    let mut depth = 0usize;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at > 0 && !rest[at + 1..].trim_start().starts_with('?');
        }
    }
    false
}

#[test]
fn panics_are_seen() {
    let text = "fn f() { a.unwrap(); b\n.expect(\"x\"); c.expect(\"(\")?; d.unwrap_or(1); panic!(\"\"); }
        fn panic() {} // unreachable!()
        const A: u8 = match x { Some(x) => x, None => unreachable!() };
        #[cfg(test)] mod tests { fn g() { panic!() } }";
    assert_eq!(blank(text).len(), text.len());
    let found = panics(&source_of("client/token.rs", text));
    let ends: Vec<_> = found.iter().filter_map(|line| line.rsplit_once("token.rs:").map(|x| x.1)).collect();
    assert_eq!(ends, ["1: `.unwrap`", "2: `.expect`", "2: `panic!`", "4: `unreachable!`"]);
}
