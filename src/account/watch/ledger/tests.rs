//! Records and identities of changes, by hand.

use super::*;
use crate::types::Flag;

/// A mailbox with message 1, which has no flags.
fn ledger() -> (Ledger, MailboxKey) {
    let mut state = MailboxState::new(UidValidity::new(7).expect("not zero"));
    state.uids = Uid::MIN.into();
    state.flags = vec![(Flags::new(), Uid::MIN.into())];
    let name = MailboxName::from("Work");
    let key = MailboxKey::of_name(&name, 0);
    let stored = StoredMailbox { state: Some(state), ..StoredMailbox::new(name) };
    (load(&key, Some(stored)), key)
}

/// As another run begins.
fn load(key: &MailboxKey, stored: Option<StoredMailbox>) -> Ledger {
    Ledger::load("zoe@example.org", stored.map(|stored| (key.clone(), stored)).into_iter().collect())
}

fn arrived(uid: u32) -> Delta {
    let uid = Uid::new(uid).expect("not zero");
    change(ChangeKind::Arrived { uid, flags: None, message: None })
}

fn in_step(ledger: &Ledger, key: &MailboxKey, mod_seq: Option<u64>) -> Delta {
    let state = ledger.head(key).and_then(|head| head.state.clone()).expect("it is known");
    Delta::InStep(MailboxState { highest_mod_seq: mod_seq.and_then(ModSeq::new), ..state }, None)
}

fn push(ledger: &mut Ledger, key: &MailboxKey, delta: Delta) -> Option<Change> {
    ledger.push(key, &"Work".into(), delta)
}

/// The record to store, if it has moved.
fn acknowledge(ledger: &mut Ledger, change: &Change) -> Option<Option<StoredMailbox>> {
    ledger.acknowledge(change.place()).then(|| ledger.acknowledged(&change.key).cloned())
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
    let stored = state(acknowledge(&mut ledger, &first)).expect("it has moved");
    assert_eq!(stored.uids.to_string(), "1:2");
    assert!(acknowledge(&mut ledger, &first).is_none(), "it was acknowledged");
    let stored = state(acknowledge(&mut ledger, &second)).expect("it has moved");
    assert_eq!((stored.uids.to_string().as_str(), stored.flags.len(), ledger.pending()), ("2", 0, 0));
    let gone = push(&mut ledger, &key, change(ChangeKind::Deleted)).expect("new");
    let stored = acknowledge(&mut ledger, &gone).flatten().expect("it is kept, since it may come back");
    assert!(stored.is_gone && stored.state.is_none());
    assert!(ledger.head(&key).is_none() && ledger.heads().next().is_none());
}

/// As one with a MAILBOXID does, or one to which the user subscribes once more.
#[test]
fn a_change_of_a_mailbox_that_was_gone_acknowledges_nothing_of_it_as_it_is_now() {
    let (mut ledger, key) = ledger();
    let before = push(&mut ledger, &key, flags(Flag::Seen)).expect("new");
    let gone = push(&mut ledger, &key, change(ChangeKind::Deleted)).expect("new");
    assert!(acknowledge(&mut ledger, &gone).is_some());
    push(&mut ledger, &key, change(ChangeKind::Created)).expect("new");
    assert_eq!((acknowledge(&mut ledger, &before), ledger.pending()), (None, 1));
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
    record = StoredMailbox::after(record, &gone);
    assert!(ledger.head(&key).is_none() && record.as_ref().is_some_and(|record| record.is_gone));
    assert_eq!(push(&mut ledger, &key, Delta::Begin(UidValidity::new(8).expect("not zero"))), None);
    let first = push(&mut ledger, &key, arrived(two, None)).expect("it is new");
    assert_eq!(StoredMailbox::after(record, &first).as_ref(), ledger.head(&key));
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
                stored = acknowledge(&mut ledger, &change).flatten();
            }
            let now = ledger.head(&key).and_then(|head| head.state.clone()).expect("it is known");
            push(&mut ledger, &key, Delta::InStep(now, None)).expect("it has changed");
        }
        let mut ledger = load(&key, stored);
        let again: Vec<_> = names[acknowledged..]
            .iter()
            .filter_map(|flag| push(&mut ledger, &key, flags(flag.clone())))
            .map(|change| change.id())
            .collect();
        assert_eq!(again, ids[acknowledged..], "{acknowledged} acknowledged");
    }
}

