//! How each capability is tried, and what is said of it.

use std::time::Duration;

use imap_duplex::command::{
    Comparators, Id, Items, Language, List, Notify, NotifyEvent, Search, SortKey, StatusItems, ThreadBy,
};
use imap_duplex::types::ListEntry;
use imap_duplex::{Error, Remedy, Result};

use crate::scratch::{Scratch, Verdict};
use crate::support::server::Server;
use crate::urls::Wanted;
use crate::{appends, items, mailboxes, trials, trips, untyped, urls};

/// What came of it.
pub(crate) enum Outcome {
    Worked { round_trips: u32, answer: String },
    Failed { round_trips: u32, why: String },
    Skipped { why: String },
}

/// A command that was tried: its name, and the answer in a few words.
pub(crate) struct Tried(pub(crate) &'static str, pub(crate) Result<String>);

/// Tries a capability: the command, what came of it, and whether the connection is lost.
pub(crate) async fn try_out(
    server: &Server,
    scratch: &mut Scratch,
    name: &str,
) -> (&'static str, Outcome, bool) {
    trips::take();
    let name = name.to_ascii_uppercase();
    if let Some((command, why)) = skipped(&name) {
        return (command, Outcome::Skipped { why: why.to_owned() }, false);
    }
    let tried = match about_mailboxes(scratch, &name).await {
        Some(tried) => Some(tried),
        None => match about_messages(scratch, &name).await {
            Some(tried) => Some(tried),
            None => match about_the_session(server, scratch, &name).await {
                Some(tried) => Some(tried),
                None => untyped::try_out(scratch, &name).await,
            },
        },
    };
    let round_trips = trips::take();
    let verdict = scratch.take_verdict();
    match tried {
        Some(Tried(command, Ok(answer))) => {
            let outcome = match verdict {
                None => Outcome::Worked { round_trips, answer },
                Some(Verdict::Skipped(why)) => Outcome::Skipped { why },
                Some(Verdict::Failed(why)) => Outcome::Failed { round_trips, why },
            };
            (command, outcome, false)
        }
        Some(Tried(command, Err(error))) => {
            let lost = error.close_reason().is_some();
            (command, Outcome::Failed { round_trips, why: format!("{error:#}") }, lost)
        }
        None => ("", Outcome::Skipped { why: "the library has no command for it".to_owned() }, false),
    }
}

/// What is not tried, and why.
fn skipped(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name.split('=').next().unwrap_or_default() {
        "QUOTASET" => ("SETQUOTA", "it would change the limits of the user"),
        "INPROGRESS" => ("", "the server sends it by itself, while a command takes long"),
        "IMAPSIEVE" => ("", "the server does it by itself, if the user has a script"),
        "NO_ATOMIC_RENAME" => ("", "it says what RENAME does not do"),
        _ => return None,
    })
}

