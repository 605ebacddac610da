//! Storage of [`Envelope`](super::Envelope) and [`BodyStructure`](super::BodyStructure): their
//! texts in a single allocation, each preceded by its length. The parser writes them in the order
//! in which they arrive; the accessors walk over them.
//!
//! A number (and a length) is written seven bits a byte, the lowest first, one more than it is: 0
//! stands for NIL. Reading never fails: past the end everything is NIL, so that no accessor can
//! panic.

use std::borrow::Cow;

use bytes::Bytes;

/// The length of a text shorter than this is written in one byte.
const SHORT: usize = 0x7f;

/// Writes packed values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writer {
    /// The bytes written, followed by spare bytes without meaning: writing into those takes fewer
    /// steps than growing a `Vec`.
    bytes: Vec<u8>,
    /// The count of bytes written.
    length: usize,
}

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes], length: 0 }
    }

    /// The next `bytes` bytes, for writing.
    #[inline]
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        let (start, end) = (self.length, self.length + bytes);
        if end > self.bytes.len() {
            self.grow(end);
        }
        self.length = end;
        self.bytes.get_mut(start..end).unwrap_or_default()
    }

    #[cold]
    fn grow(&mut self, end: usize) {
        self.bytes.resize(end.max(2 * self.bytes.len()), 0);
    }

    #[inline]
    pub(crate) fn nil(&mut self) {
        self.mark(0);
    }

    pub(crate) fn number(&mut self, value: Option<u64>) {
        let mut rest = value.map_or(0, |value| value.saturating_add(1));
        while let Some(low) = u8::try_from(rest & 0x7f).ok().filter(|_| rest > 0x7f) {
            self.mark(low | 0x80);
            rest >>= 7;
        }
        self.mark(u8::try_from(rest).unwrap_or(0));
    }

    #[inline]
    pub(crate) fn string(&mut self, value: Option<&[u8]>) {
        match value.map(|text| u8::try_from(text.len())) {
            // One byte, as `number` would write it.
            Some(Ok(length @ 0..0x7f)) => self.mark(length + 1),
            _ => self.number(value.map(|text| text.len() as u64)),
        }
        self.append(value.unwrap_or_default());
    }

    /// Packs the text before an `end`, eight bytes at a time, so that each is inspected and copied
    /// in one pass; returns its length. `find` returns the position of the first `end` in eight
    /// bytes, or of another byte that forbids this. Packs nothing and returns `None` then, if the
    /// length takes more than one byte, or where the end of the text or of the buffer is near.
    #[inline]
    pub(crate) fn string_until(
        &mut self,
        end: u8,
        text: &[u8],
        find: impl Fn([u8; 8]) -> Option<usize>,
    ) -> Option<usize> {
        let room = self.bytes.get_mut(self.length..)?;
        let [place, room @ ..] = room.first_chunk_mut::<{ 1 + SHORT / 8 * 8 }>()?;
        let (chunks, _) = text.as_chunks();
        let (copies, _) = room.as_chunks_mut();
        for (n, (chunk, copy)) in chunks.iter().zip(copies).enumerate() {
            *copy = *chunk;
            if let Some(at) = find(*chunk) {
                if chunk.get(at) != Some(&end) {
                    return None;
                }
                let length = n * 8 + at;
                [*place, ..] = (length + 1).to_le_bytes();
                self.length += 1 + length;
                return Some(length);
            }
        }
        None
    }

    /// Writes one byte that says what follows.
    #[inline]
    pub(crate) fn mark(&mut self, mark: u8) {
        match self.bytes.get_mut(self.length) {
            Some(place) => {
                *place = mark;
                self.length += 1;
            }
            None => self.append(&[mark]),
        }
    }

    /// Appends packed values.
    #[inline]
    pub(crate) fn append(&mut self, packed: &[u8]) {
        self.room(packed.len()).copy_from_slice(packed);
    }

    /// Begins a block whose length is written by [`close`](Self::close), so that readers can skip
    /// it.
    pub(crate) fn open(&mut self) -> Block {
        self.room(4);
        Block(self.length)
    }

    /// Ends a block.
    pub(crate) fn close(&mut self, block: Block) {
        let length = u32::try_from(self.length - block.0).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(block.0 - 4..block.0) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }

    /// The count of bytes written.
    #[inline]
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// Removes the bytes written past this length.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// Removes all bytes but keeps the buffer.
    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// A copy of all bytes written, in one allocation of exactly their size.
    pub(crate) fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.bytes.get(..self.length).unwrap_or_default())
    }

    /// The capacity in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// All bytes written, in one allocation of exactly their size.
    pub(crate) fn finish(mut self) -> Bytes {
        self.bytes.truncate(self.length);
        Bytes::from(self.bytes.into_boxed_slice())
    }
}

