//! The framer against known results, and against itself with the same bytes split in every way.

use super::*;

/// A linear congruential generator: random enough to split bytes, and the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// The framer's result for these pieces: its frames, its error, and whether a partial response is
/// left.
type Outcome = (Vec<Frame>, Option<FrameError>, bool);

fn run<'a>(limits: &Limits, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut framer = Framer::new(limits);
    let mut src = BytesMut::new();
    let mut frames = vec![];
    for piece in pieces {
        src.extend_from_slice(piece);
        loop {
            match framer.decode(&mut src) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(framer.decode(&mut src), Err(error.clone()), "an error stays");
                    return (frames, Some(error), false);
                }
            }
        }
        assert!(src.is_empty(), "None means that all was taken");
    }
    let partial = framer.is_partial(&src);
    (frames, None, partial)
}

fn whole(limits: &Limits, bytes: &[u8]) -> Outcome {
    run(limits, [bytes])
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let (frames, error, partial) = whole(&Limits::default(), bytes);
    assert_eq!((error, partial), (None, false));
    frames
}

fn texts(bytes: &[u8]) -> Vec<String> {
    frames(bytes).iter().map(|f| f.text.escape_ascii().to_string()).collect()
}

fn limits(line: usize, literal: usize, response: usize) -> Limits {
    let mut limits = Limits::default();
    (limits.line, limits.literal, limits.response) = (line, literal, response);
    limits
}

/// Responses of all shapes; the one large literal has `large` bytes.
fn session(large: usize) -> Vec<u8> {
    let mut bytes = b"* OK [CAPABILITY IMAP4rev1] hello {5}\r\n\
        \r\n\n\
        * 1 FETCH (UID 7 FLAGS (\\Seen))\r\n\
        + go on {3}\r\n\
        * 2 FETCH (BODY[1] {5}\r\na\r\nb\n BODY[2]{05+}\r\n{1}\r\n BINARY[3] ~{2}\r\n\0\xff X {0}\r\n)\r\n\
        * LIST () \"/\" {4}\na\"b)\n\
        +\r\n\
        A1 no {12}\n\
        * SEARCH \r\r\n\
        * 3 FETCH (BODY[] {"
        .to_vec();
    bytes.extend_from_slice(format!("{large}}}\r\n").as_bytes());
    bytes.extend((0..large).map(|i| b"\r\n* 1 EXPUNGE {9}"[i % 17]));
    bytes.extend_from_slice(b" UID 9)\r\nA2 OK done\r\n");
    bytes
}

#[test]
fn cuts_a_session() {
    let frames = frames(&session(5000));
    let texts: Vec<_> = frames.iter().map(|f| f.text.escape_ascii().to_string()).collect();
    assert_eq!(
        texts,
        [
            r"* OK [CAPABILITY IMAP4rev1] hello {5}",
            r"* 1 FETCH (UID 7 FLAGS (\\Seen))",
            r"+ go on {3}",
            r"* 2 FETCH (BODY[1] {5}\r\na\r\nb\n BODY[2]{05+}\r\n{1}\r\n BINARY[3] ~{2}\r\n\x00\xff X {0}\r\n)",
            "* LIST () \\\"/\\\" {4}\\r\\na\\\"b)",
            "+",
            "A1 no {12}",
            "* SEARCH ",
            r"* 3 FETCH (BODY[] {5000}\r\n UID 9)",
            "A2 OK done",
        ]
    );
    let literals: Vec<_> =
        frames.iter().map(|f| f.literals.iter().map(Bytes::len).collect::<Vec<_>>()).collect();
    assert_eq!(literals.concat(), [5000]);
    assert!(frames[8].literals[0].starts_with(b"\r\n* 1 EXPUNGE {9}\r\n"));
}

