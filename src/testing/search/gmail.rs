//! The searches of Gmail (`X-GM-RAW`), as keys of SEARCH. In: what a user types. Out: a key.

use bytes::Bytes;

use crate::wire::request::SearchKey;

/// The number that Gmail's identifiers are, of an EMAILID or THREADID of this server: 12 of `M12`.
pub(crate) fn number_of(id: &str) -> u64 {
    id.get(1..).and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

/// What a user typed, as a key: all of its words have to fit.
pub(crate) fn search(text: &str) -> SearchKey {
    let mut keys = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, behind) = rest.split_at(end_of_word(rest));
        rest = behind.trim_start();
        let (positive, negated) = match word.strip_prefix('-') {
            Some(word) if !word.is_empty() => (word, true),
            _ => (word, false),
        };
        let key = one(positive);
        keys.push(if negated { SearchKey::Not(Box::new(key)) } else { key });
    }
    SearchKey::And(keys)
}

/// Where the first word ends: at white space that is in no quotes.
fn end_of_word(text: &str) -> usize {
    let mut is_quoted = false;
    let ends = |(_, c): &(usize, char)| {
        is_quoted ^= *c == '"';
        c.is_whitespace() && !is_quoted
    };
    text.char_indices().find(ends).map_or(text.len(), |(at, _)| at)
}

/// A word, a phrase in quotes, or an operator with either.
fn one(word: &str) -> SearchKey {
    let plain = |text: &str| text.replace('"', "");
    let text = |name, text: &str| SearchKey::Text(name, Bytes::from(plain(text)));
    let label = |name: &str| SearchKey::Text("X-GM-LABELS", Bytes::from(plain(name)));
    let all = || SearchKey::Word("ALL");
    let none = || SearchKey::Not(Box::new(SearchKey::Word("ALL")));
    let Some((operator, value)) = word.split_once(':').filter(|(name, _)| !name.contains('"')) else {
        return text("TEXT", word);
    };
    match (&*operator.to_ascii_lowercase(), &*value.to_ascii_lowercase()) {
        ("from", _) => text("FROM", value),
        ("to", _) => text("TO", value),
        ("cc", _) => text("CC", value),
        ("bcc", _) => text("BCC", value),
        ("subject", _) => text("SUBJECT", value),
        ("rfc822msgid", _) => SearchKey::Header(Bytes::from_static(b"Message-ID"), plain(value).into()),
        ("has", "attachment") => {
            SearchKey::Header(Bytes::from_static(b"Content-Type"), Bytes::from_static(b"multipart/mixed"))
        }
        ("is", "unread") => SearchKey::Word("UNSEEN"),
        ("is", "read") => SearchKey::Word("SEEN"),
        ("is" | "in" | "label", "starred") => SearchKey::Word("FLAGGED"),
        ("is" | "in" | "label", "important") => label("\\Important"),
        ("in", "anywhere") => all(),
        ("in" | "label", "inbox") => label("\\Inbox"),
        ("in" | "label", "sent") => label("\\Sent"),
        ("in" | "label", "draft" | "drafts") => label("\\Draft"),
        ("in" | "label", "trash") => label("\\Trash"),
        ("in" | "label", "spam") => label("\\Spam"),
        ("in" | "label", _) => label(value),
        ("is" | "has", _) => none(),
        _ => text("TEXT", word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_phrases_and_operators() {
        let keys = |text: &str| match search(text) {
            SearchKey::And(keys) => keys,
            other => panic!("{other:?}"),
        };
        let text = |name, text: &'static str| SearchKey::Text(name, Bytes::from_static(text.as_bytes()));
        assert_eq!(keys("  "), []);
        assert_eq!(
            keys("lunch \"on Thursday\" from:ann subject:\"the plan\""),
            [
                text("TEXT", "lunch"),
                text("TEXT", "on Thursday"),
                text("FROM", "ann"),
                text("SUBJECT", "the plan")
            ]
        );
        let not = |key| SearchKey::Not(Box::new(key));
        assert_eq!(keys("-is:unread -lunch"), [not(SearchKey::Word("UNSEEN")), not(text("TEXT", "lunch"))]);
        assert_eq!(
            keys("label:Receipts in:inbox"),
            [text("X-GM-LABELS", "Receipts"), text("X-GM-LABELS", "\\Inbox")]
        );
        assert_eq!(
            keys("\"a:b\" http://x -"),
            [text("TEXT", "a:b"), text("TEXT", "http://x"), text("TEXT", "-")]
        );
        assert_eq!(keys("\"open"), [text("TEXT", "open")]);
        assert_eq!(keys("is:purple"), [not(SearchKey::Word("ALL"))]);
        assert_eq!((number_of("M12"), number_of("")), (12, 0));
    }
}
