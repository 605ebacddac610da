//! What takes several commands to try.

use imap_duplex::command::{
    Append, GetMetadata, Items, PartialRange, Search, SearchScope, SetMetadata, Sort, SortKey, Store,
    StoreAnnotations, StoreLabels, ThreadBy,
};
use imap_duplex::types::AnnotationScope;
use imap_duplex::{Code, Config, Flag, Result, Select, Sender};

use crate::checks::count;
use crate::scratch::{Scratch, message};
use crate::support::server::Server;

/// A connection of its own.
pub(crate) async fn beside(server: &Server, config: Config) -> Result<Sender> {
    let (imap, _events) = match &server.embedded {
        Some(embedded) => config.connect_over(embedded.connect()).await?,
        None => config.connect().await?,
    };
    Ok(imap)
}

pub(crate) async fn annotate(s: &mut Scratch) -> Result<String> {
    let (imap, mailbox) = (s.imap.clone(), s.name.clone());
    let set = SetMetadata::of(mailbox.as_str()).set("/private/comment", "probe");
    imap.set_metadata(set).await?;
    let found = imap.metadata(GetMetadata::of(mailbox, ["/private/comment"])).await?;
    let value = found.get("/private/comment").map(|value| String::from_utf8_lossy(value).into_owned());
    Ok(value.unwrap_or_default())
}

/// A shared annotation, which each server has; a private one it may lack.
pub(crate) async fn annotate_message(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    let Some(uid) = s.message(0) else { return Ok(s.no_message()) };
    let set = StoreAnnotations::set("/comment", AnnotationScope::Shared, "probe");
    inbox.store_annotations(uid, set).await?;
    let rows = inbox.fetch(uid, Items::annotations("/comment")).await?;
    let found = inbox.search(Search::annotation("/comment", None, "probe")).await?;
    let unset = StoreAnnotations::unset("/comment", AnnotationScope::Shared);
    inbox.store_annotations(uid, unset).await?;
    let value = rows.first().and_then(|row| row.annotation("/comment", AnnotationScope::Shared));
    let value = value.map_or("nothing".into(), |value| String::from_utf8_lossy(value).into_owned());
    Ok(format!("{value}, {}", count(found.len(), "message", "messages")))
}

pub(crate) async fn basics(s: &mut Scratch) -> Result<String> {
    let (inbox, uids, other) = (s.inbox.clone(), s.uids.clone(), s.other.clone());
    let rows = inbox.fetch(&uids, Items::overview().body_structure()).await?;
    inbox.store(&uids, Store::add([Flag::Seen])).await?;
    let seen = inbox.search(Search::seen()).await?;
    inbox.copy(&uids, other).await?;
    let passing = s.beside("passing");
    s.imap.create(passing.as_str()).await?;
    s.take_rights(&passing).await?;
    s.imap.subscribe(passing.as_str()).await?;
    s.imap.unsubscribe(passing.as_str()).await?;
    let renamed = s.beside("renamed");
    s.imap.rename(passing, renamed.as_str()).await?;
    s.imap.delete(renamed).await?;
    inbox.checkpoint().await?;
    Ok(format!("{}, {} seen", count(rows.len(), "row", "rows"), seen.len()))
}

pub(crate) async fn expunge(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    let Some(uid) = s.add().await? else { return Ok(s.skip("APPEND gave no UID to name the message by")) };
    inbox.store(uid, Store::add([Flag::Deleted])).await?;
    let gone = inbox.expunge(uid).await?;
    Ok(format!("{} gone", gone.count))
}

pub(crate) async fn move_away(s: &mut Scratch) -> Result<String> {
    let (inbox, other) = (s.inbox.clone(), s.other.clone());
    let before = s.uids.clone();
    s.add().await?;
    s.look().await?;
    let added: Vec<_> = s.uids.iter().copied().filter(|uid| !before.contains(uid)).collect();
    s.uids = before;
    let moved = inbox.move_to(added.as_slice(), other).await?;
    Ok(if !moved.uids.is_empty() { "with its new UID".into() } else { "moved".into() })
}

pub(crate) async fn sort(s: &mut Scratch, key: SortKey) -> Result<String> {
    let token = s.inbox.submit(Sort::new(Search::all(), key));
    let sorted = token.await?;
    Ok(count(sorted.numbers.uids().count(), "message", "messages"))
}

pub(crate) async fn thread(s: &mut Scratch, by: ThreadBy) -> Result<String> {
    let token = s.inbox.thread(Search::all(), by);
    let threads = token.await?;
    Ok(count(threads.iter().count(), "node", "nodes"))
}

pub(crate) async fn resume(s: &mut Scratch) -> Result<String> {
    s.inbox.ready().await?;
    let Some(state) = s.inbox.state() else { return Ok(s.skip("there is no state to resume from")) };
    let token = s.imap.select(Select::new(s.name.as_str()).resume(state));
    s.inbox = token.await?;
    Ok(format!("{} there", count(s.inbox.exists(), "message", "messages")))
}

