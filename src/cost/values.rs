//! The processing of parsed answers: decoded texts, joined rows, combined sets.

use std::hint::black_box;

use super::{Report, repeated};
use crate::command::{Command, Expunge, Fetch, Items, List, Search};
use crate::types::{
    Answer, BodyData, Capabilities, Code, CopyUid, Done, ESearch, Flag, Flags, HeaderText, ListEntry,
    MailboxName, MailboxStatus, Message, NumberList, NumberSet, Part, SearchNumbers, Section, Seq, Status,
    StatusResponse, Uid, UidSet, Untagged,
};
use crate::wire::literals::Literals;
use crate::wire::{Frame, Parser, Response, utf7};

fn number(n: usize) -> u32 {
    u32::try_from(n).expect("a number of a message")
}

/// Numbers in no order, none adjacent; each once up to 100,003.
fn shuffled(n: usize) -> u32 {
    number((n * 7_919) % 100_003 * 2 + 1)
}

fn uid(n: u32) -> Uid {
    Uid::new(n).expect("a UID")
}

fn done() -> Done {
    Done::new(StatusResponse::new(Status::Ok, None, ""))
}

#[test]
fn texts_of_headers() {
    let mut report = Report::default();
    let pieces: &[fn(usize) -> String] = &[
        |_| "=?a?q?x".into(),
        |n| format!("=?x{n}?q?a?= "),
        |n| format!("=?x{n}?q?a?= =?utf-8?q?b?= "),
        |_| "=?utf-8?q?a?= =?iso-8859-1?q?b?= ".into(),
        |_| "=?utf-8?q?=E9".into(),
        |_| "=?utf-8?b?w6k=w6k=?=".into(),
        |_| "=?utf-8?b?$?= ".into(),
        |_| "=?".into(),
        |_| "?=".into(),
        |_| "=?a ?q?".into(),
        |_| "\r\n ".into(),
        |_| "\u{fffd}=".into(),
    ];
    for piece in pieces {
        for (before, after) in [("", ""), ("=?utf-8?b?", "?=")] {
            let text = |count| repeated(before, count, piece, after);
            report.measure(&format!("{before}…{}…{after}", piece(7)), text, |text| {
                black_box(HeaderText::decode(text.as_bytes()).unknown_charsets().count());
            });
        }
    }
    report.end(pieces.len() * 2);
}

