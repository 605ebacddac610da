//! What takes several commands to try.

use imap_duplex::command::{
    Append, GetMetadata, Items, List, PartialRange, Search, SearchScope, SetMetadata, Sort, SortKey,
    StatusItems, Store, StoreAnnotations, StoreLabels, ThreadBy,
};
use imap_duplex::types::{AnnotationScope, Message, Metadata, Uid};
use imap_duplex::{Code, Config, Flag, Result, Select, Sender};

use crate::checks::{count, needs_mailboxes, words};
use crate::scratch::{self, Scratch, message};
use crate::support::server::Server;

/// What is set, and asked for again.
const COMMENT: &str = "/private/comment";

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
    imap.set_metadata(SetMetadata::of(mailbox.as_str()).set(COMMENT, "probe")).await?;
    let found = imap.metadata(GetMetadata::of(mailbox, [COMMENT])).await?;
    Ok(comment_in(s, Some(&found)))
}

/// What LIST sends of an annotation that is set before.
pub(crate) async fn list_annotations(s: &mut Scratch) -> Result<String> {
    let (imap, mailbox) = (s.imap.clone(), s.name.clone());
    imap.set_metadata(SetMetadata::of(mailbox.as_str()).set(COMMENT, "probe")).await?;
    let listed = imap.list(List::new(mailbox).with_metadata([COMMENT]).strict()).await?;
    Ok(comment_in(s, listed.first().and_then(|entry| entry.metadata.as_deref())))
}

fn comment_in(s: &mut Scratch, found: Option<&Metadata>) -> String {
    match found.and_then(|found| found.get(COMMENT)).map(|value| String::from_utf8_lossy(value)) {
        Some(value) if value != "probe" => s.fail(format!("the annotation is {value:?}, not \"probe\"")),
        value => s.needs(value, "annotation"),
    }
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
    let value = s.needs(value.map(|value| String::from_utf8_lossy(value)), "annotation");
    if !found.iter().any(|it| it == uid) {
        return Ok(s.fail("the server says OK, and does not find the annotation"));
    }
    Ok(format!("{value}, {}", count(found.len(), "message", "messages")))
}

pub(crate) async fn basics(s: &mut Scratch) -> Result<String> {
    let (inbox, uids, other) = (s.inbox.clone(), s.uids.clone(), s.other.clone());
    let rows = inbox.fetch(&uids, Items::overview().body_structure()).await?;
    inbox.store(&uids, Store::add([Flag::Seen])).await?;
    let seen = inbox.search(Search::seen()).await?;
    inbox.copy(&uids, other.as_str()).await?;
    let copied = s.imap.status(other, StatusItems::messages()).await?.messages;
    let passing = s.beside("passing");
    s.imap.create(passing.as_str()).await?;
    s.take_rights(&passing).await?;
    s.imap.subscribe(passing.as_str()).await?;
    s.imap.unsubscribe(passing.as_str()).await?;
    let renamed = s.beside("renamed");
    s.imap.rename(passing, renamed.as_str()).await?;
    s.imap.delete(renamed).await?;
    inbox.checkpoint().await?;
    s.needs_number(copied);
    s.needs_messages(&seen);
    let has_all = |row: &Message| row.envelope().is_some() && row.body_structure().is_some();
    Ok(format!("{}, {} seen", s.needs_rows(&rows, has_all), seen.len()))
}

pub(crate) async fn expunge(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    let Some(uid) = s.add().await? else { return Ok(s.skip("APPEND gave no UID to name the message by")) };
    if inbox.store(uid, Store::add([Flag::Deleted])).await?.is_empty() {
        // Courier reports what was appended at the next NOOP, and knows nothing of it until then.
        s.imap.noop().await?;
        inbox.store(uid, Store::add([Flag::Deleted])).await?;
    }
    let gone = inbox.expunge(uid).await?.count;
    Ok(s.needs((gone > 0).then(|| format!("{gone} gone")), "EXPUNGE"))
}

