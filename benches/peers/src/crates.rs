//! The crates that are compared, each by a function from a server's bytes to the number of
//! responses read.

use std::hint::black_box;

use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;

/// A crate at work.
pub struct Crate {
    /// Its name.
    pub name: &'static str,
    /// Reads all responses in these bytes, drops each, and gives their count.
    pub parse: fn(&[u8]) -> usize,
}

/// Ours first; the others as of the versions in Cargo.toml.
pub const CRATES: [Crate; 3] = [
    Crate { name: "imap-duplex", parse: imap_duplex::bench::parse },
    Crate { name: "imap-proto", parse: imap_proto },
    Crate { name: "imap-codec", parse: imap_codec },
];

/// Whole buffers in memory, the best case for a parser that starts over when bytes are missing.
fn imap_proto(mut bytes: &[u8]) -> usize {
    let mut count = 0;
    while let Ok((rest, response)) = imap_proto::Response::parse(bytes) {
        black_box(response);
        bytes = rest;
        count += 1;
    }
    count
}

/// The same.
fn imap_codec(mut bytes: &[u8]) -> usize {
    let codec = ResponseCodec::default();
    let mut count = 0;
    while let Ok((rest, response)) = codec.decode(bytes) {
        black_box(response);
        bytes = rest;
        count += 1;
    }
    count
}