/// What a change is of an earlier life of its mailbox or message has another identity, and the same
/// when it is delivered again from what was acknowledged before any of it.
#[test]
fn what_comes_back_has_another_identity_than_before() {
    let run = |ledger: &mut Ledger, key: &MailboxKey, deltas: Vec<Delta>| -> Vec<String> {
        deltas.into_iter().filter_map(|delta| push(ledger, key, delta)).map(|change| change.id()).collect()
    };
    let expunged = || change(ChangeKind::Expunged { uid: Uid::MIN });
    let seven = UidValidity::new(7);
    let messages = || vec![arrived(1), flags(Flag::Seen), expunged()];
    let rows: [(&str, Vec<Delta>, usize); 4] = [
        ("a message", [vec![flags(Flag::Seen), expunged()], messages(), messages()].concat(), 8),
        (
            "a mailbox",
            [
                vec![
                    change(ChangeKind::Deleted),
                    change(ChangeKind::Created),
                    Delta::Begin(seven.expect("7")),
                ],
                messages(),
                vec![
                    change(ChangeKind::Deleted),
                    change(ChangeKind::Created),
                    Delta::Begin(seven.expect("7")),
                ],
                messages(),
            ]
            .concat(),
            10,
        ),
        (
            "a UIDVALIDITY",
            [
                vec![Delta::Reset(UidValidity::new(8))],
                messages(),
                vec![Delta::Reset(seven)],
                messages(),
                vec![Delta::Reset(UidValidity::new(8))],
                messages(),
            ]
            .concat(),
            12,
        ),
        (
            "a name",
            {
                let renamed = || change(ChangeKind::Renamed { from: "Job".into() });
                vec![renamed(), renamed()]
            },
            2,
        ),
    ];
    for (what, deltas, expected) in rows {
        let (mut ledger, key) = ledger();
        let stored = ledger.head(&key).cloned();
        let ids = run(&mut ledger, &key, deltas.clone());
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!((ids.len(), distinct.len()), (expected, expected), "{what}: {ids:?}");
        assert!(ids.iter().all(|id| id.starts_with("zoe@example.org/")), "{ids:?}");
        assert_eq!(run(&mut load(&key, stored), &key, deltas), ids, "{what}, in another run");
    }
}

/// A server that was restored counts the same mod-sequences once more, for other changes.
#[test]
fn mod_sequences_that_begin_again_are_others() {
    let (mut ledger, key) = ledger();
    let flags = |flag: Flag, mod_seq| {
        let kind = ChangeKind::FlagsChanged { uid: Uid::MIN, flags: flag.into() };
        Delta::Change(kind, ModSeq::new(mod_seq))
    };
    let before = push(&mut ledger, &key, flags(Flag::Seen, 6)).expect("new");
    let now = in_step(&ledger, &key, Some(6));
    let now = push(&mut ledger, &key, now).expect("it has changed");
    let stored = acknowledge(&mut ledger, &now).flatten();
    let after = |ledger: &mut Ledger| -> Vec<Change> {
        assert_eq!(push(ledger, &key, Delta::Rewound), None, "it is no change");
        let changes = [flags(Flag::Flagged, 5), flags(Flag::Seen, 6)];
        changes.into_iter().filter_map(|delta| push(ledger, &key, delta)).collect()
    };
    let changes = after(&mut ledger);
    assert!(changes.len() == 2 && changes.iter().all(|change| change.id() != before.id()), "{changes:?}");
    let ids = |changes: &[Change]| changes.iter().map(Change::id).collect::<Vec<_>>();
    assert_eq!(ids(&after(&mut load(&key, stored))), ids(&changes), "the same in another run");
    // What was acknowledged of it says so to the next run.
    let stored = acknowledge(&mut ledger, &changes[0]).flatten().expect("it has moved");
    assert_eq!((stored.resets, stored.state.and_then(|state| state.highest_mod_seq)), (1, None));
}

