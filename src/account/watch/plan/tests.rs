//! Which mailbox is due, by tables.

use std::time::Duration;

use super::*;
use crate::types::{ModSeq, Uid};

const PACE: Pace =
    Pace { compared: Duration::from_secs(900), flags: true, uncounted: Duration::from_secs(60) };

fn look(plan: &mut Plan) -> Option<MailboxKey> {
    plan.next_look(PACE, Instant::now())
}

fn found(name: &str, id: Option<&str>, uid_next: u32) -> Found {
    let counts = Counts {
        uid_validity: UidValidity::new(7),
        uid_next: Uid::new(uid_next),
        messages: Some(uid_next - 1),
        ..Counts::default()
    };
    Found {
        name: name.into(),
        mailbox_id: id.map(str::to_owned),
        counts: Some(counts),
        before: Before::NotCompared,
    }
}

#[test]
fn a_mailbox_is_due_when_any_count_differs_and_only_then() {
    let mut plan = Plan::default();
    plan.sweep(vec![found("INBOX", None, 5)]);
    let key = look(&mut plan).expect("new");
    assert_eq!(look(&mut plan), None, "it is being looked into");
    plan.on_looked(&key, true);
    assert_eq!(plan.sweep(vec![found("INBOX", None, 5)]), []);
    assert_eq!(look(&mut plan), None, "nothing has changed");
    // A server that was restored from a backup counts backwards.
    for uid_next in [6, 3] {
        plan.sweep(vec![found("INBOX", None, uid_next)]);
        assert_eq!(look(&mut plan).as_ref(), Some(&key));
        plan.on_looked(&key, true);
    }
    // What changes while it is looked into is seen by the next sweep.
    plan.sweep(vec![found("INBOX", None, 9)]);
    look(&mut plan).expect("due");
    plan.sweep(vec![found("INBOX", None, 10)]);
    plan.on_looked(&key, true);
    assert!(look(&mut plan).is_some());
}

#[test]
fn a_look_that_fails_is_repeated_after_the_next_sweep() {
    let mut plan = Plan::default();
    plan.sweep(vec![found("INBOX", None, 5)]);
    let key = look(&mut plan).expect("new");
    for failing in [false, true, false] {
        plan.on_looked(&key, false);
        assert_eq!((plan.is_failing(&key), look(&mut plan)), (failing, None));
        plan.sweep(vec![found("INBOX", None, 5)]);
        assert_eq!(look(&mut plan).as_ref(), Some(&key));
    }
}

#[test]
fn a_rename_keeps_the_mailbox() {
    for id in [Some("M1"), None] {
        let mut plan = Plan::default();
        plan.sweep(vec![found("INBOX", Some("M0"), 2), found("Work", id, 5)]);
        let key = plan.key(&"Work".into()).cloned().expect("known");
        let differences = plan.sweep(vec![found("INBOX", Some("M0"), 2), found("Job", id, 5)]);
        assert_eq!(differences, [Difference::Renamed(key.clone(), "Work".into())]);
        assert_eq!(plan.name(&key), Some(&"Job".into()));
    }
}

#[test]
fn what_is_not_listed_is_gone_and_a_new_one_of_its_name_is_another() {
    let mut plan = Plan::default();
    plan.sweep(vec![found("Work", Some("M1"), 5)]);
    let differences = plan.sweep(vec![found("Work", Some("M2"), 5)]);
    assert_eq!(
        differences,
        [Difference::Deleted(MailboxKey::of_id("M1")), Difference::Created(MailboxKey::of_id("M2"))]
    );
    // Without MAILBOXID an empty mailbox is no renamed one.
    let mut plan = Plan::default();
    plan.sweep(vec![found("Empty", None, 1)]);
    let differences = plan.sweep(vec![found("Other", None, 1)]);
    assert!(matches!(&differences[..], [Difference::Deleted(_), Difference::Created(_)]), "{differences:?}");
}

