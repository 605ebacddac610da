//! What programs rely on without calling it: which types go between tasks, can be compared, hashed
//! and iterated over. It is checked by the compiler; the functions' bodies have nothing to do.

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;

use bytes::Bytes;
use futures_core::Stream;
use imap_duplex::command::{
    Append, AppendAll, Appended, Claim, Class, Close, Command, Comparators, Copied, CopyMessages, Create,
    Created, Delete, Enable, Expunge, Expunged, Fetch, Flow, GetAcl, GetMetadata, GetQuotaRoot, Id, Idle,
    Items, Language, List, Logout, MailboxFor, Match, Messages, Noop, Notify, NotifyEvent, Raw, RawResult,
    Rename, SaveSearch, SavedSearch, Search, SearchResult, Secret, SelectedNotify, SetAcl, SetMetadata,
    SetQuota, StatusCommand, StatusItems, Store, Subscribe, Unselect,
};
use imap_duplex::replay::{RecordedKind, RecordedResponse};
use imap_duplex::types::{
    CloseReason, CopyUid, Date, Done, ESearch, EnvelopeBuilder, HeaderText, Lagged, ListEntry, NumberList,
    NumberSet, Place, SelectionId, SpecialUse, Status, Threads, Timestamp,
};
use imap_duplex::{
    Answer, Body, Capabilities, Code, CommandId, Config, DecodedBody, Driver, Error, ErrorKind, Event,
    EventKind, Flag, Flags, Limits, Mailbox, MailboxName, MailboxState, MailboxStatus, Message, ModSeq, Part,
    Receiver, Rows, Section, Select, Sender, Sent, Seq, SeqSet, Snapshot, SnapshotMessage, StatusResponse,
    Submit, Timeouts, Token, Uid, UidSet, UidValidity, Untagged, ViewSync,
};
use tokio::io::AsyncBufRead;

fn shared<T: Send + Sync + Debug + 'static>() {}
fn sent<T: Send + Debug + 'static>() {}
fn read<
    T: AsyncBufRead + Stream<Item = imap_duplex::Result<Bytes>> + Send + Sync + Unpin + Debug + 'static,
>() {
}
fn compared<T: Clone + PartialEq + Debug + Send + Sync + 'static>() {}
fn keys<T: Clone + Eq + Hash + Debug + Send + Sync + 'static>() {}
fn ordered<T: Copy + Ord + Hash + Debug + Send + Sync + 'static>() {}
fn command<T: Command>() {}
fn submitted<T: Submit<Output = O>, O>() {}
fn awaited<T: Future<Output = imap_duplex::Result<O>> + Unpin, O>() {}

/// Whatever is generic over commands can submit them and await their tokens.
fn generic<C: Command>() {
    submitted::<C, C::Output>();
    awaited::<Token<C>, C::Output>();
}

#[test]
fn handles_go_between_tasks() {
    shared::<Sender>();
    shared::<Mailbox>();
    shared::<Snapshot>();
    shared::<Config>();
    shared::<Error>();
    shared::<imap_duplex::LatestSearch>();
    sent::<Receiver>();
    sent::<Driver>();
    sent::<Select>();
    sent::<Token<Fetch>>();
    sent::<Token<Store>>();
    sent::<Rows<Fetch>>();
    read::<Body>();
    read::<DecodedBody>();
    command::<Search>();
}

/// A command can be made in one task and submitted in another, and be looked at in the log.
#[test]
fn commands_go_between_tasks() {
    fn movable<T: Clone + Debug + Send + 'static>() {}
    movable::<Append>();
    movable::<AppendAll>();
    movable::<CopyMessages>();
    movable::<Expunge>();
    movable::<Fetch>();
    movable::<List>();
    movable::<MailboxFor>();
    movable::<Notify>();
    movable::<SaveSearch>();
    movable::<Search>();
    movable::<StatusCommand>();
    movable::<Store>();
    shared::<Class>();
    shared::<Secret>();
    shared::<SavedSearch>();
    shared::<Messages>();
    shared::<EnvelopeBuilder>();
    shared::<HeaderText<'static>>();
}

#[test]
fn what_is_submitted_says_what_its_token_gives() {
    generic::<Noop>();
    submitted::<Select, Mailbox>();
    submitted::<SaveSearch, SavedSearch>();
    awaited::<Token<Select>, Mailbox>();
    let _: fn(&Token<Select>) -> Mailbox = Token::mailbox;
    let _: fn(&Token<SaveSearch>) -> SavedSearch = Token::saved;
}