pub(crate) async fn move_away(s: &mut Scratch) -> Result<String> {
    let (inbox, other) = (s.inbox.clone(), s.other.clone());
    let before = s.uids.clone();
    s.add().await?;
    s.look().await?;
    let added: Vec<_> = s.uids.iter().copied().filter(|uid| !before.contains(uid)).collect();
    s.uids = before;
    if added.is_empty() {
        return Ok(s.fail("the server took a message, and SEARCH does not find it"));
    }
    let moved = inbox.move_to(added.as_slice(), other).await?;
    if inbox.search(Search::all()).await?.iter().any(|uid| added.contains(&uid)) {
        return Ok(s.fail("the server says OK, and the message is still there"));
    }
    Ok(if !moved.uids.is_empty() { "with its new UID".into() } else { "moved".into() })
}

pub(crate) async fn sort(s: &mut Scratch, key: SortKey) -> Result<String> {
    let token = s.inbox.submit(Sort::new(Search::all(), key));
    let sorted = token.await?;
    Ok(s.needs_sorted(sorted.numbers.uids()))
}

pub(crate) async fn thread(s: &mut Scratch, by: ThreadBy) -> Result<String> {
    let token = s.inbox.thread(Search::all(), by);
    let threads = token.await?;
    let number = threads.iter().filter(|node| node.depth == 0).count();
    let messages = s.needs_messages(threads.iter().filter_map(|node| node.uid()));
    Ok(format!("{messages} in {}", count(number, "thread", "threads")))
}

pub(crate) async fn resume(s: &mut Scratch) -> Result<String> {
    s.inbox.ready().await?;
    let Some(state) = s.inbox.state() else { return Ok(s.skip("there is no state to resume from")) };
    let token = s.imap.select(Select::new(s.name.as_str()).resume(state));
    s.inbox = token.await?;
    let there = s.needs_number(Some(s.inbox.exists()));
    Ok(format!("{there} there"))
}

pub(crate) async fn keep_updated(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    let search = inbox.submit(Search::all().returning().all().update());
    let id = search.id();
    let found = search.await?;
    if !found.is_updated {
        return Ok(s.skip("the server does not keep the result up to date"));
    }
    s.needs_messages(found.all.iter().flatten());
    inbox.cancel_updates(id).await?;
    Ok("kept up to date".into())
}

