//! LIST, with LIST-EXTENDED and related extensions (RFC 9051 section 6.3.9, RFC 5258, RFC 5819, RFC
//! 6154), and LSUB (RFC 3501 section 6.3.9).

use std::collections::BTreeSet;

use crate::testing::names::{DELIMITER, Wanted, parent};
use crate::testing::world::World;
use crate::types::{Answer, ListEntry, MailboxName};
use crate::wire::request::{List, Value};
use crate::wire::respond::xlist;

use super::Session;
use super::acl::text_of;
use super::reply::{Done, Reply};

/// The options of a LIST.
#[derive(Debug, Default)]
struct ListOptions {
    only_subscribed: bool,
    only_special: bool,
    /// Parents of a matching mailbox are listed as well.
    recursive: bool,
    wanted: Wanted,
    status: Option<Vec<String>>,
    my_rights: bool,
    metadata: Vec<String>,
}

fn options(world: &World, list: &List) -> Result<ListOptions, Reply> {
    let mut options = ListOptions::default();
    let unknown = || Reply::bad("An option of LIST that is not known");
    for option in &list.select {
        let Value::Word(word) = option else { return Err(unknown()) };
        match &*word.to_ascii_uppercase() {
            "SUBSCRIBED" => options.only_subscribed = true,
            "SPECIAL-USE" if world.has("SPECIAL-USE") => options.only_special = true,
            "RECURSIVEMATCH" => options.recursive = true,
            // There is no other server behind this one.
            "REMOTE" => {}
            _ => return Err(unknown()),
        }
    }
    // RFC 5258 section 3.1: RECURSIVEMATCH needs another selection option.
    if options.recursive && !options.only_subscribed && !options.only_special {
        return Err(Reply::bad("RECURSIVEMATCH does not stand alone"));
    }
    let mut returned = list.returned.iter();
    while let Some(option) = returned.next() {
        let Value::Word(word) = option else { return Err(unknown()) };
        match &*word.to_ascii_uppercase() {
            "SUBSCRIBED" => options.wanted.subscribed = true,
            "CHILDREN" => options.wanted.children = true,
            "SPECIAL-USE" if world.has("SPECIAL-USE") => options.wanted.special_use = true,
            "STATUS" if world.has("LIST-STATUS") => {
                let Some(Value::List(items)) = returned.next() else { return Err(unknown()) };
                let item = |value: &Value| match value {
                    Value::Word(word) => Some(word.to_ascii_uppercase()),
                    _ => None,
                };
                options.status = Some(items.iter().map(item).collect::<Option<_>>().ok_or_else(unknown)?);
            }
            "MYRIGHTS" if world.has("LIST-MYRIGHTS") => options.my_rights = true,
            "METADATA" if world.has("LIST-METADATA") => {
                let Some(Value::List(names)) = returned.next() else { return Err(unknown()) };
                options.metadata = names.iter().map(text_of).collect::<Option<_>>().ok_or_else(unknown)?;
            }
            _ => return Err(unknown()),
        }
    }
    // RFC 5258 sections 3.1 and 3.3, RFC 6154 section 2: what is selected by is returned; and
    // \HasChildren and special uses may be returned in any case, as servers do.
    options.wanted.subscribed |= options.only_subscribed;
    options.wanted.special_use |= world.has("SPECIAL-USE") || list.xlist;
    options.wanted.children |= world.has("CHILDREN");
    Ok(options)
}

/// The maximum of bytes in a pattern, because no name is longer; all patterns of a LIST together
/// may have four times as many. More would only take time, while others wait.
const MAX_PATTERN: usize = 1000;
const MAX_PATTERNS: usize = 4 * MAX_PATTERN;

/// Collapses runs of wildcards into an equivalent one: `%%` into `%`, and any run with `*` in it
/// into `*`.
fn collapsed(pattern: &str) -> String {
    let mut short = String::new();
    for c in pattern.chars() {
        match (short.chars().next_back(), c) {
            (Some('*'), '*' | '%') | (Some('%'), '%') => {}
            (Some('%'), '*') => {
                short.pop();
                short.push('*');
            }
            _ => short.push(c),
        }
    }
    short
}