#[test]
fn a_large_literal_begins_at_its_bound() {
    for size in [LARGE_LITERAL - 1, LARGE_LITERAL, LARGE_LITERAL + 1] {
        let mut bytes = format!("* 1 FETCH (A {{{size}}}\r\n").into_bytes();
        bytes.extend(vec![b'x'; size]);
        bytes.extend_from_slice(b" B {4096}\r\n");
        bytes.extend(vec![b'y'; 4096]);
        bytes.extend_from_slice(b")\r\n");
        let frames = frames(&bytes);
        let [frame] = frames.as_slice() else { panic!("{} frames", frames.len()) };
        let small = size < LARGE_LITERAL;
        assert_eq!(frame.literals.len(), if small { 1 } else { 2 });
        assert!(frame.literals.last().is_some_and(|l| l.iter().all(|&b| b == b'y')));
        assert_eq!(frame.text.len() > size, small);
        assert!(frame.text.ends_with(b" B {4096}\r\n)"));
    }
}

#[test]
fn any_cut_gives_the_same_frames() {
    let bytes = session(LARGE_LITERAL + 3);
    let limits = Limits::default();
    let expected = whole(&limits, &bytes);
    assert_eq!(run(&limits, bytes.chunks(1)), expected, "byte by byte");
    for at in 0..bytes.len() {
        let (a, b) = bytes.split_at(at);
        assert_eq!(run(&limits, [a, b]), expected, "cut at {at}");
    }
}

/// Streams of fragments that matter to a framer, well-formed or not, with tight and wide limits.
#[test]
fn any_cut_gives_the_same_outcome_for_any_bytes() {
    const SCRAPS: &[u8] = b"* |OK |no|* BYE|* 1 FETCH (|+|A1 |[|\"|{|}|{3}|{0}|{12+}|~{4}|{17}\r\n|{4100}\r\n|\
        {99999999999999999999}|{4100}|\r\n|\r\n|\n|\r|\r\n| |\t|\0|\xff\xfe|text|0123456789abcdef0123456789abcdef";
    let scraps: Vec<_> = SCRAPS.split(|&b| b == b'|').collect();
    let mut random = Random(7);
    let (mut framed, mut refused) = (0, 0);
    for round in 0..3000 {
        let mut bytes = vec![];
        for _ in 0..random.below(60) {
            match random.below(40) {
                0 => bytes.resize(bytes.len() + random.below(5000), b'z'),
                i => bytes.extend_from_slice(scraps[i % scraps.len()]),
            }
        }
        let limits = match round % 3 {
            0 => Limits::default(),
            1 => limits(random.below(200), random.below(60), random.below(300)),
            _ => limits(random.below(6000), random.below(6000), random.below(9000)),
        };
        let expected = whole(&limits, &bytes);
        framed += expected.0.len();
        refused += usize::from(expected.1.is_some());
        for most in [1, 7, 3000] {
            let mut rest = bytes.as_slice();
            let pieces = std::iter::from_fn(|| {
                let (piece, after) = rest.split_at(rest.len().min(random.below(most) + 1));
                rest = after;
                (!piece.is_empty()).then_some(piece)
            });
            assert_eq!(run(&limits, pieces), expected, "{}", bytes.escape_ascii());
        }
    }
    assert!(framed > 3000 && refused > 300, "{framed} frames, {refused} errors: too few to show anything");
}

#[test]
fn human_text_is_never_a_literal() {
    for line in [
        "* OK retry after {5}",
        "* ok {5}",
        "*  NO  {5}",
        "* BAD {5+}",
        "* BYE ~{5}",
        "* PREAUTH {5}",
        "* OK [ALERT] {5}",
        "* OK {5}",
        "A001 OK {5}",
        "A001 no [TRYCREATE] {5}",
        "x.9 BAD {5}",
        "+ {5}",
        "+ OK {5}",
        "+{5}",
        "[COPYUID 1 2 3] {5}",
        "* [COPYUID 1 2 3] {5}",
    ] {
        assert_eq!(texts(format!("{line}\r\n* 1 EXISTS\r\n").as_bytes()), [line, "* 1 EXISTS"]);
    }
}

#[test]
fn all_other_lines_may_go_on_with_a_literal() {
    for line in [
        "* OKAY {5}",
        "* NOOP {5}",
        "* NO-MORE {5}",
        "* 1 FETCH (BODY[] {5}",
        "* 1 FETCH (BODY[]{5}",
        "* 1 FETCH (BODY[] {00005}",
        "* 1 FETCH (BINARY[] ~{5}",
        "* 1 FETCH (BODY[] {5+}",
        "* 1 FETCH (\"an unescaped \" here\" {5}",
        "* X-UNKNOWN {5}",
        "* {5}",
        "{5}",
        " BODY[2] {5}",
    ] {
        let text = format!("{line}\r\nA\r\nB\n tail");
        assert_eq!(texts(format!("{text}\r\n").as_bytes()), [text.escape_default().to_string()]);
    }
}

