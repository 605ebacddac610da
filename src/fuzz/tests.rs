//! The fuzz targets' bodies on the checked-in seeds and on damaged copies of them: with a stable
//! compiler, in little time.

use std::fs;
use std::path::{Path, PathBuf};

/// How many damaged copies of each seed are tried.
const COPIES: u32 = 200;

/// The seeds of a target, in a fixed order.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "seeds are missing in {}", folder.display());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("a seed"))).collect()
}

/// Runs a body on all seeds and their damaged copies, and names the seed that fails.
fn run(target: &str, body: fn(&[u8])) {
    for (path, seed) in seeds(target) {
        let on_panic = NameOnPanic(&path);
        body(&seed);
        let mut chance = Chance(seed.len() as u64 + 1);
        for _ in 0..COPIES {
            body(&damaged(&seed, &mut chance));
        }
        std::mem::forget(on_panic);
    }
}

/// Names the seed if the body panics.
struct NameOnPanic<'a>(&'a Path);

impl Drop for NameOnPanic<'_> {
    fn drop(&mut self) {
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!("it was the seed {}, or a damaged copy of it\n", self.0.display()),
        );
    }
}

/// Pseudo-random numbers, the same in each run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }
}

/// A copy with some bytes changed, removed, doubled, or replaced by significant ones.
fn damaged(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    const SIGNIFICANT: &[u8] = b"()[]{}\"\\ \r\n*+~0129,:<>%&\0\x80\xff";
    let mut copy = seed.to_vec();
    for _ in 0..=chance.below(4) {
        let (at, other) = (chance.below(copy.len()), chance.below(copy.len()));
        let (first, last) = (at.min(other), at.max(other).min(at.min(other) + 40));
        match chance.below(5) {
            0 => copy[at] = SIGNIFICANT[chance.below(SIGNIFICANT.len())],
            1 => copy.insert(at, SIGNIFICANT[chance.below(SIGNIFICANT.len())]),
            2 => drop(copy.drain(first..last)),
            3 => copy.truncate(at),
            _ => {
                let piece = copy[first..last].to_vec();
                drop(copy.splice(at..at, piece));
            }
        }
        if copy.is_empty() {
            break;
        }
    }
    copy
}

#[test]
fn framer() {
    run("framer", super::framer);
}

#[test]
fn response() {
    run("response", super::response);
}

#[test]
fn round_trip() {
    run("round_trip", super::round_trip);
}

#[test]
fn engine() {
    run("engine", super::engine);
}
