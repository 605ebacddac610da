//! Random programs of a user, a server and other sessions; the rules that hold for each are in
//! `checks`.
//!
//! `IMAP_DUPLEX_PROGRAMS` says how many to run. What fails is made small and kept in
//! `proptest-regressions`, from where it is run first each time.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::kinds::{Kind, kinds};
use super::program::Op;
use super::world::World;
use crate::types::{CloseReason, ViewSync};

/// How many programs a plain test run has.
const PROGRAMS: u32 = 1000;

fn ops() -> impl Strategy<Value = Op> {
    let users = prop_oneof![
        3 => any::<u8>().prop_map(Op::Select),
        1 => any::<u8>().prop_map(Op::Deselect),
        8 => any::<(u8, u16, u8)>().prop_map(|(via, set, items)| Op::Fetch { via, set, items }),
        6 => any::<(u8, u16, u8, u8)>().prop_map(|(via, set, how, flags)| Op::Store { via, set, how, flags }),
        3 => any::<(u8, u8)>().prop_map(|(via, key)| Op::Search { via, key }),
        4 => any::<(u8, u16, u8, bool)>().prop_map(|(via, set, to, moves)| Op::Copy { via, set, to, moves }),
        3 => any::<(u8, u16)>().prop_map(|(via, set)| Op::Expunge { via, set }),
        3 => (any::<u8>(), prop_oneof![0u16..20, 4000u16..5000], any::<u8>())
            .prop_map(|(to, size, flags)| Op::Append { to, size, flags }),
        1 => Just(Op::List),
        1 => any::<u8>().prop_map(Op::Status),
        2 => Just(Op::Noop),
        1 => any::<u8>().prop_map(Op::Create),
        1 => any::<u8>().prop_map(Op::Notify),
        2 => any::<u8>().prop_map(Op::Drop),
        2 => any::<u8>().prop_map(Op::Detach),
        1 => any::<u8>().prop_map(Op::Cancel),
        2 => any::<u8>().prop_map(Op::Stream),
        1 => any::<u8>().prop_map(Op::Read),
    ];
    let world = prop_oneof![
        5 => (0u16..200).prop_map(Op::Write),
        5 => (0u16..200).prop_map(Op::Deliver),
        10 => any::<(u16, u16)>().prop_map(|(which, dice)| Op::Answer { which, dice }),
        10 => any::<(u8, u16, u16)>().prop_map(|(answers, which, dice)| Op::Flow { answers, which, dice }),
        3 => any::<u8>().prop_map(Op::ReportExists),
        3 => any::<u16>().prop_map(Op::ReportFlags),
        3 => any::<u16>().prop_map(Op::ReportExpunge),
        1 => Just(Op::ReportNotice),
        2 => Just(Op::ReportCounts),
        3 => any::<(u8, u8)>().prop_map(|(folder, flags)| Op::OtherPut { folder, flags }),
        3 => any::<(u8, u16, u8)>().prop_map(|(folder, which, flags)| Op::OtherFlags { folder, which, flags }),
        3 => any::<(u8, u16)>().prop_map(|(folder, which)| Op::OtherExpunge { folder, which }),
        3 => any::<u8>().prop_map(Op::Wait),
        3 => any::<u8>().prop_map(Op::Save),
        2 => any::<u8>().prop_map(Op::Snapshot),
        1 => any::<(u8, u8)>().prop_map(|(folder, size)| Op::NewUidValidity { folder, size }),
    ];
    let ends = prop_oneof![Just(Op::Logout), (0u16..200).prop_map(Op::Break)];
    prop_oneof![100 => users, 130 => world, 1 => ends]
}

fn programs() -> impl Strategy<Value = (Kind, [u8; 2], Vec<Op>, u16)> {
    // A program begins with a mailbox, or most of its commands would have nothing to be about.
    let ops = (any::<u8>(), prop::collection::vec(ops(), 1..80)).prop_map(|(select, mut ops)| {
        ops.insert(0, Op::Select(select));
        ops
    });
    (kinds(), [0u8..8, 0u8..8], ops, 0u16..300)
}

pub(super) fn run(kind: Kind, sizes: [u8; 2], ops: &[Op], rest: u16) {
    let mut world = World::new(kind, sizes);
    for op in ops {
        world.run(*op);
    }
    if !world.closed {
        world.finish();
        if !world.closed && !world.server.ended {
            world.check_view();
        }
        world.run(Op::Break(rest));
    }
    if !world.closed {
        world.end(CloseReason::Eof);
    }
    world.run_out();
    world.check_end();
}

