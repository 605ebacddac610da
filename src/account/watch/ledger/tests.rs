//! Records and identities of changes, by hand.

use super::*;
use crate::types::Flag;

/// A mailbox with message 1, which has no flags.
fn ledger() -> (Ledger, MailboxKey) {
    let mut state = MailboxState::new(UidValidity::new(7).expect("not zero"));
    state.uids = Uid::MIN.into();
    state.flags = vec![(Flags::new(), Uid::MIN.into())];
    let (key, name) = (MailboxKey::numbered(1), MailboxName::from("Work"));
    let stored = StoredMailbox { state: Some(state), ..StoredMailbox::new(name) };
    (Ledger::load([(key.clone(), stored)].into()), key)
}

fn push(ledger: &mut Ledger, key: &MailboxKey, delta: Delta) -> Option<Change> {
    ledger.push(key, &"Work".into(), delta)
}

fn change(kind: ChangeKind) -> Delta {
    Delta::Change(kind, None)
}

fn flags(flags: impl Into<Flags>) -> Delta {
    change(ChangeKind::FlagsChanged { uid: Uid::MIN, flags: flags.into() })
}

fn state(stored: Option<Option<StoredMailbox>>) -> Option<MailboxState> {
    stored.flatten().and_then(|stored| stored.state)
}

#[test]
fn what_is_acknowledged_is_in_the_record_and_nothing_else() {
    let (mut ledger, key) = ledger();
    let message = Some(Box::default());
    let arrived = |uid| change(ChangeKind::Arrived { uid, flags: None, message: message.clone() });
    let two = Uid::new(2).expect("not zero");
    let first = push(&mut ledger, &key, arrived(two)).expect("new");
    assert!(matches!(first.kind, ChangeKind::Arrived { message: Some(_), .. }));
    let second = push(&mut ledger, &key, change(ChangeKind::Expunged { uid: Uid::MIN })).expect("new");
    assert_eq!(push(&mut ledger, &key, arrived(two)), None, "it is known");
    assert_eq!(ledger.pending(), 2);
    let stored = state(ledger.acknowledge(&first)).expect("it has moved");
    assert_eq!(stored.uids.to_string(), "1:2");
    assert!(ledger.acknowledge(&first).is_none(), "it was acknowledged");
    let stored = state(ledger.acknowledge(&second)).expect("it has moved");
    assert_eq!((stored.uids.to_string().as_str(), stored.flags.len(), ledger.pending()), ("2", 0, 0));
    let gone = push(&mut ledger, &key, change(ChangeKind::Deleted)).expect("new");
    assert_eq!(ledger.acknowledge(&gone), Some(None));
    assert!(ledger.is_empty());
}

/// As one with a MAILBOXID does, or one to which the user subscribes once more.
#[test]
fn a_change_of_a_mailbox_that_was_gone_acknowledges_nothing_of_it_as_it_is_now() {
    let (mut ledger, key) = ledger();
    let before = push(&mut ledger, &key, flags(Flag::Seen)).expect("new");
    let gone = push(&mut ledger, &key, change(ChangeKind::Deleted)).expect("new");
    assert_eq!(ledger.acknowledge(&gone), Some(None));
    push(&mut ledger, &key, change(ChangeKind::Created)).expect("new");
    assert_eq!((ledger.acknowledge(&before), ledger.pending()), (None, 1));
}

/// Flags may be reported of a message before it is known to be there, and of one that is not
/// delivered yet. Were they delivered, its end would not be: as far as the state goes, it was
/// never there.
#[test]
fn flags_of_a_message_that_has_not_arrived_are_no_change() {
    let (mut ledger, key) = ledger();
    let two = Uid::new(2).expect("not zero");
    let flagged = || change(ChangeKind::FlagsChanged { uid: two, flags: Flag::Flagged.into() });
    assert_eq!(push(&mut ledger, &key, flagged()), None);
    assert_eq!(push(&mut ledger, &key, change(ChangeKind::Expunged { uid: two })), None);
    let before = ledger.head(&key).and_then(|head| head.state.clone()).expect("it is known");
    let mut state = before.clone();
    apply_to_state(&mut state, &ChangeKind::FlagsChanged { uid: two, flags: Flag::Flagged.into() });
    assert_eq!(state, before);
    assert!(
        push(&mut ledger, &key, change(ChangeKind::Arrived { uid: two, flags: None, message: None }))
            .is_some()
    );
    assert!(push(&mut ledger, &key, flagged()).is_some());
}