async fn about_mailboxes(s: &mut Scratch, name: &str) -> Option<Tried> {
    let (mailbox, other) = (s.name.clone(), s.other.clone());
    let list = || List::new(mailbox.as_str());
    let imap = s.imap.clone();
    Some(match name {
        "CHILDREN" => {
            let listed = imap.list(list().with_children()).await.map(attributes);
            Tried("LIST", listed.map(|it| s.needs(it, "attribute of the mailbox")))
        }
        "LIST-EXTENDED" => {
            let both = list().or(other).with_subscriptions().strict();
            let listed = imap.list(both).await;
            Tried("LIST", listed.map(|all| needs_mailboxes(s, all.len(), 2)))
        }
        "LIST-STATUS" => {
            let counted = imap.list(list().with_status(StatusItems::messages()).strict()).await;
            let messages = |all: &ListEntry| all.status.as_ref().and_then(|status| status.messages);
            Tried("LIST", counted.map(|all| s.needs_number(all.first().and_then(messages))))
        }
        "LIST-MYRIGHTS" => {
            let listed = imap.list(list().with_my_rights().strict()).await;
            let rights = |all: &ListEntry| all.my_rights.as_ref().map(ToString::to_string);
            Tried("LIST", listed.map(|all| s.needs(all.first().and_then(rights), "rights")))
        }
        "LIST-METADATA" => Tried("SETMETADATA, LIST", trials::list_annotations(s).await),
        "SPECIAL-USE" => Tried("LIST", mailboxes::special_uses(s).await),
        "XLIST" if !imap.capabilities().has("SPECIAL-USE") => {
            Tried("XLIST", mailboxes::special_uses(s).await)
        }
        "CREATE-SPECIAL-USE" => Tried("CREATE, LIST", mailboxes::create_for_use(s).await),
        "STATUS" | "STATUS=SIZE" => {
            let status = imap.status(other, StatusItems::size()).await;
            let bytes = status.map(|status| status.size.map(|size| count(size, "byte", "bytes")));
            Tried("STATUS", bytes.map(|bytes| s.needs(bytes, "size")))
        }
        "NAMESPACE" => {
            let spaces = imap.namespace().await;
            let number = |all: &[_]| all.len();
            Tried(
                "NAMESPACE",
                spaces.map(|all| {
                    let (own, others) = (number(&all.personal), number(&all.other_users));
                    format!("{own} personal, {others} of others, {} shared", number(&all.shared))
                }),
            )
        }
        "QUOTA" => {
            let quota = imap.quota_of(mailbox).await;
            let said =
                |roots: &[String]| if roots.is_empty() { "no quota root".into() } else { words(roots) };
            Tried("GETQUOTAROOT", quota.map(|quota| said(&quota.roots)))
        }
        _ if name.starts_with("QUOTA=RES-") || name.starts_with("X-QUOTA=") => {
            let resource = name.trim_start_matches("QUOTA=RES-").trim_start_matches("X-QUOTA=");
            Tried("GETQUOTAROOT", mailboxes::quota_of(s, resource).await)
        }
        "ACL" => {
            let (mine, all) = (imap.my_rights(mailbox.as_str()), imap.acl(mailbox));
            let both = async { Ok((mine.await?, all.await?)) };
            let both = both.await;
            Tried(
                "MYRIGHTS, GETACL",
                both.map(|(mine, all)| format!("{}; {} with rights", mine.rights, all.entries.len())),
            )
        }
        _ if name.starts_with("RIGHTS=") => {
            let rights = imap.list_rights(mailbox, "anyone").await;
            Tried("LISTRIGHTS", rights.map(|rights| count(rights.optional.len(), "right", "rights")))
        }
        "METADATA" => Tried("SETMETADATA, GETMETADATA", trials::annotate(s).await),
        "METADATA-SERVER" => Tried("GETMETADATA", mailboxes::server_annotations(s).await),
        _ => return None,
    })
}

/// What [`about_messages`] tries, up to `=`.
const OF_MESSAGES: [&str; 29] = [
    "UIDPLUS",
    "MOVE",
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "SEARCH",
    "SORT",
    "ESORT",
    "THREAD",
    "CONDSTORE",
    "QRESYNC",
    "PREVIEW",
    "SNIPPET",
    "SAVEDATE",
    "OBJECTID",
    "X-GM-EXT-1",
    "BINARY",
    "PARTIAL",
    "CONTEXT",
    "MULTISEARCH",
    "UIDBATCHES",
    "UIDONLY",
    "FILTERS",
    "REPLACE",
    "ANNOTATE-EXPERIMENT-1",
    "MESSAGELIMIT",
    "SAVELIMIT",
    "DIGEST",
    "X-CREATEDMODSEQ",
];