#[test]
fn the_client_ends_up_with_what_the_server_reported() {
    let cases = std::env::var("IMAP_DUPLEX_PROGRAMS").map_or(PROGRAMS, |n| n.parse().expect("a number"));
    let config = Config { cases, max_shrink_time: 60_000, ..Config::default() };
    proptest!(config, |((kind, sizes, ops, rest) in programs())| run(kind, sizes, &ops, rest));
}

/// The server refuses a message before it has come, and the connection breaks before the client
/// reads of that.
#[test]
fn a_literal_that_was_not_awaited_was_sent_in_part() {
    let kind = Kind { window: 50_000, ..Kind::default() };
    let append = Op::Append { to: 0, size: 0, flags: 0 };
    let ops = [append, Op::Write(200), Op::Answer { which: 0, dice: 0 }, Op::Break(0)];
    run(kind, [0, 1], &ops, 0);
}

/// A server answers IDLE just as the client has lost patience with it, and not yet written its
/// DONE.
#[test]
fn a_plus_may_come_while_done_is_about_to_go_out_without_it() {
    let kind = Kind { idle: true, window: 50_000, ..Kind::default() };
    let answered = Op::Flow { answers: 2, which: 0, dice: 3 };
    let (asked, overdue) = ([Op::Wait(1), Op::Write(200)], Op::Wait(3));
    let plus = [Op::Answer { which: 0, dice: 3 }, Op::Deliver(200)];
    run(kind, [0, 0], &[&[Op::Select(0), answered], &asked[..], &[overdue], &plus[..]].concat(), 0);
}

/// The view is off, and the mailbox gets another UIDVALIDITY behind the EXPUNGE that moved a
/// number.
#[test]
fn numbers_from_before_another_uid_validity_are_invalid_without_a_view_too() {
    let kind = Kind { window: 50_000, view_sync: ViewSync::Off, ..Kind::default() };
    let by_uid = Op::Fetch { via: 0, set: 0, items: 0 };
    let ops = [
        Op::Select(0),
        Op::Flow { answers: 34, which: 0, dice: 74 },
        by_uid,
        Op::Fetch { via: 0, set: 21443, items: 0 },
        Op::OtherExpunge { folder: 0, which: 0 },
        Op::Write(28),
        Op::ReportExpunge(0),
        Op::NewUidValidity { folder: 0, size: 0 },
    ];
    run(kind, [3, 0], &ops, 0);
}

/// Numbers come to move at any time while a question for UIDs by number still waits, and the answer
/// is known meanwhile.
#[test]
fn a_question_by_number_is_not_asked_of_uids() {
    let kind = Kind { window: 1, notify: true, ..Kind::default() };
    let flow = |dice| Op::Flow { answers: 1, which: 0, dice };
    let fetch = Op::Fetch { via: 0, set: 31689, items: 0 };
    run(kind, [2, 0], &[Op::Select(2), flow(21482), flow(0), Op::Notify(73), fetch], 0);
}

/// Changes come while numbers may move at any time.
#[test]
fn while_numbers_may_move_all_is_asked_but_once() {
    let kind = Kind { window: 50_000, notify: true, ..Kind::default() };
    let ops = [
        Op::Select(62),
        Op::Fetch { via: 147, set: 33104, items: 240 },
        Op::Notify(1),
        Op::Write(68),
        Op::Answer { which: 46057, dice: 23316 },
        Op::Stream(50),
        Op::Write(80),
        Op::Copy { via: 131, set: 36605, to: 225, moves: true },
        Op::OtherFlags { folder: 234, which: 58407, flags: 215 },
        Op::Answer { which: 4857, dice: 3610 },
        Op::Expunge { via: 176, set: 47037 },
        Op::Answer { which: 63499, dice: 24183 },
        Op::OtherExpunge { folder: 124, which: 42802 },
        Op::Write(143),
        Op::ReportExists(247),
        Op::Wait(79),
        Op::Fetch { via: 153, set: 7519, items: 147 },
        Op::ReportFlags(15778),
        Op::OtherExpunge { folder: 34, which: 41371 },
    ];
    run(kind, [5, 0], &ops, 173);
}