#[test]
fn after_a_literal_nothing_is_human_text() {
    let bytes = b"* 1 FETCH (A {1}\r\n- x NO {3}\r\n\r\n) + {2}\r\nab)\r\n* 1 EXISTS\r\n";
    assert_eq!(texts(bytes), [r"* 1 FETCH (A {1}\r\n- x NO {3}\r\n\r\n) + {2}\r\nab)", "* 1 EXISTS"]);
    let bytes = b"* 1 FETCH (A {1}\r\n-x NO {2}\r\nab)\r\n";
    assert_eq!(texts(bytes), [r"* 1 FETCH (A {1}\r\n-x NO {2}\r\nab)"]);
}

#[test]
fn malformed_announcements_are_text() {
    for end in ["{}", "{x}", "{-1}", "5}", "{5} ", "{5}x", "{5++}", "\"{5}\"", "{+}", "{5 }"] {
        let line = format!("* 1 FETCH {end}");
        let frame = Frame { text: line.clone().into(), literals: Default::default() };
        assert_eq!(frames(format!("{line}\r\n").as_bytes()), [frame]);
    }
}

#[test]
fn after_a_literal_announced_too_short_the_next_line_is_read() {
    // The last two bytes of the body are left over: two lines without meaning, then the framing is
    // right again.
    let bytes = b"* 1 FETCH (BODY[] {5}\r\nhello\r\n)\r\n* 2 EXISTS\r\n";
    assert_eq!(texts(bytes), [r"* 1 FETCH (BODY[] {5}\r\nhello", ")", "* 2 EXISTS"]);
}

fn error(limits: &Limits, bytes: &[u8]) -> FrameError {
    let (_, error, _) = whole(limits, bytes);
    assert_eq!(run(limits, bytes.chunks(1)).1, error, "whole or byte by byte");
    error.expect("a limit is passed")
}

#[test]
fn a_line_has_a_limit_with_and_without_an_end() {
    let limits = limits(100, 100, 1000);
    let fits = [&[b'x'; 99][..], b"\r\n"].concat();
    assert_eq!(whole(&limits, &fits).0.len(), 1);
    let expected = FrameError::Line { limit: 100, begin: "x".repeat(EXCERPT) };
    assert_eq!(error(&limits, &[b'x'; 101]), expected);
    assert_eq!(error(&limits, &[&[b'x'; 101][..], b"\r\n"].concat()), expected);
    assert!(expected.to_string().contains("more than 100 bytes"));

    // All bytes outside literals count together.
    let around = [&[b'x'; 50][..], b"{3}\r\nabc", &[b'y'; 50]].concat();
    assert!(matches!(error(&limits, &around), FrameError::Line { limit: 100, .. }));
    // An endless run of empty lines is stopped, too.
    assert!(matches!(error(&limits, &b"\r\n".repeat(60)), FrameError::Line { limit: 100, .. }));
    assert_eq!(whole(&limits, &b"* 1 EXISTS\r\n\r\n".repeat(60)).0.len(), 60);
}

#[test]
fn a_literal_has_a_limit() {
    let limits = limits(1000, 5000, 9000);
    for (announced, figure) in [
        ("5001", 5001),
        ("4000000000", 4_000_000_000),
        ("18446744073709551615", u64::MAX),
        ("99999999999999999999999999", u64::MAX),
    ] {
        let bytes = format!("* 1 FETCH (BODY[] {{{announced}}}\r\n");
        let begin = format!("* 1 FETCH (BODY[] {{{announced}}}");
        let expected = FrameError::Literal { announced: figure, limit: 5000, begin };
        assert_eq!(error(&limits, bytes.as_bytes()), expected);
    }
    let mut bytes = b"* 1 FETCH (BODY[] {5000}\r\n".to_vec();
    bytes.resize(bytes.len() + 5000, b'x');
    assert_eq!(
        error(&limits, &[&bytes[..], b" X {4000}\r\n"].concat()),
        FrameError::Response { limit: 9000, begin: "* 1 FETCH (BODY[] {5000}\\r\\n X {4000}".into() }
    );
}