/// On a connection of its own, on which nothing is on. Servers leave off what they don't know (RFC
/// 5161 section 3.1).
pub(crate) async fn enable(server: &Server, s: &mut Scratch) -> Result<String> {
    let known = s.imap.capabilities();
    let all = ["CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "UIDONLY", "IMAP4rev2"];
    let Some(name) = all.into_iter().find(|name| known.has(name)) else {
        return Ok(s.skip("the server has nothing that it switches on"));
    };
    let imap = beside(server, server.config.clone().enable(Vec::<String>::new())).await?;
    let on = imap.enable([name, "X-IMAP-DUPLEX-PROBE"]).await?;
    imap.logout().await?;
    let is_on = on.iter().any(|on| on.eq_ignore_ascii_case(name));
    Ok(s.needs(is_on.then(|| format!("on now: {}", words(&on))), &format!("ENABLED {name}")))
}

/// On a connection of its own, since it would change how names are written.
pub(crate) async fn utf8(server: &Server, s: &mut Scratch) -> Result<String> {
    let config = server.config.clone().enable(["UTF8=ACCEPT"]);
    let imap = beside(server, config).await?;
    let name = s.beside("ü");
    imap.create(name.as_str()).await?;
    let listed = imap.list(name.as_str()).await?;
    // It is removed with all that has such a name.
    imap.append(name.as_str(), Append::utf8(scratch::message_in_utf8())).await?;
    imap.logout().await?;
    Ok(needs_mailboxes(s, listed.len(), 1))
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
    s.needs_messages(&found);
    Ok(format!("{}, {} found", s.needs_rows(&rows, |row| row.flags().is_some()), found.len()))
}

/// The other mailbox is a label, which a message gets and loses.
pub(crate) async fn labels(s: &mut Scratch) -> Result<String> {
    let (inbox, other) = (s.inbox.clone(), s.other.clone());
    let Some(uid) = s.message(0) else { return Ok(s.no_message()) };
    let rows = inbox.fetch(uid, Items::gmail_msg_id().gmail_thread_id().gmail_labels()).await?;
    inbox.search(Search::gmail("subject:plan")).await?;
    let labelled = inbox.store_labels(uid, StoreLabels::add([other.as_str()])).await?;
    inbox.store_labels(uid, StoreLabels::remove([other]).silent()).await?;
    let has_all = |row: &&Message| row.gmail_msg_id().and(row.gmail_thread_id()).is_some();
    let id = rows.iter().find(has_all).and_then(Message::gmail_msg_id);
    let labels = labelled.iter().find_map(Message::gmail_labels);
    let labels = s.needs(labels.map(|all| count(all.len(), "label", "labels")), "labels");
    Ok(format!("message {}, {labels}", s.needs(id, "X-GM-MSGID and X-GM-THRID")))
}

pub(crate) async fn replace(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    let Some(uid) = s.add().await? else { return Ok(s.skip("APPEND gave no UID to name the message by")) };
    let Some(new) = inbox.replace(uid, message()).await?.uid else {
        let is_gone = !inbox.search(Search::all()).await?.iter().any(|it| it == uid);
        return Ok(s.needs(is_gone.then_some("replaced"), "EXPUNGE"));
    };
    inbox.store(new, Store::add([Flag::Deleted])).await?;
    let gone = inbox.expunge(new).await?.count;
    Ok(s.needs((gone > 0).then_some("replaced, and removed"), "message with the UID that it gave"))
}

/// A filter would be an annotation of the user: so one is named that is not there.
pub(crate) async fn filter(s: &mut Scratch) -> Result<String> {
    let inbox = s.inbox.clone();
    match inbox.search(Search::filter("imap-duplex-probe")).await {
        Err(error) if matches!(error.code(), Some(Code::UndefinedFilter(_))) => {
            Ok("it says that there is no such filter".into())
        }
        Ok(_) => Ok(s.fail("the server says OK to a filter that there is not")),
        Err(error) => Err(error),
    }
}

pub(crate) async fn several(s: &mut Scratch) -> Result<String> {
    let scope = SearchScope::mailboxes([s.name.as_str(), s.other.as_str()]);
    let token = s.imap.search_in(scope, Search::subject("plan"));
    let found = token.await?;
    s.needs_messages(
        found.iter().find(|all| all.mailbox.as_str() == s.name).into_iter().flat_map(|all| &all.uids),
    );
    Ok(count(found.len(), "mailbox", "mailboxes"))
}

pub(crate) async fn sorted_part(s: &mut Scratch) -> Result<String> {
    let sort = Sort::new(Search::all(), SortKey::Subject).partial(PartialRange::first(1));
    let token = s.inbox.submit(sort.strict());
    let part = token.await?;
    Ok(match part.numbers.uids().count() {
        1 => "1 message".to_owned(),
        number => s.fail(format!("the server says OK, with {number} messages, where 1 should be")),
    })
}

pub(crate) async fn sorted_ends(s: &mut Scratch) -> Result<String> {
    let sort = Sort::new(Search::all(), SortKey::Subject).returning();
    let token = s.inbox.submit(sort.min().max().count().strict());
    let found = token.await?;
    s.needs(found.min.and(found.max), "MIN and MAX");
    Ok(s.needs_number(found.count))
}

pub(crate) async fn ends(s: &mut Scratch) -> Result<String> {
    let search = Search::all().returning().min().max().count().strict();
    let found = s.inbox.submit(search).await?;
    s.needs(found.min.and(found.max), "MIN and MAX");
    Ok(s.needs_number(found.count))
}

/// The ranges hold each message.
pub(crate) async fn batches(s: &mut Scratch) -> Result<String> {
    let cut = s.inbox.uid_batches(500).await?;
    let is_in = |uid: Uid, (one, end): (u32, u32)| (one.min(end)..=one.max(end)).contains(&uid.get());
    let holds = |uid: &Uid| cut.batches.ranges().any(|range| is_in(*uid, range));
    let held: Vec<_> = s.uids.iter().copied().filter(holds).collect();
    s.needs_messages(held);
    Ok(count(cut.batches.ranges().count(), "range", "ranges"))
}
