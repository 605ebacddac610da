//! What a session has to write: octets, and what a script puts between them. In go responses, out come [`Step`]s, which
//! whoever has the socket takes one by one.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

/// One thing to do with the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write these.
    Write(Bytes),
    /// Wait so long.
    Pause(Duration),
    /// Begin TLS: the OK has been written, and what came in the clear meanwhile is void.
    StartTls,
    /// Close.
    Close,
}

#[derive(Debug)]
enum Piece {
    Octets(BytesMut),
    Other(Step),
}

/// Steps in their order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    octets: usize,
    /// After so many more octets the connection ends.
    cut: Option<usize>,
    /// To be said behind the next response.
    within: Option<Bytes>,
    closed: bool,
}

impl Outbox {
    /// One response, or several; whole lines, but for a script's.
    pub(crate) fn write(&mut self, octets: &[u8]) {
        self.put(octets);
        if let Some(within) = self.within.take() {
            self.put(&within);
        }
    }

    fn put(&mut self, octets: &[u8]) {
        if self.closed {
            return;
        }
        let room = self.cut.unwrap_or(usize::MAX);
        let octets = octets.get(..room).unwrap_or(octets);
        self.cut = self.cut.map(|left| left - octets.len());
        self.octets += octets.len();
        match self.pieces.back_mut() {
            Some(Piece::Octets(last)) => last.extend_from_slice(octets),
            _ => self.pieces.push_back(Piece::Octets(BytesMut::from(octets))),
        }
        if self.cut == Some(0) {
            self.close();
        }
    }

    pub(crate) fn pause(&mut self, time: Duration) {
        self.step(Step::Pause(time));
    }

    pub(crate) fn start_tls(&mut self) {
        self.step(Step::StartTls);
    }

    /// The connection ends once all before is written.
    pub(crate) fn close(&mut self) {
        self.step(Step::Close);
        self.closed = true;
    }

    fn step(&mut self, step: Step) {
        if !self.closed {
            self.pieces.push_back(Piece::Other(step));
        }
    }

    /// From here on so many octets.
    pub(crate) fn cut_after(&mut self, octets: usize) {
        self.cut = Some(octets);
        if octets == 0 {
            self.close();
        }
    }

    /// Behind the next response these octets.
    pub(crate) fn say_within(&mut self, octets: Bytes) {
        self.within = Some(octets);
    }

    /// The octets that were to be said behind a response, if there was none.
    pub(crate) fn take_within(&mut self) -> Option<Bytes> {
        self.within.take()
    }

    /// How many octets wait.
    pub(crate) fn waiting(&self) -> usize {
        self.octets
    }

    /// The next thing to do.
    pub(crate) fn next(&mut self) -> Option<Step> {
        match self.pieces.pop_front()? {
            Piece::Octets(octets) => {
                self.octets -= octets.len();
                Some(Step::Write(octets.freeze()))
            }
            Piece::Other(step) => Some(step),
        }
    }
}