#[test]
fn a_response_has_a_limit_in_all() {
    let limits = limits(1000, 100, 60);
    assert!(matches!(error(&limits, &[b'x'; 61]), FrameError::Response { limit: 60, .. }));
    assert!(matches!(error(&limits, b"* {60}\r\n"), FrameError::Response { limit: 60, .. }));
    let line = [&b"* {50}\r\n"[..], &[b'x'; 50], b"0123"].concat();
    assert!(matches!(error(&limits, &line), FrameError::Response { limit: 60, .. }));
    // The limit is per response.
    let one = [&b"* {50}\r\n"[..], &[b'x'; 50], b"01\r\n"].concat();
    assert_eq!(whole(&limits, &one.repeat(5)).0.len(), 5);
}

#[test]
fn an_announcement_allocates_nothing() {
    let mut framer = Framer::new(&limits(1000, 4_000_000_000, 4_000_001_000));
    let mut src = BytesMut::from(&b"* 1 FETCH (BODY[] {4000000000}\r\n"[..]);
    assert_eq!(framer.decode(&mut src), Ok(None));
    assert_eq!(framer.wanted(), 4_000_000_000);
    let held = |framer: &Framer| match &framer.state {
        State::Large { data, .. } => data.capacity(),
        _ => panic!("in a large literal"),
    };
    assert_eq!(held(&framer), 0);
    for come in 1..=100 {
        src.extend_from_slice(&[0; 1000]);
        assert_eq!(framer.decode(&mut src), Ok(None));
        assert!(held(&framer) <= 2000 * come, "{} for {come} thousand", held(&framer));
    }
    assert_eq!(framer.wanted(), 4_000_000_000 - 100_000);
    assert!(framer.is_partial(&src));
}

#[test]
fn reports_partial_responses() {
    let limits = Limits::default();
    for (bytes, partial) in [
        (&b""[..], false),
        (b"\r\n\r", false),
        (b"* 1 EXISTS\r\n", false),
        (b"*", true),
        (b"* 1 EXISTS\r", true),
        (b"* 1 FETCH {3}\r\n", true),
        (b"* 1 FETCH {3}\r\nab", true),
        (b"* 1 FETCH {3}\r\nabc", true),
        (b"* 1 FETCH {5000}\r\n", true),
    ] {
        assert_eq!(whole(&limits, bytes).2, partial, "{}", bytes.escape_ascii());
    }
    // Bytes that have not been decoded count as well.
    let framer = Framer::new(&limits);
    assert!(!framer.is_partial(&BytesMut::from("\r\n")));
    assert!(framer.is_partial(&BytesMut::from("\r\n*")));
}

#[test]
fn small_texts_share_a_small_block_and_large_ones_share_nothing() {
    let mut framer = Framer::new(&Limits::default());
    // A long line, an end of many CRs, an empty line of many CRs: none may keep a large block.
    let mut src = BytesMut::new();
    for long in [&[b'x'; 100_000][..], &[&b"y"[..], &[b'\r'; 100_000]].concat(), &[b'\r'; 100_000]] {
        src.extend_from_slice(long);
        src.extend_from_slice(b"\r\n* 1 EXISTS\r\n");
    }
    src.extend_from_slice(b"* 2 EXI");
    let mut kept = vec![];
    while let Some(frame) = framer.decode(&mut src).unwrap() {
        assert!(framer.text.capacity() <= TEXT_BLOCK);
        kept.push(frame.text);
    }
    assert_eq!(kept.iter().map(Bytes::len).collect::<Vec<_>>(), [100_000, 10, 1, 10, 10]);
    assert!(framer.text.capacity() <= TEXT_BLOCK);
    // After the response, no buffer is held.
    src.extend_from_slice(b"STS\r\n");
    assert!(framer.decode(&mut src).unwrap().is_some());
    assert_eq!(framer.decode(&mut src), Ok(None));
    assert_eq!(framer.text.capacity(), 0);
}

