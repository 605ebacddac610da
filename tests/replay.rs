//! The example `replay`, as a program: what it counts and prints of recorded bytes, and how it
//! ends.

#[path = "replay/cases.rs"]
mod cases;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long one run may take, on a busy machine too.
const LIMIT: Duration = Duration::from_secs(60);

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 ID ENABLE QRESYNC] ready\r\n";

/// The program, which cargo has built beside the tests: `target/debug/examples/replay`.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("our own file");
    let folder = test.ancestors().nth(2).expect("a target folder");
    let program = folder.join("examples").join(format!("replay{}", std::env::consts::EXE_SUFFIX));
    assert!(
        program.exists(),
        "{} is missing: `cargo test` builds it, and so does `cargo build --example replay`",
        program.display()
    );
    program
}

/// How a run ended, and what it printed.
struct Ended {
    status: Option<i32>,
    lines: Vec<String>,
    errors: String,
}

impl Ended {
    fn last(&self) -> &str {
        self.lines.last().map_or("", String::as_str)
    }

    /// All lines but the last, read as JSON.
    fn objects(&self) -> Vec<Value> {
        let (_, before) = self.lines.split_last().expect("a last line");
        before.iter().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
    }
}

/// Replays files of these bytes.
fn replay(options: &[&str], recorded: &[&[u8]]) -> Ended {
    let folder = TempDir::new().expect("a folder");
    let names: Vec<PathBuf> = (1..=recorded.len()).map(|n| folder.path().join(format!("{n}.imap"))).collect();
    for (name, bytes) in names.iter().zip(recorded) {
        std::fs::write(name, bytes).expect("a file");
    }
    let mut command = Command::new(program());
    run(command.args(options).args(&names))
}

fn run(command: &mut Command) -> Ended {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output().expect("the example runs");
    assert!(begun.elapsed() < LIMIT, "it took {:?}", begun.elapsed());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended {
        status: output.status.code(),
        lines: text(output.stdout).lines().map(str::to_owned).collect(),
        errors: text(output.stderr),
    }
}

