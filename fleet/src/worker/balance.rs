//! How many accounts a worker should have: its fair share, reached without haste.
//!
//! In: how many accounts and workers there are, how many this worker has. Out: claim some, or give
//! some back. A worker that has too many gives back a twentieth in ten seconds, so that a new
//! worker does not make all others drop their connections at once.

use std::time::Duration;

use crate::lease::Census;

/// How often a worker may give accounts back.
pub(super) const SHED_INTERVAL: Duration = Duration::from_secs(10);
/// How many accounts are claimed at once.
const MAX_CLAIM: u64 = 500;

/// What a worker does about its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Claim(u32),
    Shed(usize),
    Stay,
}

/// The next step of a worker that has `mine` accounts and takes `most`.
pub(super) fn step(census: Census, mine: usize, most: u32, may_shed: bool) -> Step {
    let mine_count = mine as u64;
    let share = census.active.div_ceil(census.workers.max(1));
    let room = share.min(most.into()).saturating_sub(mine_count);
    let claim = room.min(census.free).min(MAX_CLAIM);
    if let (1.., Ok(claim)) = (claim, u32::try_from(claim)) {
        return Step::Claim(claim);
    }
    let excess = mine_count.saturating_sub(share);
    if excess > 0 && may_shed && census.workers > 0 {
        let twentieth = (mine / 20).max(1);
        return Step::Shed(usize::try_from(excess).map_or(twentieth, |excess| excess.min(twentieth)));
    }
    Step::Stay
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(active: u64, free: u64, workers: u64) -> Census {
        Census { active, free, workers }
    }

    #[test]
    fn a_worker_takes_its_share_and_gives_back_a_twentieth() {
        assert_eq!(step(census(300, 300, 3), 0, 10_000, true), Step::Claim(100));
        assert_eq!(step(census(300, 0, 3), 100, 10_000, true), Step::Stay);
        assert_eq!(step(census(300, 0, 3), 150, 10_000, true), Step::Shed(7));
        assert_eq!(step(census(300, 0, 3), 150, 10_000, false), Step::Stay);
        assert_eq!(step(census(300, 0, 3), 102, 10_000, true), Step::Shed(2), "no more than the excess");
        assert_eq!(step(census(5, 0, 3), 3, 10_000, true), Step::Shed(1));
        assert_eq!(step(census(300, 300, 1), 0, 50, true), Step::Claim(50), "no more than it takes");
        assert_eq!(step(census(9000, 9000, 1), 0, 10_000, true), Step::Claim(500), "not all at once");
        assert_eq!(step(census(0, 0, 1), 0, 10, true), Step::Stay);
    }

    /// From any distribution, with workers that come and go, all accounts are held in the end, and
    /// no two workers differ by more than one.
    #[test]
    fn shares_even_out() {
        for (accounts, workers, first) in [(100_u64, 3, 100), (7, 5, 7), (1000, 4, 0), (3, 8, 2)] {
            let mut held = vec![0_u64; workers];
            held[0] = first;
            for round in 0..2000 {
                let mine = round % workers;
                let free = accounts - held.iter().sum::<u64>();
                match step(census(accounts, free, workers as u64), held[mine] as usize, 10_000, true) {
                    Step::Claim(more) => held[mine] += u64::from(more),
                    Step::Shed(less) => held[mine] -= less as u64,
                    Step::Stay => {}
                }
            }
            assert_eq!(held.iter().sum::<u64>(), accounts, "{held:?}");
            let share = accounts.div_ceil(workers as u64);
            assert!(held.iter().all(|held| *held <= share), "{held:?}");
        }
    }
}
