//! Programs that the model once failed on, each by its cause.

use super::kinds::Kind;
use super::model::run;
use super::program::Op;

/// A COPY of numbers that takes several lines, before their UIDs are known: EXPUNGE may come
/// between these lines, and the second would name other messages.
#[test]
fn a_copy_in_several_lines_names_no_numbers() {
    let kind = Kind { short_lines: true, window: 50_000, ..Kind::default() };
    let ops = [
        Op::Select(30),
        Op::Copy { via: 0, set: 19134, to: 5, moves: false },
        Op::Flow { answers: 106, which: 0, dice: 98 },
        Op::Noop,
        Op::Flow { answers: 121, which: 17538, dice: 8522 },
        Op::OtherPut { folder: 30, flags: 0 },
        Op::OtherPut { folder: 104, flags: 0 },
        Op::Answer { which: 5802, dice: 0 },
        Op::Answer { which: 9727, dice: 20790 },
        Op::Flow { answers: 0, which: 0, dice: 0 },
        Op::Copy { via: 0, set: 52106, to: 0, moves: false },
    ];
    run(kind, [6, 0], &ops, 0);
}

/// Two MOVEs of one message, the older one of another message, too, that is gone already: the
/// COPYUID is taken for that of the one that names no other.
#[test]
fn a_copyuid_goes_to_the_move_of_exactly_its_messages() {
    let kind = Kind { rev2: true, keeps_ghosts: true, window: 50000, short_lines: true, ..Kind::default() };
    let ops = [
        Op::Select(0),
        Op::Select(58),
        Op::Flow { answers: 18, which: 0, dice: 0 },
        Op::Fetch { via: 0, set: 7224, items: 0 },
        Op::Flow { answers: 1, which: 0, dice: 8018 },
        Op::Fetch { via: 0, set: 0, items: 0 },
        Op::Copy { via: 0, set: 21586, to: 105, moves: true },
        Op::OtherExpunge { folder: 30, which: 19732 },
        Op::OtherExpunge { folder: 44, which: 36085 },
        Op::Fetch { via: 0, set: 0, items: 0 },
        Op::Answer { which: 0, dice: 0 },
        Op::ReportExpunge(11682),
        Op::Copy { via: 0, set: 47758, to: 0, moves: true },
        Op::Select(0),
    ];
    run(kind, [4, 0], &ops, 0);
}

/// The same, where the older one names a range without an end.
#[test]
fn a_copyuid_goes_to_the_move_of_exactly_its_messages_and_to_no_open_range() {
    let kind = Kind { rev2: true, keeps_ghosts: true, window: 1, ..Kind::default() };
    let ops = [
        Op::Select(118),
        Op::Select(61),
        Op::Fetch { via: 0, set: 4073, items: 48 },
        Op::Select(72),
        Op::Deselect(167),
        Op::Append { to: 130, size: 0, flags: 128 },
        Op::OtherExpunge { folder: 30, which: 5 },
        Op::Expunge { via: 0, set: 56548 },
        Op::Append { to: 0, size: 0, flags: 0 },
        Op::Deselect(183),
        Op::OtherPut { folder: 12, flags: 0 },
        Op::Flow { answers: 18, which: 0, dice: 0 },
        Op::Copy { via: 0, set: 23233, to: 70, moves: true },
        Op::Flow { answers: 10, which: 0, dice: 0 },
        Op::Flow { answers: 67, which: 0, dice: 5402 },
        Op::OtherExpunge { folder: 92, which: 38050 },
        Op::Copy { via: 0, set: 42204, to: 0, moves: true },
    ];
    run(kind, [5, 0], &ops, 0);
}

/// Flags change of a message that an older FETCH has got, and that is moved away then.
#[test]
fn flags_alone_are_no_part_of_a_row() {
    let kind = Kind { rev2: true, window: 50000, ..Kind::default() };
    let ops = [
        Op::Select(73),
        Op::Copy { via: 0, set: 38441, to: 0, moves: false },
        Op::Fetch { via: 0, set: 5017, items: 248 },
        Op::Copy { via: 0, set: 3646, to: 10, moves: true },
        Op::Fetch { via: 0, set: 4678, items: 29 },
        Op::Flow { answers: 2, which: 0, dice: 2 },
        Op::Append { to: 0, size: 0, flags: 0 },
        Op::Flow { answers: 2, which: 0, dice: 0 },
        Op::Select(0),
        Op::Flow { answers: 64, which: 0, dice: 0 },
        Op::Answer { which: 12782, dice: 0 },
        Op::Flow { answers: 2, which: 32528, dice: 57986 },
        Op::Select(0),
    ];
    run(kind, [0, 4], &ops, 0);
}

/// A message is expunged whose row an older FETCH got, while UIDs of others are not known.
#[test]
fn a_message_is_gone_whose_uid_fits_no_gap() {
    let kind = Kind { rev2: true, window: 1, commands: 7, short_lines: true, ..Kind::default() };
    let ops = [
        Op::Select(19),
        Op::Flow { answers: 1, which: 0, dice: 2114 },
        Op::OtherPut { folder: 127, flags: 88 },
        Op::List,
        Op::Flow { answers: 19, which: 0, dice: 0 },
        Op::Store { via: 0, set: 20273, how: 64, flags: 0 },
        Op::Flow { answers: 2, which: 0, dice: 0 },
        Op::List,
        Op::Fetch { via: 0, set: 27628, items: 26 },
        Op::Expunge { via: 0, set: 1629 },
        Op::Fetch { via: 0, set: 1092, items: 170 },
        Op::Store { via: 0, set: 29424, how: 0, flags: 0 },
        Op::Fetch { via: 0, set: 33284, items: 42 },
        Op::Select(0),
        Op::ReportExists(0),
        Op::Select(0),
        Op::Flow { answers: 17, which: 2366, dice: 24072 },
    ];
    run(kind, [0, 7], &ops, 0);
}