/// The counts of one file, by both forms, and the exit status.
#[track_caller]
fn counts(recorded: &[u8], expected: (usize, usize, usize), status: i32) {
    let (responses, unparsed, other) = expected;
    let text = replay(&[], &[recorded]);
    assert_eq!(
        text.last(),
        format!("responses {responses} unparsed {unparsed} other {other}"),
        "{}",
        text.errors
    );
    let json = replay(&["--json"], &[recorded]);
    let line = format!(r#"{{"responses":{responses},"unparsed":{unparsed},"other":{other}}}"#);
    assert_eq!(json.last(), line, "{}", json.errors);
    assert_eq!((text.status, json.status), (Some(status), Some(status)));
}

#[test]
fn all_that_can_be_read_is_counted() {
    let session = "* 3 EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] valid\r\n+ idling\r\nA3 OK [READ-WRITE] done\r\n\
                   * 2 FETCH (UID 9 FLAGS (\\Seen) BODY[] {11}\r\na: b\r\n\r\nc\r\n)\r\n";
    counts(format!("{GREETING}{session}").as_bytes(), (7, 0, 0), 0);
    // A greeting is supplied where there is none, and does not count.
    counts(session.as_bytes(), (6, 0, 0), 0);
    counts(session.replace("\r\n", "\n").replace("{11}", "{8}").as_bytes(), (6, 0, 0), 0);
}

#[test]
fn what_cannot_be_read_and_what_is_not_known_are_distinguished() {
    counts(b"* 1 FETCH (UID)\r\n* 2 EXISTS\r\n", (2, 1, 0), 1);
    counts(b"* XFUTURE 1 (a \"b\")\r\n* 2 EXISTS\r\n", (2, 0, 1), 0);
    counts(b"whatever this is\r\n* XFUTURE\r\n", (2, 1, 1), 1);
}

#[test]
fn every_kind_of_greeting_goes_on() {
    // Asked for its capabilities, since the greeting lacks them; and with tags like our own.
    counts(b"* OK ready\r\nA1 OK x\r\nA2 BAD x\r\na0001 OK x\r\nD1 OK x\r\n* 1 EXISTS\r\n", (6, 0, 0), 0);
    counts(b"* PREAUTH hello\r\n* 1 EXISTS\r\n", (2, 0, 0), 0);
    counts(b"* preauth [CAPABILITY IMAP4rev2] hello\r\n* 1 EXISTS\r\n", (2, 0, 0), 0);
    counts(b"* BYE not today\r\n* 1 EXISTS\r\n", (2, 0, 0), 0);
    counts(b"* 1 EXISTS\r\n* BYE enough\r\n* 2 EXISTS\r\n* 1 FETCH (UID)\r\n", (4, 1, 0), 1);
}

#[test]
fn an_unfinished_end_is_reported_and_not_counted() {
    for (recorded, responses, begins) in [
        ("* 1 EXISTS\r\n* 2 FETCH (BODY[] {100}\r\nabc", 1, "octets at 12 "),
        ("* 1 EXISTS\r\n* 2 EXIS", 1, "incomplete: 8 octets at 12 "),
        ("* OK", 0, "incomplete: 4 octets at 0 "),
    ] {
        counts(recorded.as_bytes(), (responses, 0, 0), 0);
        let text = replay(&[], &[recorded.as_bytes()]);
        let reported =
            text.lines.iter().any(|line| line.starts_with("incomplete: ") && line.contains(begins));
        assert!(reported, "{:?}", text.lines);
        let json = replay(&["--json"], &[recorded.as_bytes()]);
        assert!(json.objects().iter().any(|line| line["note"] == "incomplete"), "{:?}", json.lines);
    }
    counts(b"", (0, 0, 0), 0);
}

#[test]
fn lost_framing_ends_the_connection_and_is_reported() {
    // 4 GiB and more announced: what follows may be of the literal.
    for size in ["4294967296", "99999999999999999999999"] {
        let recorded = format!("* 1 EXISTS\r\n* 1 FETCH (BODY[] {{{size}}}\r\n* 2 EXISTS\r\n");
        counts(recorded.as_bytes(), (2, 1, 0), 1);
        let text = replay(&[], &[recorded.as_bytes()]);
        let ended =
            |line: &String| line.starts_with("the connection ended: ") && line.contains("Limits::literal");
        assert!(text.lines.iter().any(ended), "{:?}", text.lines);
    }
    // A line that has no end in 16 MiB. A search result is read as it arrives.
    let endless = [b"* FLAGS (".to_vec(), b"a ".repeat(9 << 20)].concat();
    counts(&endless, (1, 1, 0), 1);
    let long = [b"* SEARCH".to_vec(), b" 1".repeat(9 << 20)].concat();
    counts(&long, (18, 0, 0), 0);
}

/// A limit that ends the connection is named, with what to do; it is no fault of the library, and
/// the counts stand.
#[test]
fn what_a_limit_ends_is_no_fault() {
    // One row of 80 MiB, more than may wait to be read; each of its literals is within its own
    // limit.
    let half = vec![b'z'; 40 << 20];
    let literal = |section: u8| format!("BODY[{section}] {{{}}}\r\n", half.len()).into_bytes();
    let recorded = [b"* 1 FETCH (", &literal(1)[..], &half, b" ", &literal(2), &half, b")\r\nx\r\n"].concat();
    let text = replay(&[], &[&recorded]);
    assert_eq!((text.last(), text.status), ("responses 2 unparsed 1 other 0", Some(1)), "{}", text.errors);
    assert!(!text.errors.contains("please report"), "{}", text.errors);
    let at = text.lines.iter().position(|line| line.contains("Limits::unread")).expect("the limit's name");
    assert!(text.lines[at + 1].contains("Config::limits"), "{:?}", text.lines.get(at + 1));
    let json = replay(&["--json"], &[&recorded]);
    assert!(json.objects().iter().any(|line| line["note"] == "limit"), "{}", json.errors);
}

#[test]
fn hostile_bytes_are_read_in_time() {
    let deep = [b"* 1 FETCH (BODYSTRUCTURE ".to_vec(), b"(".repeat(100_000), b")\r\n".to_vec()].concat();
    counts(&[&deep, &b"* 1 EXISTS\r\n"[..]].concat(), (2, 1, 0), 1);
    counts(b"* 1 EXISTS\r\n* VANISHED 1:4294967295\r\n* SEARCH 1:4294967295\r\n", (3, 0, 0), 0);
    let many = replay(&["--json"], &[&b"* 1 EXISTS\r\n".repeat(50_000)]);
    assert_eq!((many.last(), many.lines.len()), (r#"{"responses":50000,"unparsed":0,"other":0}"#, 50_001));
}

#[test]
fn each_response_has_its_place() {
    let recorded = b"* 1 EXISTS\r\n\r\n* 1 FETCH (UID 7 BODY[] {3}\r\nabc)\r\nA1 NO [NONEXISTENT] no\r\n+ \r\n* X\r\nbad\r\n";
    let ended = replay(&["--json"], &[recorded]);
    let reported: Vec<_> = ended.objects();
    let place = |one: &Value| {
        (one["offset"].as_u64(), one["octets"].as_u64(), one["kind"].as_str().map(str::to_owned))
    };
    let expected = [
        (0, 12, "untagged"),
        (14, 35, "untagged"),
        (49, 24, "tagged"),
        (73, 4, "continuation"),
        (77, 5, "other"),
        (82, 5, "unparsed"),
    ];
    let expected = expected.map(|(offset, bytes, kind)| (Some(offset), Some(bytes), Some(kind.to_owned())));
    assert_eq!(reported.iter().map(place).collect::<Vec<_>>(), expected);
    assert_eq!((&reported[0]["response"], &reported[0]["exists"]), (&"EXISTS".into(), &1.into()));
    assert_eq!((&reported[1]["response"], &reported[1]["uid"]), (&"FETCH".into(), &7.into()));
    assert_eq!(
        (&reported[2]["tag"], &reported[2]["status"], &reported[2]["code"]),
        (&"A1".into(), &"NO".into(), &"NONEXISTENT".into())
    );
    assert_eq!(reported[5]["bytes"], "bad");
    assert!(
        reported[5]["error"].as_str().is_some_and(|error| error.contains("at byte")),
        "{:?}",
        reported[5]
    );

    let text = replay(&[], &[recorded]);
    let begins: Vec<_> = text.lines.iter().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(begins, ["0", "14", "49", "73", "77", "82", "responses"], "{:?}", text.lines);
    assert!(text.lines[1].contains(r#"FETCH {"#) && text.lines[1].contains(r#""uid":7"#), "{:?}", text.lines);
    assert!(text.lines[5].contains("not understood"), "{:?}", text.lines);
}

#[test]
fn files_are_counted_together_each_on_a_connection_of_its_own() {
    let files: [&[u8]; 3] =
        [b"* BYE no\r\n", b"* 1 FETCH (BODY[] {9999999999}\r\n", b"* OK hi\r\n* X\r\n* 1 FET"];
    let text = replay(&[], &files);
    assert_eq!((text.last(), text.status), ("responses 4 unparsed 1 other 1", Some(1)));
    let names: Vec<_> = text.lines.iter().filter(|line| line.ends_with(".imap:")).collect();
    assert_eq!(names.len(), 3, "{:?}", text.lines);
    let json = replay(&["--json"], &files);
    assert_eq!(json.last(), r#"{"responses":4,"unparsed":1,"other":1}"#);
    let of_third = json
        .objects()
        .iter()
        .filter(|one| one["file"].as_str().is_some_and(|f| f.ends_with("3.imap")))
        .count();
    assert_eq!(of_third, 3, "two responses and a note: {:?}", json.lines);
}

#[test]
fn a_file_that_is_not_there_is_reported_in_one_line() {
    for (arguments, about) in
        [(&["no/such.imap"][..], "no/such.imap"), (&[], "FILE"), (&["--nonsense"], "--nonsense")]
    {
        let ended = run(Command::new(program()).args(arguments));
        assert_eq!((ended.status, ended.lines.len()), (Some(2), 0), "{}", ended.errors);
        assert!(ended.errors.contains(about), "{}", ended.errors);
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let ended = replay(&[], &[b"* OK \x1b[2Jhi\r\n* NO \x1b]0;x\x07\r\nA1 BAD \x1b[1m\r\n+ \x1b[1m\r\n\x1b[1m x\r\n* LIST () \"/\" \"\x1b[1m\"\r\n"]);
    let all = ended.lines.join("\n");
    assert!(!all.contains(|c: char| c.is_control() && c != '\n'), "{all:?}");
}
