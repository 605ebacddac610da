//! The data of ACL, LISTRIGHTS, MYRIGHTS (RFC 4314), QUOTA and QUOTAROOT (RFC 9208, RFC 2087).

use super::Rules;
use super::mailbox::{named_mailbox, named_mailbox_until};
use super::server::string_list;
use super::string::{Str, astring, begins_string, loose, string};
use super::token::{closed, count, open, spaces};
use crate::types::{Acl, ListRights, MyRights, Quota, QuotaResource, QuotaRoot, Rights};
use crate::wire::input::{Input, Parsed};

/// Strings up to the end of the line.
pub(crate) fn strings<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Vec<String>> {
    let (mut i, mut all) = (spaces(i), Vec::new());
    while !i.text.is_empty() {
        let (rest, text) = astring(i)?;
        rules.room(i, all.len())?;
        all.push(text.to_text());
        i = spaces(rest);
    }
    Ok((i, all))
}

/// Rights after a space; none at the end of the line or for NIL.
fn last_rights(i: Input<'_>) -> Parsed<'_, Rights> {
    let i = spaces(i);
    let (rest, text) = if i.text.is_empty() { (i, None) } else { loose(i)? };
    Ok((rest, Rights::new(text.map(Str::to_text).unwrap_or_default())))
}

/// `INBOX Fred rwipslxcetda David lrswideta` (RFC 4314 section 3.6).
pub(crate) fn acl<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Acl> {
    let (rest, mailbox) = named_mailbox(i, rules)?;
    let (mut i, mut entries) = (spaces(rest), Vec::new());
    while !i.text.is_empty() {
        let (rest, who) = astring(i)?;
        let (rest, what) = last_rights(rest)?;
        rules.room(i, entries.len())?;
        entries.push((who.to_text(), what));
        i = spaces(rest);
    }
    Ok((i, Acl::new(mailbox, entries)))
}

/// `~/Mail/saved smith la r swicdkxte` (RFC 4314 section 3.7).
pub(crate) fn list_rights<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, ListRights> {
    let (rest, mailbox) = named_mailbox(i, rules)?;
    let (rest, who) = astring(spaces(rest))?;
    let (rest, required) = last_rights(rest)?;
    let (rest, optional) = strings(rest, rules)?;
    let optional = optional.into_iter().map(Rights::new).collect();
    Ok((rest, ListRights::new(mailbox, who.to_text(), required, optional)))
}

/// `INBOX rwiptsldaex` (RFC 4314 section 3.8).
pub(crate) fn my_rights<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, MyRights> {
    // Without quotes the name may have spaces: the last word is the rights.
    let (rest, mailbox) = named_mailbox_until(i, rules, |rest| {
        begins_string(rest) || spaces(rest.run(|b| b != b' ').0).text.is_empty()
    })?;
    let (rest, what) = last_rights(rest)?;
    Ok((rest, MyRights::new(mailbox, what)))
}

/// The name of a quota root: a string; a word, which may contain spaces if a list follows; empty if
/// the list is first.
fn quota_name(i: Input<'_>) -> Parsed<'_, Str<'_>> {
    if begins_string(i) {
        return string(i);
    }
    match memchr::memchr(b'(', i.text) {
        Some(list) => Ok((i.skip(list), Str::Plain(i.text.get(..list).unwrap_or_default().trim_ascii_end()))),
        None => astring(i),
    }
}

/// `"" (STORAGE 10 512)` (RFC 9208 section 4.2.1).
pub(crate) fn quota<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, Quota> {
    let (rest, root) = quota_name(spaces(i))?;
    let (root, mut resources) = (root.to_text(), Vec::new());
    let i = spaces(rest);
    let (mut i, listed) = open(i).map_or((i, false), |(inside, ())| (inside, true));
    loop {
        if let Some(rest) = closed(i) {
            return Ok((rest, Quota::new(root, resources)));
        }
        if i.text.is_empty() && !listed {
            return Ok((i, Quota::new(root, resources)));
        }
        let (rest, name) = astring(i)?;
        let (rest, usage) = count(spaces(rest))?;
        let (rest, limit) = count(spaces(rest))?;
        rules.room(i, resources.len())?;
        resources.push(QuotaResource::new(name.to_text(), usage, limit));
        i = spaces(rest);
    }
}

/// `INBOX ""` (RFC 9208 section 4.2.2).
pub(crate) fn quota_root<'a>(i: Input<'a>, rules: &Rules) -> Parsed<'a, QuotaRoot> {
    // Without quotes the name may have spaces: roots in quotes show where it ends.
    let (rest, mailbox) =
        named_mailbox_until(i, rules, |rest| begins_string(rest) || rest.peek() == Some(b'('))?;
    let rest = spaces(rest);
    let (rest, roots) = if open(rest).is_ok() { string_list(rest, rules)? } else { strings(rest, rules)? };
    Ok((rest, QuotaRoot::new(mailbox, roots)))
}