/// Flags come unasked while the engine asks for them: the row that answers it has a mod-sequence
/// that the server does not vouch for.
#[test]
fn a_row_that_may_answer_a_query_claims_no_mod_sequence() {
    let kind = Kind { rev2: true, qresync: true, window: 50000, short_lines: true, ..Kind::default() };
    let ops = [
        Op::Select(25),
        Op::Write(0),
        Op::Flow { answers: 10, which: 0, dice: 74 },
        Op::Copy { via: 0, set: 0, to: 201, moves: false },
        Op::Search { via: 0, key: 0 },
        Op::Flow { answers: 75, which: 0, dice: 2 },
        Op::Store { via: 0, set: 27038, how: 78, flags: 2 },
        Op::Answer { which: 0, dice: 0 },
        Op::Answer { which: 0, dice: 0 },
        Op::Flow { answers: 11, which: 0, dice: 2 },
        Op::Flow { answers: 155, which: 14382, dice: 4 },
        Op::OtherExpunge { folder: 1, which: 16265 },
        Op::Answer { which: 0, dice: 0 },
        Op::Expunge { via: 0, set: 6858 },
        Op::Answer { which: 0, dice: 0 },
        Op::Deliver(73),
        Op::ReportFlags(8608),
        Op::Write(12),
        Op::Answer { which: 0, dice: 0 },
        Op::Flow { answers: 1, which: 0, dice: 0 },
        Op::Flow { answers: 43, which: 0, dice: 1724 },
    ];
    run(kind, [0, 5], &ops, 0);
}

/// The same, where the engine compares before IDLE.
#[test]
fn a_row_that_may_answer_a_comparison_claims_no_mod_sequence() {
    let kind = Kind { literals: 2, rev2: true, qresync: true, window: 50000, ..Kind::default() };
    let ops = [
        Op::Select(109),
        Op::Flow { answers: 2, which: 0, dice: 2 },
        Op::Flow { answers: 2, which: 0, dice: 0 },
        Op::ReportFlags(0),
        Op::Wait(1),
        Op::OtherPut { folder: 103, flags: 0 },
        Op::OtherFlags { folder: 19, which: 16160, flags: 2 },
        Op::Deselect(0),
    ];
    run(kind, [0, 1], &ops, 0);
}

/// Flags come unasked before the row of an older FETCH; a younger one asked for other items of it.
#[test]
fn flags_that_came_twice_are_not_in_doubt_for_who_asked_for_others() {
    let kind = Kind { rev2: true, keeps_ghosts: true, sends_uids: true, window: 1, ..Kind::default() };
    let ops = [
        Op::Select(74),
        Op::Store { via: 0, set: 65476, how: 0, flags: 0 },
        Op::Fetch { via: 0, set: 13030, items: 43 },
        Op::Noop,
        Op::Append { to: 0, size: 0, flags: 128 },
        Op::Fetch { via: 0, set: 18596, items: 42 },
        Op::Flow { answers: 5, which: 0, dice: 1466 },
        Op::Select(0),
        Op::ReportFlags(25416),
        Op::OtherExpunge { folder: 8, which: 0 },
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
    ];
    run(kind, [4, 0], &ops, 0);
}

/// The last message is expunged, whose flags came twice.
#[test]
fn in_an_empty_mailbox_all_messages_are_gone() {
    let kind = Kind { rev2: true, window: 50000, ..Kind::default() };
    let ops = [
        Op::Select(29),
        Op::OtherPut { folder: 71, flags: 0 },
        Op::Flow { answers: 2, which: 0, dice: 290 },
        Op::Fetch { via: 0, set: 21657, items: 3 },
        Op::Fetch { via: 0, set: 59566, items: 157 },
        Op::Fetch { via: 0, set: 14966, items: 1 },
        Op::Select(0),
        Op::Flow { answers: 4, which: 0, dice: 0 },
        Op::ReportFlags(0),
        Op::Flow { answers: 74, which: 0, dice: 203 },
        Op::Select(0),
        Op::OtherExpunge { folder: 13, which: 0 },
        Op::ReportExpunge(0),
        Op::Select(0),
    ];
    run(kind, [0, 0], &ops, 0);
}

/// Flags come unasked, then the row of an older FETCH; the message is moved away before a younger
/// one, which asked for flags among other items, is answered.
#[test]
fn flags_that_came_unasked_do_not_stand_for_a_row() {
    let kind = Kind { rev2: true, window: 50000, notify: true, ..Kind::default() };
    let ops = [
        Op::Select(129),
        Op::Flow { answers: 2, which: 0, dice: 13442 },
        Op::Store { via: 0, set: 0, how: 64, flags: 0 },
        Op::Fetch { via: 0, set: 0, items: 162 },
        Op::Noop,
        Op::Fetch { via: 0, set: 7633, items: 27 },
        Op::OtherFlags { folder: 19, which: 35785, flags: 0 },
        Op::OtherPut { folder: 215, flags: 0 },
        Op::Copy { via: 0, set: 2425, to: 40, moves: true },
        Op::Fetch { via: 0, set: 1137, items: 119 },
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
        Op::Select(0),
    ];
    run(kind, [0, 2], &ops, 0);
}