/// The start of a block in a [`Writer`].
#[derive(Debug)]
pub(crate) struct Block(usize);

/// Reads packed values one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(packed: &'a [u8]) -> Self {
        Self { rest: packed }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn mark(&mut self) -> u8 {
        let Some((&mark, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        mark
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let (mut value, mut shift) = (0u64, 0u32);
        loop {
            let byte = self.mark();
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            shift += 7;
            if byte & 0x80 == 0 {
                return value.checked_sub(1);
            }
        }
    }

    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        Some(self.take(usize::try_from(length).unwrap_or(usize::MAX)))
    }

    /// The content of the next block.
    pub(crate) fn block(&mut self) -> &'a [u8] {
        let length: [u8; 4] = self.take(4).try_into().unwrap_or_default();
        self.take(usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX))
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.rest = rest;
        taken
    }
}

/// Text for people: what is not UTF-8 becomes U+FFFD.
pub(crate) fn lossy(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote() {
        let mut writer = Writer::default();
        let numbers = [None, Some(0), Some(126), Some(127), Some(1 << 40), Some(u64::MAX - 1)];
        numbers.iter().for_each(|n| writer.number(*n));
        let long = [7u8; 300];
        let block = writer.open();
        writer.string(Some(&long));
        writer.nil();
        writer.close(block);
        writer.string(Some(b""));
        let packed = writer.finish();

        let mut reader = Reader::new(&packed);
        for number in numbers {
            assert_eq!(reader.number(), number);
        }
        let mut inside = Reader::new(reader.block());
        assert_eq!(inside.string(), Some(&long[..]));
        assert_eq!(inside.string(), None);
        assert!(inside.is_at_end());
        assert_eq!(reader.string(), Some(&b""[..]));
        assert!(reader.is_at_end());
    }

    #[test]
    fn a_text_that_ends_in_place_is_packed_as_any_other() {
        let find = |bytes: [u8; 8]| bytes.iter().position(|b| matches!(b, b'"' | b'!'));
        for length in 0..200 {
            for byte in *b"\"!" {
                let text = [&vec![b'x'; length][..], &[byte], b"01234567"].concat();
                let mut writer = Writer::with_capacity(1000);
                writer.mark(9);
                let packed = writer.string_until(b'"', &text, find);
                let mut expected = Writer::default();
                expected.mark(9);
                if packed.is_some() {
                    expected.string(text.get(..length));
                }
                assert_eq!(writer.to_bytes(), expected.to_bytes(), "{length}");
                assert_eq!(packed, Some(length).filter(|_| byte == b'"' && length < 120), "{length}");
                assert_eq!(writer.string_until(b'"', &vec![b'x'; length], find), None);
                assert_eq!(writer.to_bytes(), expected.to_bytes(), "{length}");
            }
        }
    }

    #[test]
    fn reading_past_the_end_is_nil() {
        for packed in [&b""[..], b"\x85", b"\x85abc", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            let mut reader = Reader::new(packed);
            for _ in 0..4 {
                let _ = (reader.string(), reader.block(), reader.number());
            }
            assert_eq!(reader.string(), None);
        }
    }
}