async fn about_messages(s: &mut Scratch, name: &str) -> Option<Tried> {
    let inbox = s.inbox.clone();
    if s.message(0).is_none() {
        return without_message(s, name);
    }
    Some(match name {
        "IMAP4" | "IMAP4REV1" | "IMAP4REV2" => Tried("FETCH, STORE, SEARCH, COPY", trials::basics(s).await),
        "UIDPLUS" => Tried("UID EXPUNGE", trials::expunge(s).await),
        "MOVE" => Tried("MOVE", trials::move_away(s).await),
        "ESEARCH" => Tried("SEARCH", trials::ends(s).await),
        "SEARCHRES" => {
            let saved = inbox.save(Search::all());
            let used = inbox.fetch(saved.saved(), Items::flags());
            let both = async { (saved.await?, used.await).1 };
            let both = both.await;
            Tried("SEARCH, FETCH $", both.map(|rows| s.needs_rows(&rows, |row| row.flags().is_some())))
        }
        "WITHIN" => {
            let found = inbox.search(Search::younger(Duration::from_secs(3600))).await;
            Tried("SEARCH", found.map(|found| s.needs_messages(&found)))
        }
        // How much is alike is for the server to say: some find nothing for a whole word.
        "SEARCH=FUZZY" => {
            let found = inbox.search(Search::subject("plan").fuzzy()).await;
            Tried(
                "SEARCH",
                found.map(|found| match found.len() {
                    0 => s.skip("nothing is like the word to this server, which is for it to say"),
                    number => count(number, "message", "messages"),
                }),
            )
        }
        "SORT" => Tried("SORT", trials::sort(s, SortKey::Subject).await),
        "ESORT" => Tried("SORT", trials::sorted_ends(s).await),
        "SORT=DISPLAY" => Tried("SORT", trials::sort(s, SortKey::DisplayFrom).await),
        "THREAD=REFERENCES" => Tried("THREAD", trials::thread(s, ThreadBy::References).await),
        "THREAD=ORDEREDSUBJECT" => Tried("THREAD", trials::thread(s, ThreadBy::OrderedSubject).await),
        "THREAD=REFS" => Tried("THREAD", trials::thread(s, ThreadBy::Refs).await),
        "CONDSTORE" => Tried("FETCH", items::mod_seq(s).await),
        "QRESYNC" => Tried("SELECT", trials::resume(s).await),
        "PREVIEW" => Tried("FETCH", items::preview(s).await),
        "SAVEDATE" => Tried("FETCH", items::save_date(s).await),
        "OBJECTID" => Tried("FETCH", items::object_ids(s).await),
        "X-GM-EXT-1" => Tried("FETCH, SEARCH, STORE", trials::labels(s).await),
        "BINARY" => Tried("FETCH", items::binary(s).await),
        "PARTIAL" => Tried("FETCH", items::page(s).await),
        "CONTEXT=SEARCH" => Tried("SEARCH, CANCELUPDATE", trials::keep_updated(s).await),
        "CONTEXT=SORT" => Tried("SORT", trials::sorted_part(s).await),
        "MULTISEARCH" => Tried("ESEARCH", trials::several(s).await),
        "UIDBATCHES" => Tried("UIDBATCHES", trials::batches(s).await),
        "FILTERS" => Tried("SEARCH", trials::filter(s).await),
        "REPLACE" => Tried("REPLACE", trials::replace(s).await),
        "ANNOTATE-EXPERIMENT-1" => Tried("STORE, FETCH, SEARCH", trials::annotate_message(s).await),
        _ if name.starts_with("MESSAGELIMIT=") || name.starts_with("SAVELIMIT=") => {
            let found = inbox.count(Search::all()).await;
            Tried("SEARCH", found.map(|found| s.needs_number(found.count)))
        }
        _ => return None,
    })
}

/// What [`about_messages`] says of its capabilities where there is no message. What all else stands
/// on has failed then.
fn without_message(s: &mut Scratch, name: &str) -> Option<Tried> {
    let is_base = matches!(name, "IMAP4" | "IMAP4REV1" | "IMAP4REV2");
    if !is_base && !OF_MESSAGES.contains(&name.split('=').next().unwrap_or_default()) {
        return None;
    }
    let said = s.no_message();
    if is_base {
        s.fails_instead();
    }
    Some(Tried(if is_base { "APPEND, SEARCH" } else { "" }, Ok(said)))
}

