//! Programs of the model that were found once, about rows that several FETCHes ask for: which one
//! gets a row, and which one says that it may lack one.

use super::kinds::Kind;
use super::model::run;
use super::program::Op;
use crate::types::ViewSync;

/// A FETCH names the last message only by `n:*`, and a younger one names it by its UID: that one
/// gets the row.
#[test]
fn the_last_message_goes_to_who_asked_for_its_uid() {
    let kind = Kind { rev2: true, window: 50_000, ..Kind::default() };
    let fetch = Op::Fetch { via: 0, set: 0, items: 0 };
    let expunge = Op::Expunge { via: 0, set: 0 };
    let ops = [
        &[Op::Select(203)][..],
        &[fetch; 5],
        &[expunge; 2],
        &[fetch; 4],
        &[
            Op::Fetch { via: 0, set: 5713, items: 136 },
            Op::Drop(195),
            Op::Copy { via: 0, set: 22528, to: 40, moves: true },
            Op::List,
            Op::Fetch { via: 0, set: 54228, items: 8 },
        ],
    ];
    run(kind, [0, 3], &ops.concat(), 0);
}

/// One line of a FETCH has been refused, and a younger FETCH of the same message is answered before
/// the other lines.
#[test]
fn a_line_that_has_ended_gets_no_more_rows() {
    let kind = Kind { short_lines: true, window: 3, ..Kind::default() };
    let ops = [
        Op::Select(55),
        Op::Flow { answers: 120, which: 0, dice: 0 },
        Op::Answer { which: 0, dice: 2 },
        Op::Flow { answers: 25, which: 0, dice: 0 },
        Op::Flow { answers: 58, which: 0, dice: 0 },
        Op::Fetch { via: 0, set: 20272, items: 38 },
        Op::Fetch { via: 0, set: 782, items: 226 },
        Op::Flow { answers: 122, which: 4, dice: 0 },
        Op::List,
        Op::Answer { which: 11859, dice: 29304 },
        Op::Flow { answers: 4, which: 4606, dice: 15748 },
        Op::Select(0),
    ];
    run(kind, [0, 5], &ops, 0);
}

/// A FETCH in two lines, of which the first is answered before an older FETCH of a message that it
/// names, and the second after it.
#[test]
fn a_line_that_is_answered_before_an_older_command_may_lack_rows() {
    let kind = Kind {
        rev2: true,
        view_sync: ViewSync::Uids,
        window: 50_000,
        mixes_rows: true,
        short_lines: true,
        ..Kind::default()
    };
    let ops = [
        Op::Select(47),
        Op::Select(6),
        Op::Copy { via: 0, set: 0, to: 0, moves: false },
        Op::NewUidValidity { folder: 12, size: 52 },
        Op::Flow { answers: 2, which: 0, dice: 0 },
        Op::Fetch { via: 0, set: 20122, items: 170 },
        Op::Fetch { via: 48, set: 56172, items: 178 },
        Op::Flow { answers: 10, which: 0, dice: 194 },
        Op::Flow { answers: 217, which: 346, dice: 2 },
        Op::Fetch { via: 0, set: 6393, items: 178 },
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Flow { answers: 68, which: 26687, dice: 0 },
    ];
    run(kind, [0, 0], &ops, 0);
}

/// Rows come in any order: an older FETCH gets the row of a younger one that asked for no flags,
/// and then its own.
#[test]
fn flags_are_not_lacking_where_all_else_came_with_anothers_row() {
    let kind = Kind { rev2: true, mixes_rows: true, window: 50_000, ..Kind::default() };
    let ops = [
        Op::Select(133),
        Op::Fetch { via: 0, set: 26886, items: 253 },
        Op::Fetch { via: 0, set: 0, items: 2 },
        Op::Append { to: 0, size: 0, flags: 0 },
        Op::Fetch { via: 0, set: 28276, items: 236 },
        Op::Flow { answers: 2, which: 0, dice: 2 },
        Op::Flow { answers: 134, which: 51939, dice: 12434 },
    ];
    run(kind, [0, 4], &ops, 0);
}

/// The same; and then the message goes, so that the older one has no row of its own: the younger
/// one gets none.
#[test]
fn a_row_may_be_taken_for_that_of_a_message_that_is_gone() {
    let kind = Kind { mixes_rows: true, window: 50_000, ..Kind::default() };
    let ops = [
        Op::Select(104),
        Op::Fetch { via: 0, set: 26462, items: 65 },
        Op::Fetch { via: 0, set: 7150, items: 0 },
        Op::List,
        Op::Fetch { via: 0, set: 14304, items: 64 },
        Op::Drop(47),
        Op::Detach(3),
        Op::Select(0),
        Op::Flow { answers: 2, which: 0, dice: 98 },
        Op::OtherExpunge { folder: 68, which: 18551 },
        Op::Select(0),
        Op::Flow { answers: 3, which: 21476, dice: 4154 },
        Op::Answer { which: 58121, dice: 260 },
    ];
    run(kind, [4, 0], &ops, 0);
}

/// A detached FETCH ends before one of the engine's that got its row: its end says that something
/// may be lacking.
#[test]
fn a_detached_fetch_whose_row_went_to_an_older_one_fails() {
    let kind = Kind { mixes_rows: true, window: 50_000, ..Kind::default() };
    let ops = [
        Op::Select(107),
        Op::Flow { answers: 2, which: 0, dice: 1658 },
        Op::Store { via: 0, set: 14448, how: 64, flags: 0 },
        Op::Flow { answers: 4, which: 25009, dice: 0 },
        Op::Fetch { via: 0, set: 12582, items: 1 },
        Op::Detach(0),
        Op::Flow { answers: 3, which: 7201, dice: 1732 },
    ];
    run(kind, [0, 3], &ops, 0);
}

/// Flags that no one asked for come while two FETCHes wait; the older one is refused, and the
/// message goes. Of the younger one that row was no answer, since it asked for more, of which
/// nothing came.
#[test]
fn flags_alone_are_no_answer_to_who_asked_for_more() {
    let kind = Kind { rev2: true, window: 50_000, ..Kind::default() };
    let flow = |answers, dice| Op::Flow { answers, which: 0, dice };
    let ops = [
        Op::Select(109),
        flow(1, 5810),
        Op::Fetch { via: 0, set: 19617, items: 31 },
        Op::OtherExpunge { folder: 161, which: 24571 },
        Op::Fetch { via: 0, set: 43516, items: 181 },
        flow(2, 0),
        flow(75, 0),
        flow(52, 45572),
        Op::ReportFlags(0),
        flow(216, 0),
        Op::OtherExpunge { folder: 157, which: 0 },
        Op::Answer { which: 0, dice: 6456 },
    ];
    run(kind, [0, 2], &ops, 0);
}
