//! What a connection has done so far, in numbers.
//!
//! In: from the driver, what it moves. Out: to any task, the numbers as they are. Each is written
//! by the driver alone, and none depends on another, so that none needs a lock.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The numbers of one connection.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    received: AtomicU64,
    sent: AtomicU64,
    responses: AtomicU64,
    commands: AtomicU64,
    /// Of what is compressed: the bytes of IMAP, and those on the line.
    compressed: [AtomicU64; 2],
    waiting: AtomicUsize,
    in_flight: AtomicUsize,
    unwritten: AtomicUsize,
}

fn add(to: &AtomicU64, count: usize) {
    to.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn on_received(&self, bytes: usize) {
        add(&self.received, bytes);
    }

    pub(crate) fn on_sent(&self, bytes: usize) {
        add(&self.sent, bytes);
    }

    pub(crate) fn on_response(&self) {
        add(&self.responses, 1);
    }

    /// A command goes out, for the first time.
    pub(crate) fn on_command(&self) {
        add(&self.commands, 1);
    }

    /// So many bytes of IMAP were compressed, or come out of it; so many bytes are, or were, on the
    /// line.
    #[cfg_attr(not(feature = "compress"), allow(dead_code, reason = "nothing is compressed"))]
    pub(crate) fn on_compressed(&self, plain: usize, on_the_line: usize) {
        add(&self.compressed[0], plain);
        add(&self.compressed[1], on_the_line);
    }

    /// How much waits now: commands, and bytes that are to be written.
    pub(crate) fn set_depths(&self, waiting: usize, in_flight: usize, unwritten: usize) {
        self.waiting.store(waiting, Ordering::Relaxed);
        self.in_flight.store(in_flight, Ordering::Relaxed);
        self.unwritten.store(unwritten, Ordering::Relaxed);
    }

    /// Received and sent bytes.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed))
    }

    pub(crate) fn responses(&self) -> u64 {
        self.responses.load(Ordering::Relaxed)
    }

    pub(crate) fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// Of what is compressed: the bytes of IMAP, and those on the line.
    pub(crate) fn compressed(&self) -> (u64, u64) {
        let [plain, on_the_line] = &self.compressed;
        (plain.load(Ordering::Relaxed), on_the_line.load(Ordering::Relaxed))
    }

    /// How many commands wait at the driver, how many are in flight, and how many bytes are to be
    /// written.
    pub(crate) fn depths(&self) -> (usize, usize, usize) {
        let of = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        (of(&self.waiting), of(&self.in_flight), of(&self.unwritten))
    }
}
