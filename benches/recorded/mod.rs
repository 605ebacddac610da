//! A server's answer to a FETCH, made up: the same bytes in each run. For the benches here and for
//! the comparison with other crates.

use std::fmt::Write;

/// A workload.
#[derive(Debug)]
pub(crate) struct Work {
    /// What it is called in tables.
    pub(crate) name: &'static str,
    /// How many responses it has.
    pub(crate) rows: usize,
    /// They themselves.
    pub(crate) bytes: Vec<u8>,
}

/// All workloads: some megabytes each, more than the caches next to a core hold.
pub(crate) fn works() -> [Work; 3] {
    [("flags", 40_000, flags as fn(u32) -> Vec<u8>), ("envelopes", 5000, envelopes), ("bodies", 500, bodies)]
        .map(|(name, rows, make)| Work { name, rows: usize::try_from(rows).unwrap_or(0), bytes: make(rows) })
}

/// A small generator of numbers (xorshift64), so that rows differ as those of a mailbox do.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let index = self.below(all.len() as u64);
        all[usize::try_from(index).unwrap_or(0)]
    }
}

const FLAGS: [&str; 8] = [
    "\\Seen",
    "\\Seen",
    "\\Answered \\Seen",
    "",
    "\\Flagged \\Seen",
    "\\Seen $Forwarded",
    "\\Seen NonJunk",
    "\\Deleted \\Seen",
];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const NAMES: [&str; 8] =
    ["Ann Example", "Bob B. Sample", "Carla", "\\\"Dee\\\" Doe", "", "E. F. Gee", "Hugo", "Ida"];
const HOSTS: [&str; 4] = ["example.org", "mail.example.com", "lists.example.net", "example.edu"];
const WORDS: [&str; 12] = [
    "meeting",
    "notes",
    "re:",
    "the",
    "quarterly",
    "report",
    "lunch",
    "on",
    "friday",
    "patch",
    "v2",
    "=?utf-8?q?caf=C3=A9?=",
];

fn date(random: &mut Random) -> String {
    format!(
        "{:02}-{}-20{:02} {:02}:{:02}:{:02} +0{}00",
        random.below(28) + 1,
        random.of(&MONTHS),
        random.below(25),
        random.below(24),
        random.below(60),
        random.below(60),
        random.below(3)
    )
}

/// Rows of `FETCH (UID FLAGS INTERNALDATE RFC822.SIZE)`.
pub(crate) fn flags(rows: u32) -> Vec<u8> {
    let (mut out, mut random, mut uid) = (String::new(), Random(4711), 1000u64);
    for n in 1..=rows {
        uid += random.below(3) + 1;
        let (flags, date, size) = (random.of(&FLAGS), date(&mut random), random.below(90_000) + 300);
        let _ = write!(
            out,
            "* {n} FETCH (UID {uid} FLAGS ({flags}) INTERNALDATE \"{date}\" RFC822.SIZE {size})\r\n"
        );
    }
    out.into_bytes()
}

/// Rows of `FETCH (UID FLAGS ENVELOPE BODYSTRUCTURE)`.
pub(crate) fn envelopes(rows: u32) -> Vec<u8> {
    let (mut out, mut random) = (String::new(), Random(42));
    for n in 1..=rows {
        let (flags, date) = (random.of(&FLAGS), date(&mut random).replace('-', " "));
        let subject = (0..random.below(7) + 2).map(|_| random.of(&WORDS)).collect::<Vec<_>>().join(" ");
        let from = address(&mut random);
        let to = (0..random.below(3) + 1).map(|_| address(&mut random)).collect::<String>();
        let cc = if random.below(4) == 0 { format!("({})", address(&mut random)) } else { "NIL".into() };
        let answered = if random.below(2) == 0 { format!("\"<{n}.a@example.org>\"") } else { "NIL".into() };
        let structure = structure(&mut random);
        let _ = write!(
            out,
            "* {n} FETCH (UID {} FLAGS ({flags}) ENVELOPE (\"{date}\" \"{subject}\" ({from}) ({from}) ({from}) ({to}) \
             {cc} NIL {answered} \"<{n}.{}@example.org>\") BODYSTRUCTURE {structure})\r\n",
            n * 2 + 7,
            random.below(u64::MAX)
        );
    }
    out.into_bytes()
}

fn address(random: &mut Random) -> String {
    let (name, host, number) = (random.of(&NAMES), random.of(&HOSTS), random.below(900));
    if name.is_empty() {
        format!("(NIL NIL \"user{number}\" \"{host}\")")
    } else {
        format!("(\"{name}\" NIL \"user{number}\" \"{host}\")")
    }
}

fn structure(random: &mut Random) -> String {
    let text = |random: &mut Random, kind: &str| {
        let size = random.below(20_000) + 20;
        format!(
            "(\"text\" \"{kind}\" (\"charset\" \"utf-8\" \"format\" \"flowed\") NIL NIL \"quoted-printable\" {size} {} \
             NIL NIL NIL NIL)",
            size / 40
        )
    };
    let boundary = random.below(u64::MAX);
    match random.below(3) {
        0 => text(random, "plain"),
        1 => {
            let (plain, html) = (text(random, "plain"), text(random, "html"));
            format!("({plain}{html} \"alternative\" (\"boundary\" \"=_{boundary:x}\") NIL NIL NIL)")
        }
        _ => {
            let (plain, html) = (text(random, "plain"), text(random, "html"));
            let size = random.below(3_000_000);
            format!(
                "(({plain}{html} \"alternative\" (\"boundary\" \"=_{boundary:x}a\") NIL NIL NIL)(\"application\" \"pdf\" \
                 (\"name\" \"report {size}.pdf\") NIL NIL \"base64\" {size} NIL (\"attachment\" (\"filename\" \
                 \"report {size}.pdf\" \"size\" \"{size}\")) NIL NIL) \"mixed\" (\"boundary\" \"=_{boundary:x}\") NIL NIL NIL)"
            )
        }
    }
}

/// Rows of `FETCH (UID BODY.PEEK[])`, of 1 to 16 kB.
pub(crate) fn bodies(rows: u32) -> Vec<u8> {
    let (mut out, mut random) = (Vec::new(), Random(7));
    for n in 1..=rows {
        let mut body = format!("Subject: message {n}\r\n\r\n");
        let length = usize::try_from(random.below(15_000) + 1000).unwrap_or(1000);
        while body.len() < length {
            body.push_str(random.of(&WORDS));
            body.push_str(if random.below(9) == 0 { "\r\n" } else { " " });
        }
        out.extend_from_slice(
            format!("* {n} FETCH (UID {} BODY[] {{{}}}\r\n{body})\r\n", n + 100, body.len()).as_bytes(),
        );
    }
    out
}