async fn about_the_session(server: &Server, s: &mut Scratch, name: &str) -> Option<Tried> {
    let (imap, inbox, other) = (s.imap.clone(), s.inbox.clone(), s.other.clone());
    Some(match name {
        "ID" => {
            let id = imap.id(Id::nothing()).await;
            let field = |(name, value): &(String, Option<String>)| {
                format!("{name} {}", value.as_deref().unwrap_or("NIL"))
            };
            Tried("ID", id.map(|all| words(&all.iter().map(field).collect::<Vec<_>>())))
        }
        "IDLE" => {
            // Ended by the next command.
            let (idle, noop) = (inbox.idle(), imap.noop());
            let both = async { (idle.await?, noop.await).1 };
            Tried("IDLE", both.await.map(|()| "and DONE".to_owned()))
        }
        "LITERAL+" | "LITERAL-" => Tried("APPEND", appends::one(s).await),
        "MULTIAPPEND" => Tried("APPEND", appends::two(s).await),
        "APPENDLIMIT" => Tried("STATUS", mailboxes::append_limit(s).await),
        _ if name.starts_with("APPENDLIMIT=") => Tried("APPEND", appends::one(s).await),
        "UNSELECT" => {
            let done = inbox.unselect().await;
            let again = imap.select(s.name.as_str());
            match again.await {
                Ok(inbox) => s.inbox = inbox,
                Err(error) => return Some(Tried("SELECT", Err(error))),
            }
            Tried("UNSELECT", done.map(|()| "and SELECT again".to_owned()))
        }
        "NOTIFY" => {
            let watch = Notify::set().mailboxes([other], NotifyEvent::MESSAGES).status();
            let counts = imap.notify(watch).await;
            let ended = imap.notify(Notify::set()).await;
            let number = counts.and_then(|all| ended.map(|_| all.len()));
            Tried("NOTIFY", number.map(|number| needs_mailboxes(s, number, 1)))
        }
        "LANGUAGE" => {
            let all = imap.language(Language::all()).await;
            Tried("LANGUAGE", all.map(|all| s.needs_some(all.len(), words(&all), "language")))
        }
        "I18NLEVEL=2" => {
            let now = imap.comparator(Comparators::active()).await;
            Tried("COMPARATOR", now.map(|now| s.needs(now.map(|now| now.active), "comparator")))
        }
        _ if name.starts_with("I18NLEVEL=") => {
            let found = inbox.search(Search::subject("pLAN") & !Search::subject("Grüße")).await;
            Tried("SEARCH", found.map(|found| s.needs_messages(&found)))
        }
        "CATENATE" => Tried("APPEND", urls::catenate(s).await),
        "URL-PARTIAL" if imap.capabilities().has("CATENATE") => Tried("APPEND", urls::catenate_part(s).await),
        "URL-PARTIAL" if imap.capabilities().has("URLAUTH") => {
            Tried("GENURLAUTH, URLFETCH, RESETKEY", urls::fetch(server, s, Wanted::Part).await)
        }
        "URL-PARTIAL" => Tried("", Ok(s.skip("without CATENATE and URLAUTH nothing takes a URL"))),
        "URLAUTH" => Tried("GENURLAUTH, URLFETCH, RESETKEY", urls::fetch(server, s, Wanted::Whole).await),
        "URLAUTH=BINARY" => {
            Tried("GENURLAUTH, URLFETCH, RESETKEY", urls::fetch(server, s, Wanted::Decoded).await)
        }
        "ENABLE" => Tried("ENABLE", apart(trials::enable(server, s).await, s)),
        "UIDONLY" => Tried("ENABLE, FETCH, SEARCH", apart(trials::by_uid_alone(server, s).await, s)),
        "UTF8=ACCEPT" | "UTF8=ONLY" => {
            Tried("ENABLE, CREATE, LIST, APPEND", apart(trials::utf8(server, s).await, s))
        }
        "UNAUTHENTICATE" => Tried("UNAUTHENTICATE", apart(trials::unauthenticated(server).await, s)),
        "COMPRESS=DEFLATE" => Tried("COMPRESS", apart(trials::compressed(server).await, s)),
        _ => return None,
    })
}

/// What came of a connection of the row's own, whose end is not that of all. That the server has
/// enough connections for now says nothing of the capability.
fn apart(tried: Result<String>, s: &mut Scratch) -> Result<String> {
    match tried {
        Err(error) if says_later(&error) => Ok(s.skip(format!("{error:#}"))),
        Err(error) => Ok(s.fail(format!("{error:#}"))),
        tried => tried,
    }
}

/// Whether the server says that it has enough connections, or logins, for now. One that ends the
/// connection without a word may have other reasons.
pub(crate) fn says_later(error: &Error) -> bool {
    error.status().is_some() && matches!(error.remedy(), Some(Remedy::Later { .. }))
}

fn attributes(listed: Vec<ListEntry>) -> Option<String> {
    listed.into_iter().map(|entry| entry.attributes).find(|all| !all.is_empty()).map(|all| words(&all))
}

/// How many mailboxes came, if these are enough.
pub(crate) fn needs_mailboxes(s: &mut Scratch, came: usize, least: usize) -> String {
    let mailboxes = count(came, "mailbox", "mailboxes");
    if came >= least {
        return mailboxes;
    }
    s.fail(format!("the server says OK, and sends {mailboxes}, where {least} should be"))
}

/// A few of them, for one line.
pub(crate) fn words(all: &[String]) -> String {
    match all {
        [] => "none".to_owned(),
        all if all.len() > 5 => format!("{} and {} more", all[..5].join(", "), all.len() - 5),
        all => all.join(", "),
    }
}

pub(crate) fn count(number: impl ToString, one: &str, more: &str) -> String {
    let number = number.to_string();
    format!("{number} {}", if number == "1" { one } else { more })
}

pub(crate) fn known(number: Option<impl ToString>, of: &str) -> String {
    format!("{} {of}", number.map_or_else(|| "an unknown number".to_owned(), |number| number.to_string()))
}
