//! Which commands a server must execute one after the other, and which it may mix.

use super::commands::{Cmd, fields_of};

/// Whether the younger command may not begin before the older one has been answered.
///
/// RFC 9051 section 5.5: a server may work on several commands at once, but where the outcome would
/// hang on their order it executes them in the order given.
pub(super) fn in_order(older: &Cmd, younger: &Cmd) -> bool {
    let alone = |cmd: &Cmd| cmd.changes_selection() || matches!(cmd, Cmd::Logout);
    let removes = |cmd: &Cmd| matches!(cmd, Cmd::Expunge(_) | Cmd::Copy { moves: true, .. });
    alone(older)
        || alone(younger)
        || flags_hang_together(older, younger)
        // What removes says EXPUNGE, and that may not be said during FETCH and STORE by number
        // (7.5.1).
        || removes(younger) && !older.lets_expunge_through()
        // A mailbox that is made is there for what follows.
        || matches!(older, Cmd::Create(_)) && is_about_mailboxes(younger)
}

/// Whether EXPUNGE may come while these are in progress: not while none is (RFC 9051 section
/// 7.5.1), nor while one names messages by number and may not be disturbed. What is not known is
/// none of those.
pub(super) fn let_expunge_through<'a>(mut in_progress: impl Iterator<Item = Option<&'a Cmd>>) -> bool {
    let lets = |cmd: Option<&Cmd>| cmd.is_none_or(Cmd::lets_expunge_through);
    in_progress.next().is_some_and(lets) && in_progress.all(lets)
}

fn flags_hang_together(a: &Cmd, b: &Cmd) -> bool {
    if matches!((a, b), (Cmd::Copy { .. }, Cmd::Copy { .. })) {
        // Of these `copies_in_order` says more.
        return false;
    }
    let ((a_writes, a_reads), (b_writes, b_reads)) = (a.flag_use(), b.flag_use());
    a_writes && (b_writes || b_reads) || a_reads && b_writes
}

fn is_about_mailboxes(cmd: &Cmd) -> bool {
    matches!(cmd, Cmd::List | Cmd::Status(_) | Cmd::Append { .. } | Cmd::Copy { .. } | Cmd::Create(_))
}

/// What is copied hangs on what is moved before, and what is moved on that. Some servers begin a
/// MOVE while a COPY runs all the same.
pub(super) fn copies_in_order(a: &Cmd, b: &Cmd, mixes_copies: bool) -> bool {
    match (a, b) {
        (Cmd::Copy { moves: mine, .. }, Cmd::Copy { moves: theirs, .. }) => {
            (*mine || *theirs) && (mine == theirs || !mixes_copies)
        }
        _ => false,
    }
}

/// Answers that don't name their command have the order of the commands, or no client could
/// distinguish them: servers answer so, though no section says it in so many words. ESEARCH names
/// its tag (RFC 9051 section 7.3.4). Rows of FETCH are an exception: two of one message have the
/// same content, and some servers mix those of several commands.
pub(super) fn answers_look_alike(a: &Cmd, b: &Cmd, mixes_rows: bool) -> bool {
    match (a, b) {
        (Cmd::Fetch { .. }, Cmd::Fetch { .. }) if mixes_rows => false,
        (Cmd::Fetch { which: mine, items: some, .. }, Cmd::Fetch { which: theirs, items: others, .. }) => {
            let plain = |items: &[String]| items == ["UID"];
            let requested_as =
                |item: &String| fields_of(item).map_or(item.replace(".PEEK", ""), |of| of.join(" "));
            let others: Vec<String> = others.iter().map(requested_as).collect();
            let shared = some.iter().map(requested_as).any(|i| i != "UID" && others.contains(&i));
            let shared = shared || plain(some) && plain(&others);
            shared && mine.may_meet(theirs)
        }
        (Cmd::Search { extended: false, .. }, Cmd::Search { extended: false, .. }) => true,
        (Cmd::List, Cmd::List) | (Cmd::Capability, Cmd::Capability) => true,
        (Cmd::Status(a), Cmd::Status(b)) => a == b,
        _ => false,
    }
}