/// Whether a name matches a pattern: `*` matches anything, `%` anything within a level (RFC 9051
/// section 6.3.9). Takes at most quadratic time in the name's length, if the pattern is collapsed.
fn fits(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    if pattern.chars().filter(|c| !matches!(c, '*' | '%')).count() > name.len() {
        return false;
    }
    // The prefixes of the name that the pattern so far matches.
    let mut reached = vec![false; name.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for c in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        let mut running = false;
        for (at, after) in next.iter_mut().enumerate() {
            let here = reached.get(at).copied().unwrap_or(false);
            let before = at.checked_sub(1);
            let read = before.and_then(|at| name.get(at));
            *after = match c {
                '*' => {
                    running |= here;
                    running
                }
                '%' => {
                    running = here || running && read.is_some_and(|read| *read != DELIMITER);
                    running
                }
                _ => read == Some(&c) && before.and_then(|at| reached.get(at)).copied().unwrap_or(false),
            };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// The same for a mailbox: INBOX matches regardless of case.
fn names(pattern: &str, name: &MailboxName) -> bool {
    fits(pattern, name.as_str()) || name.is_inbox() && fits(&pattern.to_ascii_uppercase(), "INBOX")
}

impl Session {
    pub(super) fn list(&mut self, world: &mut World, list: &List) -> Done {
        let extended = !list.select.is_empty() || !list.returned.is_empty() || list.patterns.len() > 1;
        if extended && !world.has("LIST-EXTENDED") {
            return Err(Reply::bad("LIST takes a reference and a pattern here"));
        }
        if list.lsub && !world.has("IMAP4rev1") {
            return Err(Reply::bad("Unknown command"));
        }
        let options = options(world, list)?;
        if options.status.iter().flatten().any(|item| !self.has_count(world, item)) {
            return Err(Reply::bad("An item of STATUS that is not known"));
        }
        let patterns: Vec<String> = list.patterns.iter().map(|p| format!("{}{p}", list.reference)).collect();
        let bytes: usize = patterns.iter().map(String::len).sum();
        if bytes > MAX_PATTERNS || patterns.iter().any(|pattern| pattern.len() > MAX_PATTERN) {
            return Err(Reply::bad("No name can fit such a long pattern"));
        }
        let patterns: Vec<String> = patterns.iter().map(|pattern| collapsed(pattern)).collect();
        if !extended && list.patterns.iter().all(|pattern| pattern.as_str().is_empty()) {
            // RFC 9051 section 6.3.9: an empty pattern requests the delimiter.
            let mut root = ListEntry::new("");
            (root.delimiter, root.attributes) = (Some(DELIMITER), vec!["\\Noselect".to_owned()]);
            self.answer_list(list, root);
            return Ok(Reply::ok("Listed"));
        }
        if list.lsub {
            self.lsub(world, list, &patterns);
            return Ok(Reply::ok("Listed"));
        }
        let user = self.user();
        let fitting = |name: &MailboxName| patterns.iter().any(|pattern| names(pattern, name));
        for name in all_names(world, &user, options.only_subscribed) {
            if !fitting(&name) {
                continue;
            }
            let mut entry = world.list_entry(&user, &name, options.wanted);
            if options.recursive {
                entry.child_info = child_info(world, &user, &name, &options, &fitting);
            }
            let fits_itself = selected(world, &user, &name, &options);
            if !fits_itself && entry.child_info.is_empty() {
                continue;
            }
            let selectable = entry.is_selectable();
            if self.enabled.utf8 {
                self.quirks.change_entry(&mut entry);
            }
            self.answer_list(list, entry);
            if let Some(items) = options.status.as_ref().filter(|_| selectable && fits_itself)
                && let Some(counts) = self.counts(world, &name, items)?
            {
                self.answer("STATUS", Answer::MailboxStatus(Box::new(counts)));
            }
            if options.my_rights && selectable && fits_itself {
                self.my_rights(name.clone());
            }
            if !options.metadata.is_empty() && selectable && fits_itself {
                self.list_metadata(world, &name, &options.metadata);
            }
        }
        Ok(Reply::ok("Listed"))
    }

    fn answer_list(&mut self, list: &List, mut entry: ListEntry) {
        if list.xlist {
            by_xlist(&mut entry);
            let bytes = xlist(&entry, self.strings());
            self.out.write(&bytes);
        } else if list.lsub {
            self.answer("LSUB", Answer::Lsub(Box::new(entry)));
        } else {
            self.answer("LIST", Answer::List(Box::new(entry)));
        }
    }

    /// The subscribed names; with `%` also parents of subscribed ones, as `\Noselect` (RFC 3501
    /// section 6.3.9).
    fn lsub(&mut self, world: &World, list: &List, patterns: &[String]) {
        let user = self.user();
        let Some(held) = world.users.get(&user) else { return };
        let mut listed = BTreeSet::new();
        let mut entries = Vec::new();
        for name in &held.subscribed {
            if patterns.iter().any(|pattern| names(pattern, name)) {
                listed.insert(name.clone());
                entries.push((name.clone(), true));
                continue;
            }
            let mut above = parent(name.as_str());
            while let Some(text) = above {
                let up = MailboxName::exact(text);
                let by_level = patterns.iter().any(|p| p.ends_with('%') && names(p, &up));
                if by_level && !held.subscribed.contains(&up) && listed.insert(up.clone()) {
                    entries.push((up, false));
                }
                above = parent(text);
            }
        }
        for (name, itself) in entries {
            let mut entry = ListEntry::new(name);
            entry.delimiter = Some(DELIMITER);
            if !itself {
                entry.attributes.push("\\Noselect".to_owned());
            }
            self.answer_list(list, entry);
        }
    }
}

/// Special uses as XLIST calls them, which is older than RFC 6154.
fn by_xlist(entry: &mut ListEntry) {
    for attribute in &mut entry.attributes {
        match &**attribute {
            "\\All" => *attribute = "\\AllMail".to_owned(),
            "\\Junk" => *attribute = "\\Spam".to_owned(),
            _ => {}
        }
    }
    if entry.name.is_inbox() {
        entry.attributes.push("\\Inbox".to_owned());
    }
}

/// Whether a mailbox matches the selection options itself.
fn selected(world: &World, user: &str, name: &MailboxName, options: &ListOptions) -> bool {
    let subscribed = || world.users.get(user).is_some_and(|held| held.subscribed.contains(name));
    let special = || {
        let held = world.find(user, name).and_then(|id| world.mailboxes.get(&id));
        held.is_some_and(|held| !held.special_use.is_empty())
    };
    (!options.only_subscribed || subscribed()) && (!options.only_special || special())
}

/// `CHILDINFO`: the options that mailboxes below this one match, if the patterns do not name them
/// (RFC 5258 section 4).
fn child_info(
    world: &World,
    user: &str,
    name: &MailboxName,
    options: &ListOptions,
    fitting: &impl Fn(&MailboxName) -> bool,
) -> Vec<String> {
    let below = |other: &MailboxName| {
        other.as_str().strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(DELIMITER))
    };
    let mut all = all_names(world, user, true).into_iter();
    let any = all.any(|other| below(&other) && !fitting(&other) && selected(world, user, &other, options));
    let kind = if options.only_subscribed { "SUBSCRIBED" } else { "SPECIAL-USE" };
    if any { vec![kind.to_owned()] } else { Vec::new() }
}

/// Each mailbox, and each name that only has others below it; with missing subscribed names, if
/// requested.
fn all_names(world: &World, user: &str, with_subscribed: bool) -> BTreeSet<MailboxName> {
    let Some(held) = world.users.get(user) else { return BTreeSet::new() };
    let mut all: BTreeSet<MailboxName> = held.names.keys().cloned().collect();
    if with_subscribed {
        all.extend(held.subscribed.iter().cloned());
    }
    let mut above = Vec::new();
    for name in &all {
        let mut text = name.as_str();
        while let Some(up) = parent(text) {
            above.push(MailboxName::exact(up));
            text = up;
        }
    }
    all.extend(above);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        for (pattern, name) in
            [("*", "a/b"), ("%", "a"), ("a/%", "a/b"), ("%/b", "a/b"), ("a*", "a"), ("%%", "x")]
        {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("%", "a/b"), ("a", "b"), ("a/%", "a"), ("", "a"), ("a%", "a/b"), ("*a", "ab")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        assert!(names("inbox", &MailboxName::INBOX) && names("InB*", &MailboxName::INBOX));
        assert!(!names("inbox", &MailboxName::exact("box")));
    }

    #[test]
    fn many_wildcards_take_no_longer() {
        for (pattern, short) in [("%*%*%*", "*"), ("a%%b", "a%b"), ("*%a%*", "*a*"), ("%a*", "%a*"), ("", "")]
        {
            assert_eq!(collapsed(pattern), short);
        }
        assert!(!fits(&"*a".repeat(200), &"a".repeat(199)));
        assert!(fits(&"%a".repeat(200), &"a".repeat(200)));
    }
}