#[test]
fn a_key_is_the_same_in_each_run_and_no_other_mailboxs() {
    let key = |plan: &Plan, name: &str| plan.key(&name.into()).cloned().expect("it is there");
    let (mut plan, mut other) = (Plan::default(), Plan::default());
    plan.sweep(vec![found("Work", None, 5), found("New", None, 9)]);
    // In another order, and one after the other.
    other.sweep(vec![found("New", None, 9)]);
    other.sweep(vec![found("New", None, 9), found("Work", None, 5)]);
    for name in ["Work", "New"] {
        assert_eq!(key(&plan, name), key(&other, name));
    }
    // Its name is another mailbox's now.
    let work = key(&plan, "Work");
    plan.sweep(vec![found("Job", None, 5), found("New", None, 9)]);
    plan.sweep(vec![found("Job", None, 5), found("New", None, 9), found("Work", None, 7)]);
    assert_eq!(key(&plan, "Job"), work);
    let again = key(&plan, "Work");
    assert_ne!(again, work);
    // One that is gone by the same listing is another one.
    let differences =
        plan.sweep(vec![found("New", None, 9), found("Work", None, 7), found("Work#1", None, 1)]);
    assert!(matches!(&differences[..], [Difference::Deleted(gone), Difference::Created(_)] if *gone == work));
    assert_ne!(key(&plan, "Work#1"), again);
}

/// Counts of a mailbox whose server keeps mod-sequences.
fn counted(name: &str, mod_seq: u64) -> Found {
    let mut found = found(name, Some(name), 5);
    found.counts = found.counts.map(|counts| Counts { highest_mod_seq: ModSeq::new(mod_seq), ..counts });
    found
}

#[test]
fn flags_that_no_count_shows_are_compared_now_and_then() {
    let (mut plan, start) = (Plan::default(), Instant::now());
    plan.sweep(vec![found("Plain", None, 5), counted("Counted", 7)]);
    let mut looked = Vec::new();
    for seconds in [0, 899, 900, 1799, 1800] {
        let now = start + Duration::from_secs(seconds);
        while let Some(key) = plan.next_look(PACE, now) {
            looked.push((seconds, plan.name(&key).expect("known").to_string()));
            plan.on_looked(&key, true);
        }
    }
    let expected = [(0, "Plain"), (0, "Counted"), (900, "Plain"), (1800, "Plain")];
    assert_eq!(looked, expected.map(|(seconds, name)| (seconds, name.to_owned())));
    assert_eq!(plan.next_due(PACE), Some(start + Duration::from_secs(2700)));
    let never = Pace { flags: false, ..PACE };
    assert_eq!(plan.next_due(never), None, "flags are not watched");
    let mut next = found("Plain", None, 5);
    next.counts = next.counts.map(|counts| Counts { uid_next: None, ..counts });
    plan.sweep(vec![next, counted("Counted", 7)]);
    let key = plan.next_look(never, start).expect("due");
    plan.on_looked(&key, true);
    assert_eq!(plan.next_due(never), Some(start + Duration::from_secs(900)), "no count shows all");
}

#[test]
fn a_mailbox_without_counts_is_looked_into_in_turn() {
    let (mut plan, start) = (Plan::default(), Instant::now());
    for seconds in [0, 60, 120] {
        plan.sweep(vec![Found { counts: None, ..found("Dumb", None, 5) }]);
        let now = start + Duration::from_secs(seconds);
        let key = plan.next_look(PACE, now).expect("due");
        plan.on_looked(&key, true);
        assert_eq!(plan.next_look(PACE, now), None);
    }
}