/// The numbers of all frames, as in the original line, and the number of frames.
fn joined(outcome: &Outcome, before: &str, between: &str) -> (String, usize) {
    let texts: Vec<_> = outcome.0.iter().map(|f| String::from_utf8_lossy(&f.text).into_owned()).collect();
    let numbers = texts.iter().map(|text| text.strip_prefix(before).expect("each has the beginning"));
    (numbers.collect::<Vec<_>>().join(between), texts.len())
}

#[test]
fn a_list_of_numbers_longer_than_a_line_is_cut_into_pieces() {
    let numbers = |by: &str| (1..=400).map(|n| (n * 7).to_string()).collect::<Vec<_>>().join(by);
    let limits = limits(300, 1000, 1000);
    for (before, by) in [
        ("* SEARCH ", " "),
        ("* SORT ", " "),
        ("* VANISHED ", ","),
        ("* VANISHED (EARLIER) ", ","),
        ("* ESEARCH (TAG \"A 1\") UID ALL ", ","),
    ] {
        let line = format!("{before}{}\r\n", numbers(by));
        let expected = whole(&limits, line.as_bytes());
        assert_eq!(expected.1, None, "{before}");
        let (all, count) = joined(&expected, before, by);
        assert_eq!(all, numbers(by));
        assert!(count >= line.len() / 300, "{count} pieces of {before}");
        assert!(expected.0.iter().all(|f| f.text.len() <= 300));
        assert_eq!(run(&limits, line.as_bytes().chunks(1)), expected, "byte by byte");
        for at in 0..line.len() {
            let (a, b) = line.as_bytes().split_at(at);
            assert_eq!(run(&limits, [a, b]), expected, "cut at {at}");
        }
    }
}

#[test]
fn other_lines_keep_their_limit() {
    let limits = limits(300, 1000, 1000);
    let many = "1 ".repeat(400);
    for line in
        [format!("* LIST {many}"), format!("* SEARCH x {many}"), format!("* SEARCH {}", "1".repeat(800))]
    {
        let error = error(&limits, format!("{line}\r\n").as_bytes());
        assert!(matches!(error, FrameError::Line { limit: 300, .. }), "{error}");
    }
    // Data after the numbers is in the last piece.
    let line = format!("* SEARCH {many}(MODSEQ 5)\r\n* 5 EXISTS\r\n");
    let (frames, error, _) = whole(&limits, line.as_bytes());
    assert_eq!(error, None);
    let last: Vec<_> = frames.iter().rev().take(2).map(|f| &f.text[..]).collect();
    assert_eq!(last[0], b"* 5 EXISTS");
    assert!(last[1].starts_with(b"* SEARCH 1 ") && last[1].ends_with(b" (MODSEQ 5)"), "{last:?}");
}

/// A long literal that is read straight into its buffer gives the same frame, however it is cut.
#[test]
fn a_literal_may_be_read_to_where_it_is_kept() {
    use bytes::BufMut;
    let body: Vec<u8> = (0..200_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let head = format!("* 1 FETCH (BODY[] {{{}}}\r\n", body.len());
    for (first, step) in [(0, 1000), (1, 65_536), (100, 7), (150_000, 40_000), (199_999, 1)] {
        let mut framer = Framer::new(&Limits::default());
        let mut src = BytesMut::from(head.as_bytes());
        src.extend_from_slice(&body[..first]);
        assert_eq!(framer.decode(&mut src), Ok(None));
        let (mut at, mut direct) = (first, 0);
        while let Some(mut room) = framer.direct_room() {
            let count = step.min(room.remaining_mut()).min(body.len() - at);
            assert!(count > 0, "there is room while bytes are wanted");
            room.put_slice(&body[at..at + count]);
            framer.note_direct_read(count);
            (at, direct) = (at + count, direct + count);
        }
        assert!(direct > 0 || body.len() - first < 32 << 10, "{first}");
        src.extend_from_slice(&body[at..]);
        src.extend_from_slice(b")\r\n");
        let frame = framer.decode(&mut src).expect("within limits").expect("whole");
        assert_eq!(frame.literals[0], body, "{first}, {step}");
        assert_eq!(&frame.text[frame.text.len() - 1..], b")");
    }
}
