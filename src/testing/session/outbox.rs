//! The output of a session: bytes, and the steps of scripts between them. In: responses. Out:
//! [`Step`]s, which the owner of the socket executes one by one.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

/// One step for the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write these bytes.
    Write(Bytes),
    /// Wait this long.
    Pause(Duration),
    /// Begin TLS: the OK has been written, and plaintext received meanwhile is discarded.
    StartTls,
    /// Begin compression: the OK has been written, and what was received behind is compressed.
    Compress,
    /// End compression: the OK has been written, and is the last that is compressed.
    EndCompression,
    /// Close the connection.
    Close,
}

#[derive(Debug)]
enum Piece {
    Bytes(BytesMut),
    Other(Step),
}

/// The steps in order.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// The connection ends after this many more bytes.
    cut: Option<usize>,
    /// Bytes to write after the next response.
    within: Option<Bytes>,
    closed: bool,
}

impl Outbox {
    /// Writes responses; whole lines, except for a script's.
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

    pub(crate) fn compress(&mut self) {
        self.step(Step::Compress);
    }

    pub(crate) fn end_compression(&mut self) {
        self.step(Step::EndCompression);
    }

    /// Ends the connection once everything is written.
    pub(crate) fn close(&mut self) {
        self.step(Step::Close);
        self.closed = true;
    }

    fn step(&mut self, step: Step) {
        if !self.closed {
            self.pieces.push_back(Piece::Other(step));
        }
    }

    /// Ends the connection after this many bytes.
    pub(crate) fn cut_after(&mut self, bytes: usize) {
        self.cut = Some(bytes);
        if bytes == 0 {
            self.close();
        }
    }

    /// Writes these bytes after the next response.
    pub(crate) fn write_within(&mut self, bytes: Bytes) {
        self.within = Some(bytes);
    }

    /// The bytes meant to follow a response, if there was none.
    pub(crate) fn take_within(&mut self) -> Option<Bytes> {
        self.within.take()
    }

    /// The count of bytes waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.bytes
    }

    /// The next step.
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
