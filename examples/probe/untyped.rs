//! What the library has no method for, where a server advertises it: tried by lines of one's own
//! and by items that have no type, whose answers come back all the same.

use imap_duplex::command::{Items, Search};
use imap_duplex::types::{Answer, ListEntry, Message};
use imap_duplex::{Result, Sender, Untagged};

use crate::checks::{Tried, count, needs_mailboxes, words};
use crate::scratch::Scratch;

/// Tries a capability of this kind.
pub(crate) async fn try_out(s: &mut Scratch, name: &str) -> Option<Tried> {
    let imap = s.imap.clone();
    Some(match name {
        // Where SPECIAL-USE is there as well, the library asks by that.
        "XLIST" => Tried("XLIST", raw(&imap, "XLIST \"\" \"*\"", entry).await.map(|all| uses(s, &all))),
        "MAILBOX-REFERRALS" => {
            let listed = raw(&imap, "RLIST \"\" \"*\"", entry).await;
            Tried("RLIST", listed.map(|all| needs_mailboxes(s, all.len(), 1)))
        }
        "JMAPACCESS" => {
            let found = raw(&imap, "GETJMAPACCESS", |answer| match answer {
                Answer::JmapAccess(url) => Some(url),
                _ => None,
            });
            Tried("GETJMAPACCESS", found.await.map(|urls| s.needs_some(urls.len(), words(&urls), "URL")))
        }
        "CONVERT" => {
            // None comes where none is possible (RFC 5259 section 5.1).
            let found = imap.raw("CONVERSIONS \"*\" \"*\"").await;
            let is_one = |said: &&Untagged| said.raw().is_some_and(|raw| is_conversion(raw));
            let number = found.map(|all| all.responses.iter().filter(is_one).count());
            Tried(
                "CONVERSIONS",
                number.map(|number| match number {
                    0 => s.skip("the server says that it converts nothing"),
                    number => count(number, "conversion", "conversions"),
                }),
            )
        }
        "SNIPPET=FUZZY" => Tried("FETCH", item(s, "SNIPPET").await),
        "DIGEST=SHA1" => Tried("FETCH", item(s, "DIGEST.SHA1").await),
        "X-CREATEDMODSEQ" => Tried("FETCH", item(s, "CREATEDMODSEQ").await),
        "PREVIEW=FUZZY" => Tried("FETCH", fuzzy_preview(s).await),
        "SORT=UID" | "SORT=MODSEQ" => {
            let line = format!("UID SORT ({}) UTF-8 ALL", name.trim_start_matches("SORT="));
            let sorted = raw(&imap, &line, |answer| match answer {
                Answer::Sort(sorted) => Some(sorted.numbers),
                _ => None,
            });
            let sorted = sorted.await;
            Tried("SORT", sorted.map(|all| s.needs_messages(all.iter().flat_map(|some| some.uids()))))
        }
        "XMOVE" => Tried("XMOVE", move_away(s).await),
        _ => return None,
    })
}

/// A line of one's own, and what is wanted of the answers to it.
async fn raw<T>(imap: &Sender, line: &str, wanted: impl Fn(Answer) -> Option<T>) -> Result<Vec<T>> {
    let answered = imap.raw(line).await?;
    Ok(answered.responses.into_iter().map(Untagged::into_answer).filter_map(wanted).collect())
}

fn is_conversion(raw: &[u8]) -> bool {
    let words: Vec<_> = raw.split(|byte| *byte == b' ').take(2).collect();
    matches!(&*words, [b"*", word] if word.eq_ignore_ascii_case(b"CONVERSION"))
}

fn entry(answer: Answer) -> Option<ListEntry> {
    match answer {
        Answer::List(entry) | Answer::Lsub(entry) => Some(*entry),
        _ => None,
    }
}

/// Those with a special use, or how many there are, if none has one.
fn uses(s: &mut Scratch, all: &[ListEntry]) -> String {
    let with_use = all.iter().filter(|entry| entry.special_uses().next().is_some());
    let names: Vec<_> = with_use.map(|entry| entry.name.to_string()).collect();
    if names.is_empty() { needs_mailboxes(s, all.len(), 1) } else { words(&names) }
}

/// As MOVE, before RFC 6851 was there.
async fn move_away(s: &mut Scratch) -> Result<String> {
    let Some(uid) = s.add().await? else { return Ok(s.skip("APPEND gave no UID to name the message by")) };
    let (imap, inbox) = (s.imap.clone(), s.inbox.clone());
    imap.raw(format!("UID XMOVE {uid} \"{}\"", s.other)).await?;
    let left = inbox.search(Search::all()).await?;
    Ok(match left.iter().any(|it| it == uid) {
        true => s.fail("the server says OK, and the message is still there"),
        false => "moved".to_owned(),
    })
}

/// An item without a type, which a message has.
async fn item(s: &mut Scratch, name: &str) -> Result<String> {
    let Some(uid) = s.message(0) else { return Ok(s.no_message()) };
    let inbox = s.inbox.clone();
    let rows = inbox.fetch(uid, Items::other(name)).await?;
    Ok(match rows.iter().flat_map(Message::other).find(|(found, _)| found.eq_ignore_ascii_case(name)) {
        Some((_, value)) => String::from_utf8_lossy(value).into_owned(),
        None => s.fail(format!("the server says OK, and sends no {name}")),
    })
}

/// As the drafts of RFC 8970 had it.
async fn fuzzy_preview(s: &mut Scratch) -> Result<String> {
    let Some(uid) = s.message(0) else { return Ok(s.no_message()) };
    let line = format!("UID FETCH {uid} (PREVIEW (FUZZY))");
    let previews = raw(&s.imap, &line, |answer| match answer {
        Answer::Fetch(row) => row.preview().map(str::to_owned),
        _ => None,
    });
    let previews = previews.await?;
    Ok(match &*previews {
        [] => s.fail("the server says OK, and sends no preview"),
        previews => words(previews),
    })
}
