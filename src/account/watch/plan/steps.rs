//! How much work the plan is: the number of times that any mailbox is looked at, which has to grow
//! with the number of mailboxes, not with its square.

use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::types::Uid;

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// A mailbox is looked at.
pub(super) fn count() {
    STEPS.set(STEPS.get() + 1);
}

const PACE: Pace =
    Pace { compared: Duration::from_secs(900), flags: true, uncounted: Duration::from_secs(60) };

/// The mailbox with this number as a server lists it under this name.
fn found(number: usize, name: usize, has_id: bool) -> Found {
    let counts = Counts {
        uid_validity: UidValidity::new(7),
        uid_next: Uid::new(u32::try_from(number).expect("few") + 2),
        messages: Some(1),
        ..Counts::default()
    };
    Found {
        name: format!("mailbox {name}").into(),
        mailbox_id: has_id.then(|| format!("M{number}")),
        counts: Some(counts),
        before: Before::NotCompared,
    }
}

/// Looks into all that is due, as the watch's task does: with a question for what is left after
/// each.
fn look_into_all(plan: &mut Plan, now: Instant) -> usize {
    let mut looks = 0;
    while let Some(key) = plan.next_look(PACE, now) {
        looks += 1;
        for _ in 0..3 {
            // What a look reports makes the task ask again.
            _ = (plan.next_due(PACE), plan.behind(), plan.key(&"INBOX".into()));
        }
        plan.on_looked(&key, true);
    }
    looks
}

/// How often a mailbox is looked at, for each of this many, in each of the things that may happen.
fn work(count: usize, has_id: bool) -> Vec<(&'static str, usize)> {
    let mut plan = Plan::default();
    let mut now = Instant::now();
    let mut steps = Vec::new();
    let mut measured =
        |what, differences: usize, plan: &mut Plan, run: &mut dyn FnMut(&mut Plan) -> usize| {
            STEPS.set(0);
            assert_eq!(run(plan), differences, "{what}");
            steps.push((what, STEPS.get() / count));
        };
    let list = |name: &dyn Fn(usize) -> usize| -> Vec<Found> {
        (0..count).map(|number| found(number, name(number), has_id)).collect()
    };
    let same = list(&|number| number);
    measured("all are new", count, &mut plan, &mut |plan| plan.sweep(same.clone()).len());
    measured("looks", count, &mut plan, &mut |plan| look_into_all(plan, now));
    measured("nothing differs", 0, &mut plan, &mut |plan| plan.sweep(same.clone()).len());
    measured("reports", count, &mut plan, &mut |plan| {
        same.iter().filter(|found| plan.on_report(&found.name)).count()
    });
    measured("looks again", count, &mut plan, &mut |plan| look_into_all(plan, now));
    now += PACE.compared;
    measured("flags", count, &mut plan, &mut |plan| look_into_all(plan, now));
    let other = list(&|number| number + count);
    measured("other names", count, &mut plan, &mut |plan| plan.sweep(other.clone()).len());
    let shifted = list(&|number| number + count + 1);
    // Without MAILBOXID a name that is there is that mailbox.
    let differences = if has_id { count } else { 2 };
    measured("the next one's name", differences, &mut plan, &mut |plan| plan.sweep(shifted.clone()).len());
    measured("all are gone", count, &mut plan, &mut |plan| plan.sweep(Vec::new()).len());
    steps
}

#[test]
fn the_work_for_each_mailbox_is_the_same_however_many_there_are() {
    for has_id in [true, false] {
        for count in [1_000, 10_000] {
            for (what, steps) in work(count, has_id) {
                assert!(steps <= 5, "{what}, {count} mailboxes: {steps} steps for each");
            }
        }
    }
}
