//! Keys of the user's own, as text: whether they can do nothing but narrow the query.

use crate::command::Line;
use crate::error::{Error, Result};

/// Writes the text, in parentheses where it stands among other keys.
pub(super) fn encode(keys: &str, line: &mut Line, nested: bool) -> Result<()> {
    check(keys)?;
    if nested {
        line.open();
    }
    line.word(keys);
    if nested {
        line.close();
    }
    Ok(())
}

/// Whether parentheses and quotation marks are in pairs, so that what follows is read as it was
/// meant; and no byte ends the line, or a literal in it.
fn check(keys: &str) -> Result<()> {
    let bad = |why: &str| Err(Error::invalid(format!("{keys:?} can't be part of a query: {why}")));
    if keys.is_empty() || keys.starts_with(' ') || keys.ends_with(' ') {
        return bad("a key is expected, without spaces around it");
    }
    if let Some(c) = keys.chars().find(|c| !c.is_ascii() || c.is_ascii_control()) {
        return bad(&format!("it has {c:?}"));
    }
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for byte in keys.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return bad("a parenthesis is closed that was not opened"),
            },
            // A literal's announcement; some servers look for one everywhere.
            b'{' | b'}' if !quoted => return bad("a brace would announce a literal"),
            _ => {}
        }
    }
    match (depth, quoted) {
        (0, false) => Ok(()),
        (_, true) => bad("a quotation mark lacks its other"),
        _ => bad("a parenthesis is not closed"),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn only_what_is_in_pairs_is_taken() {
        for good in ["X-FOO", "X-FOO \"a)b\"", "(A B) C", "OR (A) (B (C))", r#"X "a\"b{5}""#] {
            check(good).unwrap();
        }
        for bad in [
            "", " ", "A ", "A\r\nB", "A\0", "é", "(A", "A)", ")A(", "\"a", "a\"b\\\"", "X {3}", "X {3+}", "}",
        ] {
            check(bad).unwrap_err();
        }
    }
}