/// A silent STORE while what was known before is still to be compared.
#[test]
fn flags_that_our_own_store_changed_are_reported_from_what_they_were() {
    let kind = Kind { window: 50_000, view_sync: ViewSync::Flags, ..Kind::default() };
    let flow = |answers, dice| Op::Flow { answers, which: 0, dice };
    let fetch = Op::Fetch { via: 0, set: 0, items: 0 };
    let known = [Op::Select(2), flow(2, 2354), flow(130, 0), flow(1, 0), flow(156, 0), Op::Save(0)];
    let store = Op::Store { via: 0, set: 2662, how: 89, flags: 4 };
    let later = [fetch, fetch, Op::OtherPut { folder: 32, flags: 0 }, Op::Select(8), store];
    run(kind, [3, 0], &[&known[..], &later[..]].concat(), 0);
}

/// One VANISHED reports what our EXPUNGE removed together with what another session did.
#[test]
fn what_we_removed_is_ours_beside_what_others_did() {
    let kind = Kind { window: 50_000, uidplus: true, qresync: true, ..Kind::default() };
    let ops = [
        Op::Select(186),
        Op::Store { via: 0, set: 19300, how: 64, flags: 0 },
        Op::Flow { answers: 68, which: 0, dice: 2 },
        Op::OtherPut { folder: 6, flags: 136 },
        Op::Expunge { via: 0, set: 19129 },
        Op::Notify(0),
        Op::Select(0),
        Op::OtherExpunge { folder: 32, which: 30704 },
        Op::ReportExists(0),
        Op::Select(0),
        Op::Flow { answers: 187, which: 3155, dice: 146 },
        Op::ReportExpunge(22322),
        Op::Select(0),
        Op::Select(0),
    ];
    run(kind, [1, 0], &ops, 0);
}

/// A SELECT is refused for its parameters while an APPEND is on its way, and a mailbox is still
/// selected.
#[test]
fn a_select_that_is_said_again_waits_for_all_others() {
    let kind = Kind { window: 50_000, qresync: true, ..Kind::default() };
    let known = [Op::Select(158), Op::Flow { answers: 10, which: 0, dice: 26 }, Op::Save(0)];
    let refused = [
        Op::Select(8),
        Op::Append { to: 0, size: 0, flags: 0 },
        Op::Write(33),
        Op::Select(0),
        Op::Answer { which: 0, dice: 33121 },
    ];
    run(kind, [0, 0], &[&known[..], &refused[..]].concat(), 0);
}

/// And while it waits, the server reports the mailbox before.
#[test]
fn until_a_select_is_said_again_all_is_about_the_mailbox_before() {
    let kind = Kind { window: 50_000, qresync: true, ..Kind::default() };
    let known = [Op::Select(158), Op::Flow { answers: 10, which: 0, dice: 26 }, Op::Save(0)];
    let refused = [
        Op::Select(8),
        Op::Status(0),
        Op::Write(33),
        Op::List,
        Op::Answer { which: 0, dice: 33121 },
        Op::Flow { answers: 2, which: 12986, dice: 0 },
    ];
    run(kind, [0, 0], &[&known[..], &refused[..]].concat(), 0);
}

/// A STORE by number is sent behind the SELECT that resumes from a state: its changes did not
/// happen while disconnected.
#[test]
fn what_we_change_before_uids_are_known_did_not_happen_while_disconnected() {
    let kind = Kind { window: 50_000, ..Kind::default() };
    let ops = [
        Op::Select(65),
        Op::OtherPut { folder: 55, flags: 0 },
        Op::Flow { answers: 2, which: 0, dice: 3962 },
        Op::Fetch { via: 0, set: 35660, items: 15 },
        Op::Deselect(0),
        Op::Deselect(0),
        Op::Append { to: 126, size: 0, flags: 0 },
        Op::Deselect(0),
        Op::Deselect(0),
        Op::Flow { answers: 5, which: 0, dice: 482 },
        Op::Deselect(0),
        Op::Save(0),
        Op::Select(0),
        Op::Select(59),
        Op::Store { via: 72, set: 28418, how: 65, flags: 1 },
        Op::Fetch { via: 0, set: 34580, items: 0 },
        Op::Fetch { via: 0, set: 504, items: 0 },
        Op::Copy { via: 0, set: 31730, to: 0, moves: true },
    ];
    run(kind, [0, 1], &ops, 0);
}

