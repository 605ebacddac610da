//! Streamed literals of rows (ARCHITECTURE.md, section 4).
//!
//! In: the framer, where it offers a literal or passes one through. Out: the literal's pieces, to
//! the command whose row it is; or word to the framer to keep it in its frame.

use bytes::BytesMut;

use crate::engine::Engine;
use crate::types::Answer;
use crate::view::View;
use crate::wire::frame::{FrameError, Framer};
use crate::wire::{Parser, RowHead};

/// Takes the next piece of a literal that passes through, or the offer of one. Whether there was
/// any, so that there may be more to decode.
///
/// # Errors
/// The literal is kept in its frame, and exceeds a limit.
pub(crate) fn take_literal(
    engine: &mut Engine,
    framer: &mut Framer,
    parser: &mut Parser,
    src: &mut BytesMut,
) -> Result<bool, FrameError> {
    let (view, limits) = (engine.selected.view(), &engine.settings.limits);
    if let Some((piece, is_last)) = framer.passing(src) {
        engine.inflight.literal_piece(piece, is_last, limits);
        return Ok(true);
    }
    let Some(offer) = framer.offered() else { return Ok(false) };
    let size = offer.size;
    let begins = |head| engine.inflight.begin_literal(identified(head, view), size, view, limits);
    match parser.read_head(offer).is_some_and(begins) {
        true => framer.pass(),
        false => framer.keep()?,
    }
    Ok(true)
}

/// The row with the number and the UID that the view has for it.
fn identified(mut head: RowHead, view: Option<&View>) -> RowHead {
    if let (Answer::Fetch(row), Some(view)) = (head.row.answer_mut(), view) {
        row.uid = row.uid.or_else(|| view.uid(row.seq?));
        row.seq = row.seq.or_else(|| view.seq(row.uid?));
    }
    head
}