#[test]
fn data_is_compared_and_hashed() {
    compared::<Event>();
    compared::<EventKind>();
    compared::<Answer>();
    compared::<Untagged>();
    compared::<StatusResponse>();
    compared::<Code>();
    compared::<Message>();
    compared::<Section>();
    compared::<SnapshotMessage>();
    compared::<Limits>();
    compared::<Timeouts>();
    compared::<MailboxState>();
    compared::<MailboxStatus>();
    compared::<Capabilities>();
    compared::<Items>();
    compared::<Done>();
    compared::<ESearch>();
    compared::<ListEntry>();
    compared::<CloseReason>();
    compared::<Threads>();
    compared::<RawResult>();
    compared::<RecordedResponse>();
    compared::<RecordedKind>();
    compared::<Search>();
    compared::<SelectedNotify>();
    keys::<SearchResult>();
    keys::<Appended>();
    keys::<Copied>();
    keys::<Expunged>();
    keys::<CopyUid>();
    keys::<NumberList>();
    keys::<NumberSet>();
    keys::<Lagged>();
    keys::<Place>();
    keys::<Status>();
    keys::<StatusItems>();
    keys::<NotifyEvent>();
    keys::<Claim>();
    keys::<Flow>();
    keys::<Match>();
    keys::<Create>();
    keys::<Delete>();
    keys::<Rename>();
    keys::<Subscribe>();
    keys::<Raw>();
    keys::<Id>();
    keys::<Noop>();
    keys::<Idle>();
    keys::<Close>();
    keys::<Logout>();
    keys::<Unselect>();
    keys::<Created>();
    keys::<Enable>();
    keys::<GetAcl>();
    keys::<GetMetadata>();
    keys::<GetQuotaRoot>();
    keys::<Comparators>();
    keys::<Language>();
    keys::<SetAcl>();
    keys::<SetMetadata>();
    keys::<SetQuota>();
    keys::<SpecialUse>();
    ordered::<Date>();
    ordered::<Timestamp>();
    ordered::<SelectionId>();
    keys::<MailboxName>();
    keys::<Flag>();
    keys::<Flags>();
    keys::<Part>();
    keys::<UidSet>();
    keys::<SeqSet>();
    keys::<ErrorKind>();
    keys::<Sent>();
    keys::<ViewSync>();
    ordered::<Uid>();
    ordered::<Seq>();
    ordered::<ModSeq>();
    ordered::<UidValidity>();
    ordered::<CommandId>();
}

#[test]
fn flags_are_hashed_as_they_are_compared() {
    let flags = |names: [&str; 3]| names.map(Flag::new).into_iter().collect::<Flags>();
    let same = [flags([r"\Seen", "$Forwarded", "a"]), flags(["A", r"\SEEN", "$forwarded"])];
    assert_eq!(same[0], same[1]);
    assert_eq!(HashSet::from(same).len(), 1, "neither case nor order counts");
    assert_eq!(HashSet::from([Flag::new("$Junk"), Flag::new("$JUNK"), Flag::Seen]).len(), 2);
}

#[test]
fn collections_are_iterated_over() {
    let uids: UidSet = "1:3".parse().expect("a set");
    let mut sum = 0;
    for uid in &uids {
        sum += uid.get();
    }
    for uid in uids {
        sum += uid.get();
    }
    assert_eq!(sum, 12);
    let list = NumberList::from_iter([7, 6, 9]);
    let mut numbers = Vec::new();
    for number in &list {
        numbers.push(number);
    }
    assert_eq!(numbers, [7, 6, 9]);
    for node in &Threads::default() {
        assert_eq!(node.depth, 0);
    }
    for uid in &SearchResult::default() {
        sum += uid.get();
    }
    for uid in SearchResult::default() {
        sum += uid.get();
    }
    assert_eq!(sum, 12, "nothing was found");
    let mut names = Vec::new();
    for flag in &Flags::from_iter([Flag::Seen]) {
        names.push(flag.to_string());
    }
    for name in &Capabilities::from_iter(["IDLE"]) {
        names.push(name.to_owned());
    }
    assert_eq!(names, [r"\Seen", "IDLE"]);
}

fn seen(snapshot: &Snapshot) -> usize {
    let mut seen = 0;
    for message in snapshot {
        seen += usize::from(message.flags().is_some_and(|flags| flags.is_seen()));
    }
    seen
}

/// A snapshot is iterated over by reference.
#[test]
fn a_snapshot_is_iterated_over() {
    let _: fn(&Snapshot) -> usize = seen;
}
