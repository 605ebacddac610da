//! Which pieces of a body to ask for, and what an answer means.
//!
//! In: how many pieces are in flight, what the server answered to the oldest, how long that took.
//! Out: the next window to ask for; the bytes to hand out, and whether the body ends there.
//!
//! ```text
//!   ask ─> in flight (two, then three) ─> answered ── full ────────────────────────> hand out, go on
//!                                            ├────── short, or nothing ────────────> hand out, end
//!                                            ├────── short, yet more lies behind ──> ask again from there
//!                                            └────── longer than asked ────────────> hand out, ask again behind it
//! ```

use std::time::Duration;

use bytes::Bytes;

use crate::error::{Error, Result};

/// The first window's length, in bytes.
pub(super) const FIRST: u32 = 64 << 10;
/// The longest window where the server is near.
const NEAR: u32 = 256 << 10;
/// The longest window where it is far.
pub(super) const MAX_WINDOW: u32 = 1 << 20;
/// What is far: so long takes the quickest answer.
const FAR: Duration = Duration::from_millis(5);
/// How many windows are in flight once the body is known to be longer than one.
const IN_FLIGHT: usize = 3;

/// A piece that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Where it begins, in bytes from the section's beginning.
    pub(super) at: u64,
    /// How many bytes at most.
    pub(super) length: u32,
}

/// What the server answered.
#[derive(Debug)]
pub(super) struct Piece {
    /// Where it begins, if the server says.
    pub(super) origin: Option<u64>,
    /// Its bytes; `None` for NIL.
    pub(super) data: Option<Bytes>,
}

/// What follows from an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// What can be handed out, which may be nothing.
    pub(super) bytes: Bytes,
    pub(super) then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    GoOn,
    /// What is in flight is of no use.
    AskAgain,
    End,
}

/// The state of reading one body.
#[derive(Debug)]
pub(super) struct Windows {
    /// Where the next window begins.
    next: u64,
    length: u32,
    longest: u32,
    /// How long the body is, by what the user knows.
    expected: Option<u64>,
    /// Whether a window came back full.
    is_longer: bool,
    /// Where a short window ended: the body's end, unless more lies behind it.
    short: Option<Window>,
    quickest: Option<Duration>,
}

impl Windows {
    /// From this offset on. `most`: the longest literal that the connection's limits allow.
    pub(super) fn new(from: u64, expected: Option<u64>, most: usize) -> Self {
        // One byte is kept back for the window that is made a byte longer.
        let longest = u32::try_from(most.saturating_sub(1)).unwrap_or(MAX_WINDOW).clamp(1, MAX_WINDOW);
        Self {
            next: from,
            length: FIRST.min(longest),
            longest,
            expected,
            is_longer: false,
            short: None,
            quickest: None,
        }
    }

    /// The next window to ask for, if one is due.
    pub(super) fn ask(&mut self, in_flight: usize) -> Option<Window> {
        if in_flight > 0 {
            let room = if self.is_longer { IN_FLIGHT } else { 2 };
            let is_behind = self.expected.is_some_and(|size| self.next >= size);
            if self.short.is_some() || in_flight >= room || is_behind {
                return None;
            }
        }
        if let Some(short) = self.short {
            self.next = short.at.saturating_add(short.length.into());
        }
        let mut length = self.length;
        // A full window would have to be followed by an empty one.
        if self.expected == self.next.checked_add(length.into()) {
            length += 1;
        }
        let window = Window { at: self.next, length };
        self.next = self.next.saturating_add(length.into());
        Some(window)
    }

    /// What this answer to the oldest window means. `behind`: how many windows are in flight behind
    /// it.
    pub(super) fn answered(&mut self, window: Window, piece: Piece, behind: usize) -> Result<Step> {
        let Window { at, length } = window;
        let data = match piece.data {
            Some(data) => data,
            // Behind the end some servers have NIL for an empty string.
            None if at > 0 => Bytes::new(),
            None => return Err(Error::protocol("the message has no such section: the server sent NIL")),
        };
        if data.is_empty() {
            let then = if self.is_short_of_expected(at) { Then::GoOn } else { Then::End };
            return Ok(Step { bytes: data, then });
        }
        match piece.origin {
            Some(origin) if origin == at => {}
            // The server took no notice of the window and sent all there is.
            None if at == 0 && data.len() as u64 > length.into() => {
                return Ok(Step { bytes: data, then: Then::End });
            }
            None if at == 0 => {}
            Some(origin) => {
                let reason =
                    format!("the server sent the bytes from {origin} on in place of those from {at}");
                return Err(Error::protocol(reason));
            }
            None => return Err(Error::protocol("the server does not say which bytes of the body it sent")),
        }
        self.sorted(window, data, behind)
    }