pub(crate) async fn keep_updated(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    let search = inbox.submit(Search::all().returning().all().update());
    let id = search.id();
    let found = search.await?;
    if !found.is_updated {
        return Ok(s.skip("the server does not keep the result up to date"));
    }
    inbox.cancel_updates(id).await?;
    Ok("kept up to date".into())
}

/// On a connection of its own, since it would change how names are written.
pub(crate) async fn utf8(server: &Server, s: &mut Scratch) -> Result<String> {
    let config = server.config.clone().enable(["UTF8=ACCEPT"]);
    let imap = beside(server, config).await?;
    let name = s.beside("ü");
    imap.create(name.as_str()).await?;
    let listed = imap.list(name.as_str()).await?;
    imap.append(name.as_str(), Append::utf8("Subject: Grüße\r\n\r\nHallo\r\n")).await?;
    imap.delete(name).await?;
    imap.logout().await?;
    Ok(count(listed.len(), "mailbox", "mailboxes"))
}

/// On a connection of its own, since it is switched on right after the login.
pub(crate) async fn compressed(server: &Server) -> Result<String> {
    let config = server.config.clone().compress(true);
    let imap = beside(server, config).await?;
    imap.noop().await?;
    imap.logout().await?;
    Ok("NOOP answered".into())
}

/// On a connection of its own, which goes on without a user.
pub(crate) async fn unauthenticated(server: &Server) -> Result<String> {
    let imap = beside(server, server.config.clone().compress(false)).await?;
    imap.unauthenticate().await?;
    imap.noop().await?;
    imap.logout().await?;
    Ok("logged out, and the connection goes on".into())
}

/// On a connection of its own, which knows no sequence numbers from then on.
pub(crate) async fn by_uid_alone(server: &Server, s: &mut Scratch) -> Result<String> {
    let imap = beside(server, server.config.clone()).await?;
    let on = imap.enable(["UIDONLY"]).await?;
    if !on.iter().any(|name| name.eq_ignore_ascii_case("UIDONLY")) {
        imap.logout().await?;
        return Ok(s.fail("the server says OK, and does not switch it on"));
    }
    let inbox = imap.select(s.name.as_str()).await?;
    let rows = inbox.fetch(&s.uids, Items::flags()).await?;
    let found = inbox.search(Search::all()).await?;
    imap.logout().await?;
    Ok(format!("{}, {} found", count(rows.len(), "row", "rows"), found.len()))
}

/// The other mailbox is a label, which a message gets and loses.
pub(crate) async fn labels(s: &mut Scratch) -> Result<String> {
    let (inbox, other) = (s.inbox.clone(), s.other.clone());
    let Some(uid) = s.message(0) else { return Ok(s.no_message()) };
    inbox.fetch(uid, Items::gmail_msg_id().gmail_thread_id().gmail_labels()).await?;
    inbox.search(Search::gmail("subject:plan")).await?;
    let labelled = inbox.store_labels(uid, StoreLabels::add([other.as_str()])).await?;
    inbox.store_labels(uid, StoreLabels::remove([other]).silent()).await?;
    let labels = labelled.first().and_then(|row| row.gmail_labels()).unwrap_or_default();
    Ok(count(labels.len(), "label", "labels"))
}

pub(crate) async fn replace(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    let Some(uid) = s.add().await? else { return Ok(s.skip("APPEND gave no UID to name the message by")) };
    let Some(new) = inbox.replace(uid, message()).await?.uid else { return Ok("replaced".into()) };
    inbox.store(new, Store::add([Flag::Deleted])).await?;
    let gone = inbox.expunge(new).await?.count;
    Ok(if gone == 1 { "replaced, and removed".into() } else { "replaced".to_owned() })
}

/// A filter would be an annotation of the user: so one is named that is not there.
pub(crate) async fn filter(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    match inbox.search(Search::filter("imap-duplex-probe")).await {
        Err(error) if matches!(error.code(), Some(Code::UndefinedFilter(_))) => {
            Ok("it says that there is no such filter".into())
        }
        found => found.map(|found| count(found.len(), "message", "messages")),
    }
}

pub(crate) async fn several(s: &mut Scratch) -> Result<String> {
    let scope = SearchScope::mailboxes([s.name.as_str(), s.other.as_str()]);
    let token = s.imap.search_in(scope, Search::subject("plan"));
    Ok(count(token.await?.len(), "mailbox", "mailboxes"))
}

pub(crate) async fn sorted_part(s: &mut Scratch) -> Result<String> {
    let sort = Sort::new(Search::all(), SortKey::Subject).partial(PartialRange::first(1));
    let token = s.inbox.submit(sort.strict());
    let part = token.await?;
    Ok(count(part.numbers.uids().count(), "message", "messages"))
}

pub(crate) async fn sorted_ends(s: &mut Scratch) -> Result<String> {
    let sort = Sort::new(Search::all(), SortKey::Subject).returning();
    let token = s.inbox.submit(sort.min().max().count().strict());
    let found = token.await?;
    Ok(count(found.count.unwrap_or_default(), "message", "messages"))
}
