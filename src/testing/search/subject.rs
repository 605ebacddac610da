//! The base subject, without marks of replies and forwards (RFC 5256 section 2.1).
//!
//! The steps are numbered as there.

/// The base subject of a decoded subject.
pub(super) fn base_subject(subject: &str) -> String {
    // (1) Tabs and runs of spaces become one space each.
    let mut text = String::with_capacity(subject.len());
    for c in subject.chars() {
        let c = if matches!(c, '\t' | '\r' | '\n') { ' ' } else { c };
        if c != ' ' || !text.ends_with(' ') {
            text.push(c);
        }
    }
    let mut text = text.as_str();
    loop {
        text = without_trailers(text);
        // (5)
        loop {
            let before = text;
            // (3) and (4)
            while let Some(rest) = without_leader(text) {
                text = rest;
            }
            text = without_blob(text).filter(|rest| !rest.is_empty()).unwrap_or(text);
            if text == before {
                break;
            }
        }
        // (6)
        match strip_word(text, "[fwd:").and_then(|inside| inside.strip_suffix(']')) {
            Some(inside) => text = inside,
            // (7)
            None => return text.to_owned(),
        }
    }
}

/// The text after this word, regardless of case.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// (2) `subj-trailer = "(fwd)" / WSP`.
fn without_trailers(mut text: &str) -> &str {
    loop {
        let spaced = text.trim_end_matches(' ');
        let split = spaced.len().checked_sub("(fwd)".len()).and_then(|at| spaced.split_at_checked(at));
        match split {
            Some((before, end)) if end.eq_ignore_ascii_case("(fwd)") => text = before,
            _ => return spaced,
        }
    }
}

/// `subj-leader = (*subj-blob subj-refwd) / WSP`: the text after one.
fn without_leader(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(' ') {
        return Some(rest);
    }
    let mut rest = text;
    while let Some(behind) = without_blob(rest) {
        rest = behind;
    }
    // `subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"`
    let rest = ["re", "fwd", "fw"].iter().find_map(|word| strip_word(rest, word))?;
    let rest = rest.trim_start_matches(' ');
    without_blob(rest).unwrap_or(rest).strip_prefix(':')
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP`: the text after one.
fn without_blob(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('[')?;
    let end = inside.find(['[', ']'])?;
    let rest = inside.get(end..)?.strip_prefix(']')?;
    Some(rest.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the grammar of RFC 5256 section 5; the only example in the RFC is that of its
    /// introduction.
    #[test]
    fn marks_of_replies_and_forwards_are_removed() {
        for (subject, base) in [
            ("", ""),
            ("Hello", "Hello"),
            ("  Hello \t there  ", "Hello there"),
            ("Re: Hello", "Hello"),
            ("RE: re: Fw: FWD: Hello", "Hello"),
            ("re  : Hello", "Hello"),
            ("Re[2]: Hello", "Hello"),
            ("Re [2]  : Hello", "Hello"),
            ("[list] Re: Hello", "Hello"),
            ("[list] Hello", "Hello"),
            ("Re: [list] Re: [list] Hello", "Hello"),
            ("[a] [b] Re: Hello", "Hello"),
            // A blob is the subject if nothing else is left.
            ("[list]", "[list]"),
            ("[a] [b]", "[b]"),
            ("Re: [list]", "[list]"),
            ("Hello (fwd)", "Hello"),
            ("Hello (FWD) (fwd)  ", "Hello"),
            ("[fwd: Hello]", "Hello"),
            ("[Fwd: Re: [list] Hello (fwd)]", "Hello"),
            ("[fwd: [fwd: Hello]]", "Hello"),
            ("[fwd: Hello", "[fwd: Hello"),
            ("Re:", ""),
            ("Re: ", ""),
            ("(fwd)", ""),
            ("Regarding: this", "Regarding: this"),
            ("Re Hello", "Re Hello"),
            ("AW: Hello", "AW: Hello"),
            ("[a[b]: x", "[a[b]: x"),
            ("é: [", "é: ["),
            ("Re: Re", "Re"),
        ] {
            assert_eq!(base_subject(subject), base, "{subject:?}");
        }
    }
}
