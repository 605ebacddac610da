//! What servers say of mailboxes and of themselves where they may have nothing to say. A row has
//! worked if something came, and is skipped if nothing had to.

use imap_duplex::command::{Create, GetMetadata, List, StatusItems};
use imap_duplex::types::{ListEntry, MetadataValue, SpecialUse};
use imap_duplex::{ErrorKind, Result};

use crate::checks::{count, known, words};
use crate::scratch::Scratch;

/// What is set there is for an administrator to say.
pub(crate) async fn server_annotations(s: &mut Scratch) -> Result<String> {
    let found = s.imap.metadata(GetMetadata::of_server(["/shared/comment", "/shared/admin"])).await?;
    let said = found.entries.iter().map(|entry| match &entry.value {
        MetadataValue::Set(value) => format!("{} {:?}", entry.name, String::from_utf8_lossy(value)),
        _ => format!("{} NIL", entry.name),
    });
    let said: Vec<_> = said.collect();
    Ok(match &*said {
        [] => s.skip("the server has no comment and no address of its administrator to send"),
        said => words(said),
    })
}

/// By SPECIAL-USE, or by XLIST.
pub(crate) async fn special_uses(s: &mut Scratch) -> Result<String> {
    let listed = s.imap.list(List::new("*").special_use()).await?;
    let uses = |entry: &ListEntry| entry.special_uses().next().is_some();
    let names: Vec<_> = listed.iter().filter(|it| uses(it)).map(|entry| entry.name.to_string()).collect();
    Ok(match &*names {
        [] => s.skip("no mailbox is for a special use, so none had to come"),
        names => words(names),
    })
}

/// There may be one for this use already, or none may be (RFC 6154 section 3). Cyrus says so
/// without a code.
pub(crate) async fn create_for_use(s: &mut Scratch) -> Result<String> {
    let (imap, name) = (s.imap.clone(), s.beside("junk"));
    match imap.create(Create::new(name.as_str()).for_use(SpecialUse::Junk)).await {
        Err(error) if error.kind() == ErrorKind::No => {
            return Ok(s.skip(format!("the server may refuse this, and does: {error:#}")));
        }
        made => made?,
    };
    let listed = imap.list(List::new(name).with_special_use()).await?;
    let mut uses = listed.iter().flat_map(ListEntry::special_uses);
    let is_junk = uses.any(|one| one == SpecialUse::Junk);
    Ok(s.needs(is_junk.then_some("made, and listed with \\Junk"), "\\Junk of the mailbox that it made"))
}

/// That there is none is said by `NIL` (RFC 7889 section 4).
pub(crate) async fn append_limit(s: &mut Scratch) -> Result<String> {
    let (imap, other) = (s.imap.clone(), s.other.clone());
    if let Some(limit) = imap.status(other.as_str(), StatusItems::append_limit()).await?.append_limit {
        return Ok(count(limit, "byte", "bytes"));
    }
    let said = imap.raw(format!("STATUS \"{other}\" (APPENDLIMIT)")).await?;
    let is_nil = |bytes: &[u8]| bytes.to_ascii_uppercase().windows(15).any(|it| it == b"APPENDLIMIT NIL");
    let is_nil = said.responses.iter().filter_map(|said| said.raw()).any(|bytes| is_nil(bytes));
    Ok(s.needs(is_nil.then_some("NIL"), "APPENDLIMIT"))
}

/// A server need not limit what it can.
pub(crate) async fn quota_of(s: &mut Scratch, resource: &str) -> Result<String> {
    let quota = s.imap.quota_of(s.name.as_str()).await?;
    let of = quota.quotas.iter().find_map(|quota| quota.resource(resource));
    Ok(match of {
        Some(of) => format!("{} of {}", known(of.usage, "used"), known(of.limit, "allowed")),
        None => s.skip(format!(
            "{} of {resource}, so nothing had to come",
            match quota.roots.len() {
                0 => "the mailbox is of no quota root, and none has a limit",
                _ => "the quota roots of the mailbox have no limit",
            }
        )),
    })
}