    /// Whether a window ended before the body should, and nothing was asked of its end yet: at `at`
    /// there is nothing.
    fn is_short_of_expected(&self, at: u64) -> bool {
        let Some(end) = self.short.map(|short| short.at.saturating_add(short.length.into())) else {
            return false;
        };
        at != end && self.expected.is_some_and(|size| end < size)
    }

    /// The same for bytes that begin where they should.
    fn sorted(&mut self, window: Window, data: Bytes, behind: usize) -> Result<Step> {
        let Window { at, length } = window;
        let count = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let end = at.saturating_add(count.into());
        if let Some(short) = self.short.take() {
            // The server sends less at once than it is asked for.
            self.longest = short.length.max(1);
            self.length = self.longest;
            self.expected = None;
            let short_end = short.at.saturating_add(short.length.into());
            if at != short_end {
                self.next = short_end;
                return Ok(Step { bytes: Bytes::new(), then: Then::AskAgain });
            }
        }
        if count < length {
            self.short = Some(Window { at, length: count });
            let is_all = behind == 0 && self.expected.is_none_or(|size| end >= size);
            return Ok(Step { bytes: data, then: if is_all { Then::End } else { Then::GoOn } });
        }
        self.is_longer = true;
        if self.expected.is_some_and(|size| end >= size) {
            // It is longer than was known.
            self.expected = None;
        }
        let then = if count > length { Then::AskAgain } else { Then::GoOn };
        if count > length {
            self.next = end;
        }
        Ok(Step { bytes: data, then })
    }

