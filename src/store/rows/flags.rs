//! Flags as a text in one form, so that equal sets are equal texts.

use std::collections::BTreeSet;

use crate::types::{Flag, Flags};

/// The flags in the order of their names, apart by spaces. `\Recent` is about sessions, and left
/// out.
pub(in crate::store) fn to_text(flags: &Flags) -> String {
    let mut names: Vec<String> =
        flags.iter().filter(|flag| *flag != Flag::Recent).map(|flag| flag.as_str().to_owned()).collect();
    names.sort_unstable_by_key(|name| name.to_ascii_lowercase());
    names.join(" ")
}

pub(in crate::store) fn from_text(text: &str) -> Flags {
    text.split(' ').filter(|name| !name.is_empty()).map(Flag::new).collect()
}

/// Some flags with these added and those removed.
pub(in crate::store) fn merged(flags: &Flags, add: &Flags, remove: &Flags) -> Flags {
    let mut merged = flags.clone();
    merged.extend(add.iter());
    for flag in remove.iter() {
        merged.remove(&flag);
    }
    merged
}

/// Whether a message with these flags counts as unread.
pub(in crate::store) fn is_unseen(flags: &Flags) -> bool {
    !flags.is_seen()
}

/// What leads from the base to the wanted: added, removed.
pub(in crate::store) fn difference(base: &Flags, wanted: &Flags) -> (Flags, Flags) {
    let names = |flags: &Flags| -> BTreeSet<String> {
        flags.iter().map(|flag| flag.as_str().to_ascii_lowercase()).collect()
    };
    let (before, after) = (names(base), names(wanted));
    let only = |flags: &Flags, others: &BTreeSet<String>| {
        let flags = flags.iter().filter(|flag| !others.contains(&flag.as_str().to_ascii_lowercase()));
        flags.collect::<Flags>()
    };
    (only(wanted, &before), only(base, &after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_flags_are_equal_texts() {
        let text = to_text(&Flags::from(["$Work", "\\Seen", "\\Recent", "\\Answered"]));
        assert_eq!(text, "$Work \\Answered \\Seen");
        assert_eq!(to_text(&from_text(&text)), text);
        assert_eq!(from_text(""), Flags::new());
    }

    #[test]
    fn sets_are_merged_against_their_base() {
        // Base, what the user wants, what the server has by now, what comes of it.
        let table = [
            ("", "\\Seen", "", "\\Seen"),
            ("", "\\Seen", "\\Flagged", "\\Flagged \\Seen"),
            ("\\Seen", "", "\\Seen", ""),
            ("\\Seen", "", "\\Answered \\Seen", "\\Answered"),
            ("\\Seen", "", "", ""),
            ("\\Flagged", "\\Flagged \\Seen", "", "\\Seen"),
            ("\\Flagged", "\\Seen", "\\Deleted \\Flagged", "\\Deleted \\Seen"),
            ("$a $b", "$b $c", "$B $d", "$B $c $d"),
            ("$a", "$A", "", ""),
        ];
        for (base, wanted, server, result) in table {
            let (add, remove) = difference(&from_text(base), &from_text(wanted));
            let merged = merged(&from_text(server), &add, &remove);
            assert_eq!(to_text(&merged), result, "{base} -> {wanted} on {server}");
        }
    }
}
