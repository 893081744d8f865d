//! What deciding costs: a thousand files, judged by each policy, where nothing changed and where something did.
//!
//! `cargo bench -p linkdest-benches --bench policy`

// Comes with criterion's macro, and is seen by nobody.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use linkdest_core::{ChangePolicy, Checksum, Comparison, Metadata, Quick, Strict, Timestamp};

const FILES: u64 = 1000;

/// What happened to all files since the run before.
struct Case {
    name: &'static str,
    /// Moves the modification time.
    rewritten: i64,
    /// The manifest knows that nothing happened.
    untouched: bool,
    /// The manifest knows that something happened.
    touched: bool,
}

const CASES: [Case; 4] = [
    Case { name: "recorded as untouched", rewritten: 0, untouched: true, touched: false },
    Case { name: "older than the run", rewritten: 0, untouched: false, touched: false },
    Case { name: "change time moved", rewritten: 0, untouched: false, touched: true },
    Case { name: "rewritten", rewritten: 60, untouched: false, touched: true },
];

fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanos: 5 }
}

/// Files of the source and of the reference.
fn pairs(case: &Case) -> Vec<(Metadata, Metadata)> {
    let pair = |size| {
        let written = at(i64::try_from(size).unwrap_or_default());
        let reference = Metadata::file(size, written);
        let mut source = Metadata::file(size, at(written.seconds + case.rewritten));
        source.ctime = Some(source.mtime);
        (source, reference)
    };
    (0..FILES).map(pair).collect()
}

fn decide(criterion: &mut Criterion) {
    let policies: [&dyn ChangePolicy; 3] = [&Quick::default(), &Strict::default(), &Checksum::default()];
    for policy in policies {
        let mut group = criterion.benchmark_group(policy.name());
        group.throughput(Throughput::Elements(FILES));
        for case in &CASES {
            let pairs = pairs(case);
            let mut comparison = Comparison::new(1).started(at(1_000_000));
            (comparison.untouched, comparison.touched) = (case.untouched, case.touched);
            let judge = || {
                for (source, reference) in black_box(&pairs) {
                    black_box(policy.content(source, reference, &comparison));
                }
            };
            group.bench_function(case.name, |bencher| bencher.iter(judge));
        }
    }
}

criterion_group!(benches, decide);
criterion_main!(benches);
