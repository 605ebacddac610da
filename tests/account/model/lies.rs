//! What a server says otherwise than it is, as long as that goes on.

use crate::rewritten::Rule;

/// What the server says otherwise than it is.
#[derive(Clone, Copy)]
pub(super) struct Lie {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    /// Nothing that the server says tells of flags that have changed.
    pub(super) hides_flags: bool,
    /// As long as it goes on the program can't have all, and may get errors.
    pub(super) withholds: bool,
}

pub(super) fn lies() -> Vec<Lie> {
    let lie = |name, rule| Lie { name, rule, hides_flags: false, withholds: false };
    let hides = |name, rule| Lie { hides_flags: true, ..lie(name, rule) };
    let withholds = |name, rule| Lie { hides_flags: true, withholds: true, ..lie(name, rule) };
    vec![
        lie("HIGHESTMODSEQ 0", |line| Some(line.with("HIGHESTMODSEQ", Some("0")))),
        lie("HIGHESTMODSEQ 0 in STATUS", |line| {
            Some(if line.starts("* STATUS") {
                line.with("HIGHESTMODSEQ", Some("0"))
            } else {
                line.text.to_owned()
            })
        }),
        lie("no UIDNEXT", |line| (!line.text.contains("[UIDNEXT ")).then(|| line.with("UIDNEXT", None))),
        lie("no UIDNEXT in STATUS", |line| {
            Some(if line.starts("* STATUS") { line.with("UIDNEXT", None) } else { line.text.to_owned() })
        }),
        lie("no UIDVALIDITY in STATUS", |line| {
            Some(if line.starts("* STATUS") { line.with("UIDVALIDITY", None) } else { line.text.to_owned() })
        }),
        lie("no VANISHED (EARLIER)", |line| {
            (!line.starts("* VANISHED (EARLIER)")).then(|| line.text.to_owned())
        }),
        hides("no rows in answers to SELECT", |line| {
            (!line.opens || !line.text.contains(" FETCH (")).then(|| line.text.to_owned())
        }),
        hides("HIGHESTMODSEQ stands still", |line| Some(line.with("HIGHESTMODSEQ", Some("77")))),
        withholds("no rows of some messages", |line| {
            let is_withheld = line.text.contains(" ENVELOPE (") && line.text.contains("3 FETCH (");
            (!is_withheld).then(|| line.text.to_owned())
        }),
        withholds("no UIDVALIDITY", |line| {
            (!line.text.contains("[UIDVALIDITY ")).then(|| line.text.to_owned())
        }),
    ]
}
