//! What a session has to write: octets, and what a script puts between them. In go responses, out
//! come [`Step`]s, which whoever has the socket takes one by one.

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
    Bytes(BytesMut),
    Other(Step),
}

/// Steps in their order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// After so many more octets the connection ends.
    cut: Option<usize>,
    /// To be said behind the next response.
    within: Option<Bytes>,
    closed: bool,
}

impl Outbox {
    /// One response, or several; whole lines, but for a script's.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.put(bytes);
        if let Some(within) = self.within.take() {
            self.put(&within);
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        if self.closed {
            return;
        }
        let room = self.cut.unwrap_or(usize::MAX);
        let bytes = bytes.get(..room).unwrap_or(bytes);
        self.cut = self.cut.map(|left| left - bytes.len());
        self.bytes += bytes.len();
        match self.pieces.back_mut() {
            Some(Piece::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.pieces.push_back(Piece::Bytes(BytesMut::from(bytes))),
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
    pub(crate) fn cut_after(&mut self, bytes: usize) {
        self.cut = Some(bytes);
        if bytes == 0 {
            self.close();
        }
    }

    /// Behind the next response these octets.
    pub(crate) fn say_within(&mut self, bytes: Bytes) {
        self.within = Some(bytes);
    }

    /// The octets that were to be said behind a response, if there was none.
    pub(crate) fn take_within(&mut self) -> Option<Bytes> {
        self.within.take()
    }

    /// How many octets wait.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes
    }

    /// The next thing to do.
    pub(crate) fn next(&mut self) -> Option<Step> {
        match self.pieces.pop_front()? {
            Piece::Bytes(bytes) => {
                self.bytes -= bytes.len();
                Some(Step::Write(bytes.freeze()))
            }
            Piece::Other(step) => Some(step),
        }
    }
}