/// The row with a body structure with these parameters, as the grammar parses it.
fn parameters(count: usize, piece: impl Fn(usize) -> String) -> Message {
    let text = repeated(
        "* 1 FETCH (BODYSTRUCTURE (\"a\" \"b\" (",
        count,
        piece,
        ") NIL NIL \"7bit\" 1 NIL (\"attachment\" (\"a\" \"b\"))))",
    );
    let frame = Frame { text: text.into(), literals: Literals::None };
    let limits = crate::types::Limits::default();
    match Parser::new(&limits).read(&frame) {
        Ok(Response::Untagged(response)) => match response.into_answer() {
            Answer::Fetch(row) => *row,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn parameters_of_parts() {
    let mut report = Report::default();
    let pieces: &[fn(usize) -> String] = &[
        |n| format!("\"name*{n}*\" \"%C3%A9\" "),
        |n| format!("\"name*{}\" \"a\" ", 1_000_000 - n),
        |_| "\"name*0\" \"a\" ".into(),
        |_| "\"name\" \"=?utf-8?q?a?=\" ".into(),
        |n| format!("\"x{n}\" \"a\" "),
    ];
    for piece in pieces {
        report.measure(
            &piece(7),
            |count| parameters(count, piece),
            |message| {
                let structure = message.body_structure().expect("a structure");
                for part in structure.parts() {
                    black_box((part.file_name(), part.params().count(), part.param("charset")));
                }
            },
        );
    }
    let parts = |count| {
        let part = |_| "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)".to_owned();
        repeated("* 1 FETCH (BODYSTRUCTURE (", count, part, " \"mixed\"))")
    };
    report.measure("parts", parts, |text| {
        let frame = Frame { text: text.into(), literals: Literals::None };
        let Ok(Response::Untagged(response)) = Parser::new(&crate::types::Limits::default()).read(&frame)
        else {
            panic!()
        };
        let Answer::Fetch(row) = response.into_answer() else { panic!() };
        let structure = row.body_structure().expect("a structure");
        black_box(
            structure.parts().filter(|part| part.number().is_some() && part.is("text", "plain")).count(),
        );
    });
    report.end(pieces.len() + 1);
}

#[test]
fn sets_in_any_order() {
    let mut report = Report::default();
    type Order = (&'static str, fn(usize) -> u32);
    let orders: [Order; 3] = [
        ("ascending", |n| number(2 * n + 1)),
        ("descending", |n| 4_000_000_001 - number(2 * n)),
        ("shuffled", shuffled),
    ];
    for (order, nth) in orders {
        let numbers = move |count: usize| (0..count).map(nth).collect::<Vec<u32>>();
        let set = move |count: usize| (0..count).filter_map(|n| Uid::new(nth(n))).collect::<UidSet>();
        report.measure(&format!("made of numbers, {order}"), numbers, |all| {
            black_box(all.into_iter().filter_map(Uid::new).collect::<UidSet>().len());
        });
        let text = move |count| numbers(count).iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        report.measure(&format!("read from text, {order}"), text, |text| {
            black_box(text.parse::<UidSet>().expect("a set").to_string());
        });
        report.measure(&format!("a list's set, {order}"), numbers, |all| {
            black_box(all.into_iter().collect::<NumberList>().to_set());
        });
        report.measure(&format!("combined, {order}"), set, |set| {
            let mut other: UidSet = set.ranges().step_by(3).map(|range| *range.start()).collect();
            black_box((set.difference(&other), set.intersection(&other), set.split(1000).len()));
            other.union_with(&set);
        });
        let code = move |count| {
            let ranges = numbers(count).into_iter().map(|n| uid(n)..=uid(n)).collect::<Vec<_>>();
            CopyUid::new(None, ranges.clone(), ranges)
        };
        report.measure(&format!("COPYUID, {order}"), code, |code| {
            black_box((
                code.from(),
                code.to(),
                code.pairs().count(),
                Code::CopyUid(code.clone()).to_string(),
            ));
        });
        let found = move |count| {
            let answer =
                |n| Answer::Search(SearchNumbers { numbers: NumberSet(uid(n).into()), mod_seq: None });
            numbers(count).into_iter().map(|n| Untagged::new("SEARCH", answer(n), None)).collect::<Vec<_>>()
        };
        report.measure(&format!("SEARCH line by line, {order}"), found, |all| {
            let items = all.into_iter().filter_map(Search::item).collect();
            black_box(Search::all().finish(done(), items).expect("a result").len());
        });
        let found = move |count| {
            let answer = |n: u32| {
                let all = Some(NumberSet(uid(n).into()));
                Answer::ESearch(Box::new(ESearch { all, uid: true, ..ESearch::default() }))
            };
            numbers(count).into_iter().map(|n| Untagged::new("ESEARCH", answer(n), None)).collect::<Vec<_>>()
        };
        report.measure(&format!("ESEARCH in pieces, {order}"), found, |all| {
            let items = all.into_iter().filter_map(Search::item).collect();
            black_box(Search::all().finish(done(), items).expect("a result").len());
        });
        let gone = move |count| {
            let gone = |n| Answer::Expunge { seq: Seq::new(1).expect("1"), uid: Uid::new(n) };
            numbers(count).into_iter().map(|n| Untagged::new("EXPUNGE", gone(n), None)).collect::<Vec<_>>()
        };
        report.measure(&format!("EXPUNGE, {order}"), gone, |all| {
            let items = all.into_iter().filter_map(Expunge::item).collect();
            black_box(Expunge::all_deleted().finish(done(), items).expect("a result"));
        });
    }
    report.end(3 * 8);
}

/// A row of message 1 with these sections.
fn row(sections: impl Iterator<Item = usize>) -> Message {
    let data = |n| BodyData::new(Section::Part(Part::new(number(n) + 1)), None, None);
    let mut row = Message { uid: Uid::new(1), ..Message::default() };
    row.contents_mut().body = sections.map(data).collect();
    row.extras_mut().binary_size = row.sections().iter().map(|data| (data.section.clone(), None)).collect();
    row
}

#[test]
fn rows_of_one_message() {
    let mut report = Report::default();
    type Shape = (&'static str, fn(usize) -> Vec<Message>);
    let shapes: [Shape; 4] = [
        ("eight rows, all the same", |count| (0..8).map(|_| row(0..count / 8)).collect()),
        ("eight rows, all different", |count| {
            (0..8).map(|n| row(n * count / 8..(n + 1) * count / 8)).collect()
        }),
        ("a row for each section", |count| (0..count).map(|n| row(n..=n)).collect()),
        ("a row for each message, twice", |count| {
            let rows = (0..count).map(|n| Message { uid: Uid::new(shuffled(n / 2)), ..row(n..=n) });
            rows.collect()
        }),
    ];
    for (shape, rows) in shapes {
        report.measure(shape, rows, |rows| {
            let fetch = Fetch::new(uid(1), Items::new().flags());
            black_box(fetch.finish(done(), rows).expect("rows").len());
        });
    }
    report.end(shapes.len());
}

#[test]
fn flags_names_and_counts() {
    let mut report = Report::default();
    // No list has more than a few thousand flags.
    let flags = |count: usize| (0..count / 10).map(|n| Flag::new(&format!("k{n}"))).collect::<Flags>();
    let two =
        |count| (flags(count), flags(count).iter().collect::<Vec<_>>().into_iter().rev().collect::<Flags>());
    report.measure("flags compared", two, |(a, b)| assert!(a == b));
    report.measure("flags added", two, |(mut a, b)| a.extend(b.iter()));
    report.measure("flags printed", flags, |flags| {
        black_box(flags.to_string());
    });
    let words = |count: usize| (0..count).map(|n| format!("X{n}")).collect::<Vec<_>>();
    report.measure("capabilities", words, |all| {
        black_box(all.into_iter().collect::<Capabilities>().len());
    });
    for piece in ["&AOk-", "a", "é", "aé", "&", "&-", "\u{10000}"] {
        let text = |count: usize| piece.repeat(count);
        report.measure(&format!("a name of {piece}"), text, |text| {
            black_box((utf7::decode(text.as_bytes()), utf7::encode(&text), MailboxName::new(&text)));
        });
    }
    for pattern in ["*", "%", "*a*b*", "%a%b%", "a*%*%*", "*x"] {
        let response = |count: usize| {
            Untagged::new("LIST", Answer::List(Box::new(ListEntry::new("ab".repeat(count)))), None)
        };
        report.measure(&format!("a name under {pattern}"), response, |response| {
            black_box(List::new(pattern).claims(&response));
        });
    }
    let status = |count: usize| {
        let mut status = MailboxStatus::new("a");
        status.other = (0..count).map(|n| (format!("X{n}"), String::new())).collect();
        status
    };
    let statuses = |count| (status(count), status(count / 2));
    report.measure("counts merged", statuses, |(mut a, b)| a.add_missing(b));
    report.end(3 + 1 + 7 + 6 + 1);
}
