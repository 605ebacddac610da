//! The grammar's input: the text of a frame, and the large literals that are kept apart from it.
//!
//! A parser takes an [`Input`] and returns what is left of it, or a [`Fail`]. Inputs are `Copy`, so
//! looking ahead and trying again cost nothing.

use bytes::Bytes;
use nom::IResult;
use nom::error::{ErrorKind, ParseError};

/// The rest of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a> {
    pub(crate) text: &'a [u8],
    /// The large literals whose announcements are still in `text`.
    pub(crate) literals: &'a [Bytes],
}

/// The result of a parser: the rest and a value, or where it failed.
pub(crate) type Parsed<'a, T> = IResult<Input<'a>, T, Fail>;

/// Where and why parsing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fail {
    /// How many bytes of the text were left at that point.
    pub(crate) rest: usize,
    /// What was expected there.
    pub(crate) expected: &'static str,
}

/// The failure for a missing `expected`.
pub(crate) fn expected(input: Input<'_>, expected: &'static str) -> nom::Err<Fail> {
    nom::Err::Error(Fail { rest: input.text.len(), expected })
}

/// The same, as the result of a parser.
pub(crate) fn fail<'a, T>(input: Input<'a>, what: &'static str) -> Parsed<'a, T> {
    Err(expected(input, what))
}

/// The failure for input that exceeds a limit: no other form is tried.
pub(crate) fn too_much<'a, T>(input: Input<'a>, within: &'static str) -> Parsed<'a, T> {
    Err(nom::Err::Failure(Fail { rest: input.text.len(), expected: within }))
}

impl<'a> Input<'a> {
    pub(crate) fn new(text: &'a [u8], literals: &'a [Bytes]) -> Self {
        Self { text, literals }
    }

    /// The next byte.
    pub(crate) fn peek(self) -> Option<u8> {
        self.text.first().copied()
    }

    /// Whether its literals may be data of messages alone, and no texts: together they are longer
    /// than those may be. A last one without bytes says so, as no large literal is.
    pub(crate) fn has_data_alone(self) -> bool {
        self.literals.last().is_some_and(Bytes::is_empty)
    }

    /// The input without its first `bytes`; empty if there are fewer.
    pub(crate) fn skip(self, bytes: usize) -> Self {
        Self { text: self.text.get(bytes..).unwrap_or_default(), ..self }
    }

    /// The bytes between this input and what is left of it.
    pub(crate) fn until(self, rest: Self) -> &'a [u8] {
        self.text.get(..self.text.len().saturating_sub(rest.text.len())).unwrap_or_default()
    }

    /// The longest prefix whose bytes are all accepted, and the rest.
    pub(crate) fn run(self, accept: impl Fn(u8) -> bool) -> (Self, &'a [u8]) {
        let length = self.text.iter().position(|&b| !accept(b)).unwrap_or(self.text.len());
        let (taken, text) = self.text.split_at(length);
        (Self { text, ..self }, taken)
    }
}

impl ParseError<Input<'_>> for Fail {
    fn from_error_kind(input: Input<'_>, _: ErrorKind) -> Self {
        Self { rest: input.text.len(), expected: "something else" }
    }

    /// Of two alternatives, the failure of the one that got further is reported.
    fn or(self, other: Self) -> Self {
        if other.rest < self.rest { other } else { self }
    }

    fn append(_: Input<'_>, _: ErrorKind, other: Self) -> Self {
        other
    }
}
