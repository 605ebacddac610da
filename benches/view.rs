//! How fast the view is with a million messages.
//!
//! ```text
//! cargo bench --bench view                    all, and the memory that a message takes
//! cargo bench --bench view -- view/remove_1m  one
//! ```
//!
//! `remove_1m`, `uid_to_seq_1m` and `snapshot_1m` are one operation an iteration; the others are a
//! whole job an iteration, as their names say. `seq_to_uid_1m` and similar ones are the same on a
//! mailbox of which a tenth was expunged, at random.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use imap_duplex::types::{Seq, Uid, UidSet};
use imap_duplex::view_bench::Mailbox;

const MILLION: u32 = 1_000_000;

/// The same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(n.max(1))).expect("below n")
    }

    fn seq(&mut self, mailbox: &Mailbox) -> Seq {
        Seq::new(self.below(mailbox.len()) + 1).expect("not zero")
    }
}

fn operations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("view");
    let mut random = Random(1);

    let mut mailbox = Mailbox::filled(MILLION);
    group.bench_function("remove_1m", |b| {
        b.iter(|| {
            if mailbox.len() < MILLION / 10 * 9 {
                // As many arrive as were expunged; this takes at most a thousandth of the time.
                mailbox.grow(MILLION - mailbox.len());
            }
            mailbox.expunge(random.seq(&mailbox))
        });
    });

    let mailbox = Mailbox::filled(MILLION);
    group.bench_function("uid_to_seq_1m", |b| {
        b.iter(|| mailbox.seq(Uid::new(random.below(MILLION) + 1).expect("not zero")));
    });
    group.bench_function("seq_to_uid_1m", |b| b.iter(|| mailbox.uid(random.seq(&mailbox))));
    group.bench_function("snapshot_1m", |b| b.iter(|| mailbox.snapshot()));
    let then = mailbox.snapshot();
    group.bench_function("unseen_count_1m", |b| b.iter(|| black_box(&then).unseen_count()));
    group.bench_function("uids_1m", |b| b.iter(|| then.uids()));
    group.bench_function("iterate_1m", |b| {
        b.iter(|| then.iter().filter(|known| known.uid().is_some()).count())
    });

    let mut mailbox = Mailbox::filled(MILLION);
    group.bench_function("flags_1m", |b| {
        let mut seen = false;
        b.iter(|| {
            seen = !seen;
            mailbox.flag(random.seq(&mailbox), seen);
        });
    });
    group.bench_function("flags_after_snapshot_1m", |b| {
        b.iter(|| {
            let then = mailbox.snapshot();
            mailbox.flag(random.seq(&mailbox), random.below(2) == 0);
            then
        });
    });
    group.bench_function("arrive_1m", |b| {
        b.iter(|| {
            mailbox.grow(1);
            if mailbox.len() > MILLION + MILLION / 10 {
                mailbox.vanished(&UidSet::all());
                mailbox.grow(MILLION);
            }
        });
    });
    group.finish();
}

fn jobs(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("view");
    group.sample_size(10);
    let mut random = Random(2);
    let mailbox = Mailbox::filled(MILLION);
    let kept = mailbox.snapshot();

    group.bench_function("build_1m", |b| b.iter_with_large_drop(|| Mailbox::unfilled(MILLION)));
    group.bench_function("build_and_fill_1m", |b| {
        b.iter_with_large_drop(|| {
            let mut mailbox = Mailbox::unfilled(MILLION);
            mailbox.fill();
            mailbox
        });
    });
    group.bench_function("expunge_100k_of_1m", |b| {
        b.iter_batched(
            || Mailbox::filled(MILLION),
            |mut mailbox| {
                (0..MILLION / 10).for_each(|_| assert!(mailbox.expunge(random.seq(&mailbox))));
                mailbox
            },
            BatchSize::PerIteration,
        );
    });
    let scattered: UidSet = (0..MILLION / 10).filter_map(|n| Uid::new(n * 11 + 1)).collect();
    group.bench_function("vanished_100k_of_1m", |b| {
        b.iter_batched(
            || Mailbox::filled(MILLION),
            |mut mailbox| {
                mailbox.vanished(&scattered);
                mailbox
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("vanished_all_1m", |b| {
        b.iter_batched(
            || Mailbox::filled(MILLION),
            |mut mailbox| mailbox.vanished(&UidSet::all()),
            BatchSize::PerIteration,
        );
    });
    let mut changing = Mailbox::filled(MILLION);
    group.bench_function("10k_snapshots_with_a_change_each", |b| {
        b.iter_with_large_drop(|| {
            let one = |_| {
                changing.flag(random.seq(&changing), random.below(2) == 0);
                changing.snapshot()
            };
            (0..10_000).map(one).collect::<Vec<_>>()
        });
    });
    let mut changed = mailbox;
    for n in 0..10 {
        match n % 3 {
            0 => assert!(changed.expunge(random.seq(&changed))),
            1 => changed.flag(random.seq(&changed), n == 1),
            _ => changed.grow(1),
        }
    }
    let changed = changed.snapshot();
    group.bench_function("diff_10_changes_1m", |b| b.iter(|| kept.diff(&changed)));
    group.finish();
}

/// Not a time: how much memory a message takes, by the sizes of the nodes.
#[expect(clippy::print_stderr, reason = "a figure for the person who runs it")]
fn memory(_: &mut Criterion) {
    let mut random = Random(3);
    let mut mailbox = Mailbox::filled(MILLION);
    let per = |mailbox: &Mailbox| mailbox.bytes() as f64 / f64::from(mailbox.len());
    eprintln!("view: {:.2} bytes a message, {MILLION} of them filled in", per(&mailbox));
    (0..MILLION / 10).for_each(|_| assert!(mailbox.expunge(random.seq(&mailbox))));
    eprintln!("view: {:.2} bytes a message after a tenth was expunged at random", per(&mailbox));
    mailbox = Mailbox::unfilled(0);
    (0..MILLION).for_each(|_| mailbox.grow(1));
    eprintln!("view: {:.2} bytes a message, come one by one", per(&mailbox));
}

criterion_group!(benches, memory, operations, jobs);
criterion_main!(benches);