#[test]
fn a_change_of_an_earlier_run_acknowledges_nothing() {
    let (mut before, key) = ledger();
    push(&mut before, &key, flags(Flag::Seen)).expect("new");
    let second = push(&mut before, &key, flags(Flag::Flagged)).expect("new");
    let (mut now, _) = ledger();
    let mine = push(&mut now, &key, flags(Flag::Answered)).expect("new");
    assert!(before.has_delivered(second.place()) && now.has_delivered(mine.place()));
    assert!(!now.has_delivered(second.place()) && !before.has_delivered(mine.place()));
}

#[test]
fn of_mailboxes_that_are_gone_some_hundred_records_are_kept() {
    let (mut ledger, work) = ledger();
    let mut forgotten = 0;
    for number in 0..2000 {
        let name = MailboxName::from(format!("M{number}"));
        let key = MailboxKey::of_name(&name, 0);
        ledger.push(&key, &name, change(ChangeKind::Created)).expect("new");
        let gone = ledger.push(&key, &name, change(ChangeKind::Deleted)).expect("new");
        acknowledge(&mut ledger, &gone).expect("it has moved");
        forgotten += ledger.forget_gone().len();
    }
    assert!((1400..2000).contains(&forgotten), "{forgotten}");
    assert!(ledger.head(&work).is_some(), "it is there");
}

/// A program that acknowledges nothing holds two states of a mailbox, and the changes; and each of
/// its acknowledgements leads to what there was then.
#[test]
fn states_that_wait_do_not_add_up() {
    let run = |acknowledged: usize| {
        let (mut ledger, key) = ledger();
        let mut changes = Vec::new();
        for number in 2..30 {
            let change = push(&mut ledger, &key, arrived(number)).expect("new");
            changes.push((change, ledger.head(&key).and_then(|head| head.state.clone())));
            let now = in_step(&ledger, &key, Some(number.into()));
            let change = push(&mut ledger, &key, now).expect("it has changed");
            changes.push((change, ledger.head(&key).and_then(|head| head.state.clone())));
        }
        let entry = ledger.mailboxes.get(&key).expect("it is known");
        let states = entry.pending.iter().filter(|(_, delta)| matches!(delta, Delta::InStep(..))).count();
        assert_eq!((states, ledger.pending()), (2, 56));
        let (change, then) = &changes[acknowledged];
        let stored = acknowledge(&mut ledger, change).flatten().expect("it has moved");
        let (state, then) = (stored.state.expect("it is known"), then.clone().expect("it was known"));
        assert_eq!((&state.uids, stored.batch), (&then.uids, (acknowledged as u64).div_ceil(2)));
        assert!(state.highest_mod_seq <= then.highest_mod_seq, "no more than was delivered");
        stored.batch
    };
    assert_eq!((0..56).map(run).max(), Some(28));
}

/// Those that went last are kept, whatever they are called; and one of which something was not
/// acknowledged, which counts as long as that is so.
#[test]
fn of_mailboxes_that_are_gone_those_are_forgotten_that_went_first() {
    let mut ledger = Ledger::load("zoe@example.org", BTreeMap::new());
    let name = |number: usize| MailboxName::from(format!("Mailbox {number:04}"));
    let key = |number: usize| MailboxKey::of_name(&name(number), 0);
    let go = |ledger: &mut Ledger, number: usize| {
        let gone = ledger.push(&key(number), &name(number), change(ChangeKind::Deleted)).expect("new");
        acknowledge(ledger, &gone).expect("it has moved");
        gone
    };
    // In the order of their names backwards, so that the last names go first.
    let all = MAX_GONE + 1;
    (1..=all).rev().for_each(|number| _ = go(&mut ledger, number));
    let mut again = Vec::new();
    for kind in [ChangeKind::Created, ChangeKind::Deleted] {
        again.extend(ledger.push(&key(all), &name(all), change(kind)));
    }
    assert_eq!(ledger.pending(), 2);
    go(&mut ledger, 0);
    let forgotten = ledger.forget_gone();
    assert!(!forgotten.contains(&key(all)) && !forgotten.contains(&key(0)));
    let expected: Vec<_> = (1..all).rev().take(forgotten.len()).map(key).collect();
    assert_eq!((forgotten, all / 4), (expected.clone(), expected.len()));
    acknowledge(&mut ledger, again.last().expect("two")).expect("it has moved");
    assert_eq!(ledger.pending(), 0);
}
