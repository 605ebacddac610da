//! How fast the framer and the grammar are, in bytes received a second.
//!
//! ```text
//! cargo bench --bench wire                 all
//! cargo bench --bench wire -- parse/flags  one
//! ```
//!
//! `frame` cuts the bytes into responses, `parse` reads responses that are cut already, `both` is
//! what a connection does. The comparison with other crates, allocations and instructions are in
//! `benches/peers`.

#![allow(missing_docs, reason = "criterion's macros make public functions")]

mod recorded;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use imap_duplex::bench;

fn wire(criterion: &mut Criterion) {
    for work in recorded::works() {
        let mut group = criterion.benchmark_group(work.name);
        let frames = bench::frames(&work.bytes);
        assert_eq!(bench::parse(&work.bytes), work.rows, "all are read: else the figures would flatter");
        group.throughput(Throughput::Bytes(work.bytes.len() as u64));
        group.bench_function("frame", |b| b.iter(|| bench::frame(&work.bytes)));
        group.bench_function("parse", |b| b.iter(|| frames.parse()));
        group.bench_function("both", |b| b.iter(|| bench::parse(&work.bytes)));
        group.finish();
    }
}

criterion_group!(benches, wire);
criterion_main!(benches);