/// A move by steps ends midway, for UIDVALIDITY has changed: the effect of its STORE is queried.
#[test]
fn what_a_move_in_steps_has_marked_is_asked_however_it_ends() {
    let kind = Kind { window: 50_000, uidplus: true, ..Kind::default() };
    let ops = [
        Op::Select(17),
        Op::Flow { answers: 2, which: 0, dice: 2 },
        Op::Copy { via: 0, set: 42948, to: 90, moves: true },
        Op::Fetch { via: 0, set: 2, items: 0 },
        Op::Flow { answers: 1, which: 0, dice: 0 },
        Op::Flow { answers: 35, which: 0, dice: 2 },
        Op::NewUidValidity { folder: 35, size: 0 },
        Op::ReportFlags(0),
    ];
    run(kind, [0, 3], &ops, 0);
}

/// What is known by number is invalidated while flags are to be queried by number.
#[test]
fn flags_in_doubt_that_can_not_be_asked_by_number_are_asked_by_uid() {
    let kind = Kind { window: 50_000, qresync: true, ..Kind::default() };
    let ops = [
        Op::Select(122),
        Op::Flow { answers: 1, which: 0, dice: 16130 },
        Op::Store { via: 0, set: 63298, how: 64, flags: 13 },
        Op::Search { via: 0, key: 29 },
        Op::OtherExpunge { folder: 116, which: 29378 },
        Op::Fetch { via: 0, set: 17436, items: 0 },
        Op::OtherFlags { folder: 104, which: 18288, flags: 3 },
        Op::Noop,
        Op::OtherFlags { folder: 2, which: 577, flags: 0 },
        Op::OtherPut { folder: 32, flags: 0 },
        Op::Flow { answers: 1, which: 0, dice: 0 },
        Op::Flow { answers: 169, which: 0, dice: 15674 },
        Op::ReportExists(0),
        Op::ReportFlags(47229),
        Op::Answer { which: 0, dice: 10507 },
        Op::Fetch { via: 0, set: 0, items: 32 },
        Op::Store { via: 0, set: 249, how: 64, flags: 44 },
    ];
    run(kind, [3, 0], &ops, 0);
}

/// A comparison of flags is due, in two windows, each of which is sent after a silence of its own.
#[test]
fn idle_waits_for_all_windows_of_a_comparison() {
    let kind = Kind { rev2: true, window: 1, ..Kind::default() };
    let ops = [
        Op::Select(23),
        Op::Fetch { via: 0, set: 2, items: 0 },
        Op::OtherPut { folder: 55, flags: 0 },
        Op::Flow { answers: 2, which: 0, dice: 26 },
        Op::Flow { answers: 18, which: 0, dice: 0 },
        Op::Wait(144),
        Op::Append { to: 0, size: 0, flags: 0 },
        Op::Fetch { via: 0, set: 0, items: 0 },
        Op::Append { to: 146, size: 0, flags: 0 },
        Op::Fetch { via: 0, set: 2334, items: 125 },
    ];
    run(kind, [0, 0], &ops, 0);
}

/// After BAD to a SELECT the server has the mailbox before selected still, and NOTIFY comes into
/// force: what changes in it then is reported as of the selected mailbox, which the client has
/// left.
#[test]
fn a_mailbox_that_the_server_left_later_than_the_client_is_asked_for_its_counts() {
    let kind = Kind { notify: true, window: 50_000, ..Kind::default() };
    let flow = |answers, dice| Op::Flow { answers, which: 0, dice };
    let left = [Op::Select(1), flow(2, 2), flow(2, 2), Op::Select(0), flow(1, 1)];
    let watched = [Op::Notify(2), flow(1, 2), Op::OtherExpunge { folder: 1, which: 0 }, Op::Select(0)];
    run(kind, [0, 1], &[&left[..], &watched[..]].concat(), 0);
}

/// With another UIDVALIDITY the server need not say UIDNEXT. One message goes and another comes,
/// unseen: the count is the same.
#[test]
fn where_uidnext_is_not_known_the_counts_of_a_mailbox_that_was_left_are_reported() {
    let kind = Kind { notify: true, window: 50_000, ..Kind::default() };
    let flow = Op::Flow { answers: 2, which: 0, dice: 2 };
    let changed = [Op::OtherExpunge { folder: 1, which: 0 }, Op::OtherPut { folder: 1, flags: 0 }];
    // No UID is known when it is left; and the last one is.
    for known in [&[][..], &[flow, flow]] {
        let ops =
            [&[Op::Select(1), Op::Notify(2), flow, Op::NewUidValidity { folder: 1, size: 0 }][..], known];
        run(kind, [0, 1], &[&ops.concat()[..], &[Op::Deselect(0)], &changed[..]].concat(), 0);
        run(kind, [0, 1], &[&ops.concat()[..], &changed[..], &[Op::Deselect(0)]].concat(), 0);
    }
}
