//! The framer as tokio-util's `Decoder`.

use bytes::BytesMut;
use tokio_util::codec::Decoder;

use crate::types::Limits;
use crate::wire::frame::{Frame, FrameError, Framer, WholeLine};

/// Cuts bytes into frames.
pub(crate) struct Codec {
    framer: Framer,
}

impl Codec {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { framer: Framer::new(limits) }
    }

    /// Whether a response has begun and not ended.
    pub(crate) fn is_partial(&self, src: &BytesMut) -> bool {
        self.framer.is_partial(src)
    }

    /// The first line, if it is a response by itself.
    pub(crate) fn first_line(&self, src: &[u8]) -> Option<WholeLine> {
        self.framer.first_line(src)
    }

    /// The line was read where it stood.
    pub(crate) fn skip_line(&mut self, line: WholeLine, src: &mut BytesMut) {
        self.framer.skip_line(line, src);
    }

    /// The framer, for literals that are handed out while they come.
    pub(crate) fn framer(&mut self) -> &mut Framer {
        &mut self.framer
    }

    /// How many more bytes a large literal needs.
    pub(crate) fn wanted(&self) -> usize {
        self.framer.wanted()
    }
}

/// Why no frame can be cut any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CodecError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Decoder for Codec {
    type Item = Frame;
    type Error = CodecError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, CodecError> {
        Ok(self.framer.decode(src)?)
    }
}