    /// A window that the reader waited for came back after this time. While that is no more than
    /// twice what the quickest one took, the line is not full, and longer windows come faster.
    pub(super) fn took(&mut self, time: Duration) {
        let quickest = self.quickest.map_or(time, |known| known.min(time));
        self.quickest = Some(quickest);
        let longest = if quickest < FAR { NEAR } else { MAX_WINDOW }.min(self.longest);
        if time <= quickest.saturating_mul(2) && self.length < longest {
            self.length = self.length.saturating_mul(2).min(longest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const MOST: usize = 64 << 20;

    fn piece(origin: impl Into<Option<u64>>, count: usize) -> Piece {
        Piece { origin: origin.into(), data: Some(vec![b'x'; count].into()) }
    }

    /// Reads a body of `size` bytes from a server that sends at most `cut` at once: what was handed
    /// out, and how many windows it took.
    fn read(windows: &mut Windows, from: u64, size: u64, cut: u64) -> (u64, usize) {
        let (mut in_flight, mut read, mut asked) = (std::collections::VecDeque::new(), 0, 0);
        loop {
            while let Some(window) = windows.ask(in_flight.len()) {
                in_flight.push_back(window);
                asked += 1;
            }
            let Window { at, length } = in_flight.pop_front().expect("one is in flight until the end");
            let count = size.saturating_sub(at).min(length.into()).min(cut);
            let answer = piece(at, usize::try_from(count).unwrap());
            let step = windows.answered(Window { at, length }, answer, in_flight.len()).unwrap();
            if !step.bytes.is_empty() {
                assert_eq!(at, from + read, "nothing is handed out twice or left out");
            }
            read += step.bytes.len() as u64;
            match step.then {
                Then::GoOn => {}
                Then::AskAgain => in_flight.clear(),
                Then::End => return (read, asked),
            }
        }
    }

    #[test]
    fn a_body_of_any_length_is_read_whole_whatever_is_known_of_its_size() {
        let first = u64::from(FIRST);
        for size in [0, 1, first - 1, first, first + 1, 2 * first, 3 * first, 10 * first, 10 * first + 7] {
            for expected in
                [None, Some(0), Some(size / 2), Some(size), Some(size + 1), Some(size + 5 * first)]
            {
                for cut in [u64::MAX, 40_000] {
                    for from in [0, size / 3] {
                        // That a server sends less than it is asked for must be seen: by the
                        // size, or because more lies behind the first window.
                        let is_seen = expected.map_or(size - from > first, |expected| expected >= size);
                        if cut < first && !is_seen {
                            continue;
                        }
                        let mut windows = Windows::new(from, expected, MOST);
                        let (read, _) = read(&mut windows, from, size, cut);
                        assert_eq!(read, size - from, "{size} from {from}, expected {expected:?}, cut {cut}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_known_size_costs_no_window_too_many() {
        let first = u64::from(FIRST);
        for (size, windows) in [(0, 1), (10, 1), (first, 1), (first + 1, 2), (2 * first, 2), (3 * first, 3)] {
            assert_eq!(read(&mut Windows::new(0, Some(size), MOST), 0, size, u64::MAX), (size, windows));
        }
        // Unknown: one behind the end.
        assert_eq!(read(&mut Windows::new(0, None, MOST), 0, 10, u64::MAX), (10, 2));
    }

    #[test]
    fn no_window_is_longer_than_a_literal_may_be() {
        for most in [0, 1, 2, 1000, MOST] {
            for expected in [None, Some(999), Some(u64::from(FIRST))] {
                let mut windows = Windows::new(0, expected, most);
                for _ in 0..50 {
                    let window = windows.ask(0).unwrap();
                    assert!((1..=MAX_WINDOW as usize + 1).contains(&(window.length as usize)));
                    assert!(most < 2 || window.length as usize <= most, "{window:?} of {most}");
                    windows.took(FAR);
                }
            }
        }
    }

    #[test]
    fn windows_grow_with_the_round_trip_up_to_a_bound() {
        let grown = |times: &[u64]| {
            let mut windows = Windows::new(0, None, MOST);
            times.iter().for_each(|ms| windows.took(Duration::from_millis(*ms)));
            windows.ask(0).unwrap().length
        };
        assert_eq!(grown(&[0; 20]), NEAR);
        assert_eq!(grown(&[50; 20]), MAX_WINDOW);
        // The line is full: longer windows only take longer.
        assert_eq!(grown(&[50, 101, 200, 400]), 2 * FIRST);
    }

    #[test]
    fn a_server_that_ignores_the_window_has_sent_everything() {
        let mut windows = Windows::new(0, None, MOST);
        let window = windows.ask(0).unwrap();
        let step = windows.answered(window, piece(None, FIRST as usize + 1), 1).unwrap();
        assert_eq!((step.bytes.len(), step.then), (FIRST as usize + 1, Then::End));
        // One that ignores the length alone.
        let mut windows = Windows::new(0, None, MOST);
        let window = windows.ask(0).unwrap();
        let step = windows.answered(window, piece(0, 100_000), 1).unwrap();
        assert_eq!((step.bytes.len(), step.then), (100_000, Then::AskAgain));
        assert_eq!(windows.ask(0).unwrap().at, 100_000);
    }

    #[test]
    fn bytes_from_elsewhere_are_an_error() {
        let windows = || Windows::new(FIRST.into(), None, MOST);
        let answered = |answer| {
            let mut windows = windows();
            let window = windows.ask(0).unwrap();
            windows.answered(window, answer, 0)
        };
        for answer in [piece(None, 5), piece(0, 5), piece(1, FIRST as usize)] {
            assert_eq!(answered(answer).unwrap_err().kind(), ErrorKind::Protocol);
        }
        assert_eq!(answered(piece(0, 0)).unwrap().then, Then::End);
        assert_eq!(answered(Piece { origin: None, data: None }).unwrap().then, Then::End);
        let mut windows = Windows::new(0, None, MOST);
        let window = windows.ask(0).unwrap();
        let nil = windows.answered(window, Piece { origin: Some(0), data: None }, 1).unwrap_err();
        assert!(nil.to_string().contains("no such section"), "{nil}");
    }

    #[test]
    fn offsets_have_64_bits() {
        let mut windows = Windows::new(u64::MAX - 10, Some(u64::MAX), MOST);
        let window = windows.ask(0).unwrap();
        assert_eq!(window.at, u64::MAX - 10);
        assert_eq!(windows.answered(window, piece(window.at, 10), 0).unwrap().then, Then::End);
    }
}