#[test]
fn what_notify_reports_is_due_at_once_and_what_it_does_not_is_missed() {
    let mut plan = Plan::default();
    plan.sweep(vec![counted("Work", 7)]);
    let key = look(&mut plan).expect("new");
    // While it is looked into, too.
    assert!(plan.on_report(&"Work".into()) && !plan.on_report(&"Nowhere".into()));
    plan.on_looked(&key, true);
    assert_eq!(look(&mut plan), Some(key.clone()));
    plan.on_looked(&key, true);
    plan.sweep(vec![counted("Work", 8)]);
    assert!(!plan.has_missed(), "it was reported");
    plan.sweep(vec![counted("Work", 9)]);
    assert!(plan.has_missed());
}

#[test]
fn what_has_not_changed_since_an_earlier_run_is_not_looked_into() {
    let known = counted("Work", 7).counts.expect("counts");
    // A UIDNEXT that is not that of before is a reason, whatever the mod-sequence says.
    for (mod_seq, uid_next, expected) in [(7, 5, false), (8, 5, true), (7, 6, true), (6, 5, true)] {
        let mut plan = Plan::default();
        let before = Counts { unseen: None, ..known.clone() };
        plan.know(MailboxKey::of_id("Work"), "Work".into(), before);
        let mut now = counted("Work", mod_seq);
        now.counts = now.counts.map(|counts| Counts { uid_next: Uid::new(uid_next), ..counts });
        plan.sweep(vec![now]);
        assert_eq!(look(&mut plan).is_some(), expected, "{mod_seq} {uid_next}");
    }
}

#[test]
fn names_are_free_before_others_get_them() {
    let mut plan = Plan::default();
    let name_of = |difference: &Difference| match difference {
        Difference::Created(key) => format!("+{key}"),
        Difference::Renamed(key, _) => format!("~{key}"),
        Difference::Deleted(key) => format!("-{key}"),
    };
    plan.sweep(vec![found("A", Some("1"), 2), found("B", Some("2"), 3), found("C", Some("3"), 4)]);
    let differences =
        plan.sweep(vec![found("B", Some("1"), 2), found("C", Some("2"), 3), found("A", Some("4"), 5)]);
    let order: Vec<_> = differences.iter().map(name_of).collect();
    assert_eq!(order, ["-id:3", "~id:2", "~id:1", "+id:4"]);
}

#[test]
fn messages_that_were_compared_decide_about_a_rename() {
    let mut plan = Plan::default();
    plan.sweep(vec![found("Work", None, 5)]);
    let key = plan.key(&"Work".into()).cloned().expect("known");
    let other = Found { before: Before::None, ..found("Job", None, 5) };
    let differences = plan.sweep(vec![other]);
    assert!(matches!(&differences[..], [Difference::Deleted(gone), _] if *gone == key), "{differences:?}");
    let job = plan.key(&"Job".into()).cloned().expect("known");
    // With mail that has arrived meanwhile.
    let same = Found { before: Before::Mailbox(job.clone()), ..found("Occupation", None, 9) };
    assert_eq!(plan.sweep(vec![same]), [Difference::Renamed(job, "Job".into())]);
}

#[test]
fn counts_that_are_refused_after_an_earlier_run_are_a_reason_to_look() {
    let mut plan = Plan::default();
    let known = counted("Work", 7).counts.expect("counts");
    plan.know(MailboxKey::of_id("Work"), "Work".into(), Counts { unseen: None, ..known });
    plan.sweep(vec![counted("Work", 7)]);
    assert_eq!((look(&mut plan), plan.behind()), (None, 0), "nothing has changed");
    plan.sweep(vec![Found { counts: None, ..counted("Work", 7) }]);
    assert_eq!(look(&mut plan), Some(MailboxKey::of_id("Work")));
}

#[test]
fn a_mailbox_that_changes_all_the_time_holds_up_no_other() {
    let mut plan = Plan::default();
    plan.sweep(["a", "b", "c"].into_iter().map(|name| counted(name, 7)).collect());
    let mut looked = Vec::new();
    for _ in 0..4 {
        let key = look(&mut plan).expect("due");
        plan.look_again(&key);
        looked.push(plan.name(&key).expect("known").to_string());
    }
    assert_eq!(looked, ["a", "b", "c", "a"]);
}