/// A program that has kept what was delivered, and not what was acknowledged, comes to the same
/// records.
#[test]
fn records_follow_from_the_changes_alone() {
    let (mut ledger, key) = ledger();
    let mut record = ledger.head(&key).cloned();
    let two = Uid::new(2).expect("not zero");
    let arrived = |uid, flags| change(ChangeKind::Arrived { uid, flags, message: None });
    let deltas = [
        arrived(two, Some(Flag::Seen.into())),
        flags(Flag::Flagged),
        flags(Flags::new()),
        Delta::Change(ChangeKind::FlagsChanged { uid: two, flags: Flags::new() }, ModSeq::new(5)),
        change(ChangeKind::Expunged { uid: two }),
        Delta::Reset(UidValidity::new(8)),
        arrived(two, None),
    ];
    for delta in deltas {
        let change = push(&mut ledger, &key, delta).expect("it is new");
        record = StoredMailbox::after(record, &change);
        assert_eq!(record.as_ref(), ledger.head(&key), "after {change}");
    }
    let gone = push(&mut ledger, &key, change(ChangeKind::Deleted)).expect("it is new");
    assert_eq!(StoredMailbox::after(record, &gone), None);
    assert_eq!(push(&mut ledger, &key, Delta::Begin(UidValidity::new(8).expect("not zero"))), None);
    let first = push(&mut ledger, &key, arrived(two, None)).expect("it is new");
    assert_eq!(StoredMailbox::after(None, &first).as_ref(), ledger.head(&key));
}

/// Without mod-sequences as well: flags that are set, cleared and set again are three changes.
#[test]
fn each_change_has_an_identity_that_stays() {
    let changes = || {
        let (mut ledger, key) = ledger();
        let deltas = [flags(Flag::Seen), flags(Flags::new()), flags(Flag::Seen)];
        let changes: Vec<_> = deltas.into_iter().filter_map(|delta| push(&mut ledger, &key, delta)).collect();
        let now = ledger.head(&key).and_then(|head| head.state.clone()).expect("it is known");
        let in_step = push(&mut ledger, &key, Delta::InStep(now.clone(), None)).expect("it has changed");
        assert_eq!(push(&mut ledger, &key, Delta::InStep(now, None)), None, "nothing has changed since");
        let later = [flags(Flags::new()), flags(Flag::Seen)].map(|delta| push(&mut ledger, &key, delta));
        let all = changes.into_iter().chain([in_step]).chain(later.into_iter().flatten());
        all.map(|change| change.id()).collect()
    };
    let ids: Vec<String> = changes();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (6, 6), "{ids:?}");
    assert_eq!(ids, changes(), "the same in another run");
}

/// Without mod-sequences, wherever the program ended between its acknowledgements, and though a
/// mailbox was in step meanwhile.
#[test]
fn an_identity_is_the_same_when_the_change_is_delivered_again() {
    let names = [Flag::Seen, Flag::Flagged, Flag::Answered, Flag::Draft];
    for acknowledged in 0..=names.len() {
        let (mut ledger, key) = ledger();
        let mut ids = Vec::new();
        let mut stored = ledger.head(&key).cloned();
        for (at, flag) in names.iter().enumerate() {
            let change = push(&mut ledger, &key, flags(flag.clone())).expect("new");
            ids.push(change.id());
            if at < acknowledged {
                stored = ledger.acknowledge(&change).flatten();
            }
            let now = ledger.head(&key).and_then(|head| head.state.clone()).expect("it is known");
            push(&mut ledger, &key, Delta::InStep(now, None)).expect("it has changed");
        }
        let mut ledger = Ledger::load(stored.map(|stored| (key.clone(), stored)).into_iter().collect());
        let again: Vec<_> = names[acknowledged..]
            .iter()
            .filter_map(|flag| push(&mut ledger, &key, flags(flag.clone())))
            .map(|change| change.id())
            .collect();
        assert_eq!(again, ids[acknowledged..], "{acknowledged} acknowledged");
    }
}
