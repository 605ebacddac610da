//! Searches whose results are kept up to date: RFC 5267's dialogues, word for word.

use super::poll_once;
use super::script::{Script, resolved};
use crate::client::Select;
use crate::command::Search;
use crate::error::ErrorKind;
use crate::types::{Answer, Event, EventKind, ViewSync};

fn selected(capabilities: &str) -> (Script, crate::client::Mailbox) {
    let mut script = Script::new(capabilities, &[]);
    let select = Select::new("INBOX").view_sync(ViewSync::Off);
    let inbox = script.select(select, "SELECT INBOX", "* 3 EXISTS\n* OK [UIDVALIDITY 1]\nTAG OK done");
    (script, inbox)
}

fn next_change(script: &mut Script) -> Option<Event> {
    std::iter::from_fn(|| script.bench.event())
        .find(|event| matches!(&event.kind, EventKind::Data(Answer::ESearch(_))))
}

#[test]
fn changes_are_events_that_name_their_search() {
    let (mut script, inbox) = selected("ESEARCH CONTEXT=SEARCH");
    // RFC 5267 section 4.3.
    let mut search = inbox.submit(Search::deleted().returning().count().update());
    let id = search.id();
    let tag = script.expect("UID SEARCH RETURN (UPDATE COUNT) DELETED");
    script.say(&format!("* ESEARCH (TAG \"{tag}\") COUNT 74\n{tag} OK Search completed, will notify."));
    let found = poll_once(&mut search).expect("resolved").expect("found");
    assert_eq!((found.count, found.is_updated), (Some(74), true));
    script.say(&format!("* ESEARCH (TAG \"{tag}\") UID ADDTO (0 32768:32769)"));
    let event = next_change(&mut script).expect("a change");
    assert_eq!(event.cause, Some(id));
    let EventKind::Data(Answer::ESearch(change)) = &event.kind else { panic!("{event:?}") };
    let [change] = &change.changes[..] else { panic!("{change:?}") };
    assert!(change.added && change.numbers.to_string() == "32768:32769");
    // Beside another search in flight.
    let other = inbox.search(Search::unseen());
    let other_tag = script.expect("UID SEARCH RETURN (ALL) UNSEEN");
    script.say(&format!("* ESEARCH (TAG \"{tag}\") UID REMOVEFROM (0 32768)"));
    script.say(&format!("* ESEARCH (TAG \"{other_tag}\") UID ALL 5\n{other_tag} OK done"));
    assert_eq!(resolved(other).uids().to_string(), "5");
    let event = next_change(&mut script).expect("a change");
    assert_eq!(event.cause, Some(id));
    // RFC 5267 section 4.3.5.
    let cancel = inbox.cancel_updates(id);
    script.line(&format!("CANCELUPDATE \"{tag}\""), "TAG OK No further updates.");
    resolved(cancel);
    let mut again = inbox.cancel_updates(id);
    script.quiet();
    let error = poll_once(&mut again).expect("refused").expect_err("it has ended");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    script.say(&format!("* ESEARCH (TAG \"{tag}\") UID ADDTO (0 7)"));
    assert_eq!(next_change(&mut script).expect("data").cause, None);
}

#[test]
fn a_server_may_refuse_to_keep_a_result_up_to_date() {
    let (mut script, inbox) = selected("ESEARCH CONTEXT=SEARCH");
    let search = inbox.submit(Search::deleted().returning().count().update());
    let id = search.id();
    let tag = script.expect("UID SEARCH RETURN (UPDATE COUNT) DELETED");
    script.say(&format!(
        "* ESEARCH (TAG \"{tag}\") COUNT 74\n* NO [NOUPDATE \"{tag}\"] Too many contexts\n\
         {tag} OK Search completed, will not notify."
    ));
    let found = resolved(search);
    assert_eq!((found.count, found.is_updated), (Some(74), false));
    let mut cancel = inbox.cancel_updates(id);
    script.quiet();
    assert!(poll_once(&mut cancel).expect("refused").is_err());
}

#[test]
fn sorts_and_threads_wait_where_their_answers_have_no_name() {
    let (mut script, inbox) = selected("SORT THREAD=REFERENCES");
    let by = crate::command::SortKey::Size;
    let (first, second) = (inbox.sort(Search::all(), by), inbox.sort(Search::seen(), by));
    let first_tag = script.expect("UID SORT (SIZE) UTF-8 ALL");
    script.quiet();
    script.say(&format!("* SORT 3 1 2\n{first_tag} OK done"));
    assert_eq!(resolved(first).numbers.to_string(), "3,1:2");
    script.line("UID SORT (SIZE) UTF-8 SEEN", "* SORT 2\nTAG OK done");
    assert_eq!(resolved(second).numbers.to_string(), "2");

    let (mut script, inbox) = selected("SORT ESORT ESEARCH");
    let (first, second) = (inbox.sort(Search::all(), by), inbox.sort(Search::seen(), by));
    let first_tag = script.expect("UID SORT RETURN (ALL) (SIZE) UTF-8 ALL");
    let second_tag = script.expect("UID SORT RETURN (ALL) (SIZE) UTF-8 SEEN");
    script.say(&format!("* ESEARCH (TAG \"{second_tag}\") UID ALL 2\n{second_tag} OK done"));
    script.say(&format!("* ESEARCH (TAG \"{first_tag}\") UID ALL 3,1:2\n{first_tag} OK done"));
    assert_eq!(resolved(first).numbers.to_string(), "3,1:2");
    assert_eq!(resolved(second).numbers.to_string(), "2");
}