/// By a server that lists a name twice, or gives two mailboxes one identifier: none of them is left
/// out, and nothing differs as long as the listing is the same.
#[test]
fn a_listing_that_contradicts_itself_is_stable() {
    let mut plan = Plan::default();
    let twice = || vec![found("A", None, 5), found("A", None, 5), found("B", None, 7)];
    assert_eq!(plan.sweep(twice()).len(), 2);
    assert_eq!((plan.sweep(twice()), plan.len()), (vec![], 2));
    let mut plan = Plan::default();
    plan.sweep(vec![found("A", Some("M1"), 5)]);
    let one_id = || vec![found("A2", Some("M1"), 7), found("A", Some("M1"), 5)];
    let differences = plan.sweep(one_id());
    assert!(matches!(&differences[..], [Difference::Created(_)]), "{differences:?}");
    assert_eq!((plan.sweep(one_id()), plan.len()), (vec![], 2));
}

/// What is sure goes first: another mailbox that has got the name of a renamed one is no reason to
/// take it for that.
#[test]
fn a_name_that_is_left_to_another_mailbox_leaves_its_history_behind() {
    let mut plan = Plan::default();
    plan.sweep(vec![found("A", Some("M1"), 5)]);
    let differences = plan.sweep(vec![found("A", None, 2), found("C", Some("M1"), 5)]);
    let expected = Difference::Renamed(MailboxKey::of_id("M1"), "A".into());
    assert!(matches!(&differences[..], [first, Difference::Created(_)] if *first == expected));
    assert_eq!(plan.name(&MailboxKey::of_id("M1")), Some(&"C".into()));
}

/// A mod-sequence grows with each change: one that has not, though a count has, hides flags.
#[test]
fn mod_sequences_that_stand_still_are_not_believed() {
    let now = Instant::now();
    let mut plan = Plan::default();
    plan.begin(now);
    let with = |name, messages, mod_seq| {
        let mut found = counted(name, mod_seq);
        found.counts = found.counts.map(|counts| Counts { messages: Some(messages), ..counts });
        found
    };
    let looked = |plan: &mut Plan, now: Instant| {
        let mut names = Vec::new();
        while let Some(key) = plan.next_look(PACE, now) {
            names.push(key.to_string());
            plan.on_looked(&key, true);
        }
        names
    };
    plan.sweep(vec![with("A", 1, 7), with("B", 1, 7)]);
    looked(&mut plan, now);
    let day = now + Duration::from_secs(24 * 3600);
    assert_eq!(looked(&mut plan, day), Vec::<String>::new(), "its mod-sequences say all");
    // Once may be a server that was restored: only this one is compared.
    plan.sweep(vec![with("A", 2, 7), with("B", 1, 7)]);
    assert_eq!(looked(&mut plan, day), ["id:A"]);
    let later = day + Duration::from_secs(900);
    assert_eq!((plan.next_due(PACE), looked(&mut plan, later)), (Some(later), vec!["id:A".to_owned()]));
    let [a, b] = ["A", "B"].map(MailboxKey::of_id);
    assert!(plan.doubts_mod_seq(&a) && !plan.doubts_mod_seq(&b));
    // Where it is so again, it is of the server.
    plan.sweep(vec![with("A", 3, 7), with("B", 1, 7)]);
    assert_eq!(looked(&mut plan, later), ["id:A", "id:B"]);
    assert!(plan.doubts_mod_seq(&b));
    let again = later + Duration::from_secs(900);
    assert_eq!(looked(&mut plan, again), ["id:A", "id:B"]);
    // And not any more once it grows.
    plan.sweep(vec![with("A", 4, 8), with("B", 1, 7)]);
    assert_eq!(looked(&mut plan, again), ["id:A"]);
    assert_eq!(plan.next_due(PACE), None);
}
