//! NOTIFY (RFC 5465 section 8).

use super::command::{FetchItem, Notify, NotifyGroup};
use super::cursor::{Cursor, Read};
use super::{fetch, mailbox};

/// ` NONE` or ` SET [STATUS] (personal (MessageNew MessageExpunge))…`.
pub(super) fn notify(i: &mut Cursor<'_>) -> Read<Option<Notify>> {
    if i.take(" NONE") {
        return Ok(None);
    }
    i.expect(" SET ")?;
    let status = i.take("STATUS ");
    let start = *i;
    let groups = i.separated(group)?;
    let selected = groups.iter().filter(|group| is_selected(group.filter)).count();
    if selected > 1 { start.fail("no more than one SELECTED") } else { Ok(Some(Notify { status, groups })) }
}

fn is_selected(filter: &str) -> bool {
    filter.starts_with("SELECTED")
}

fn group(i: &mut Cursor<'_>) -> Read<NotifyGroup> {
    const FILTERS: [&str; 7] =
        ["INBOXES", "MAILBOXES", "PERSONAL", "SELECTED", "SELECTED-DELAYED", "SUBSCRIBED", "SUBTREE"];
    i.expect("(")?;
    let start = *i;
    let name = i.name()?;
    let Some(filter) = FILTERS.iter().find(|filter| **filter == name).copied() else {
        return start.fail("a set of mailboxes");
    };
    i.space()?;
    let mut names = Vec::new();
    if matches!(filter, "SUBTREE" | "MAILBOXES") {
        names = if i.peek() == Some(b'(') { i.list(mailbox::name)? } else { vec![mailbox::name(i)?] };
        i.space()?;
    }
    let start = *i;
    let events = if i.take("NONE") { Vec::new() } else { i.list(|i| event(i, is_selected(filter)))? };
    i.expect(")")?;
    match breach(&events) {
        Some(rule) => start.fail(rule),
        None => Ok(NotifyGroup { filter, names, events }),
    }
}

/// An event; only MessageNew of the selected mailbox has items, and only events of messages are
/// allowed there.
fn event(i: &mut Cursor<'_>, selected: bool) -> Read<(String, Vec<FetchItem>)> {
    let start = *i;
    let name = i.name()?;
    let of_messages = matches!(&*name, "MESSAGENEW" | "MESSAGEEXPUNGE" | "FLAGCHANGE" | "ANNOTATIONCHANGE");
    if selected && !of_messages {
        return start.fail("an event of messages");
    }
    let items = if selected && name == "MESSAGENEW" && i.take(" (") { items(i)? } else { Vec::new() };
    Ok((name, items))
}

/// The contents of parentheses, the first of which has been read.
fn items(i: &mut Cursor<'_>) -> Read<Vec<FetchItem>> {
    let items = i.separated(fetch::item)?;
    i.expect(")")?;
    Ok(items)
}

/// The rule of RFC 5465 section 5 that these events violate.
fn breach(events: &[(String, Vec<FetchItem>)]) -> Option<&'static str> {
    let has = |name: &str| events.iter().any(|(event, _)| event == name);
    if has("MESSAGENEW") != has("MESSAGEEXPUNGE") {
        return Some("MessageNew and MessageExpunge together");
    }
    let more = has("FLAGCHANGE") || has("ANNOTATIONCHANGE");
    (more && !has("MESSAGENEW")).then_some("MessageNew with FlagChange")
}
