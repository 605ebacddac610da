//! What the model server makes of a command line. Written apart from the library's encoder, from
//! the grammar of RFC 9051 section 9, and only as far as the programs need it.

/// A line in pieces: text, and literals between (RFC 9051 section 4.3).
#[derive(Clone, Debug)]
pub(super) enum Part {
    Text(Vec<u8>),
    Literal(Vec<u8>),
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Arg {
    Word(String),
    /// A quoted string or a literal.
    Text(Vec<u8>),
    List(Vec<Arg>),
}

/// Messages as a command names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) by_uid: bool,
    /// `u32::MAX` stands for `*`.
    ranges: Vec<(u32, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cmd {
    Noop,
    Capability,
    Logout,
    Idle,
    List,
    Select { name: String, read_only: bool, resume: Option<(u32, u64)>, condstore: bool },
    Deselect { expunge: bool },
    Create(String),
    Status(String),
    Append { to: String, flags: Vec<String>, size: usize },
    Fetch { which: Named, items: Vec<String>, since: Option<u64> },
    Store { which: Named, sign: char, silent: bool, flags: Vec<String> },
    Search { key: String, extended: bool },
    Copy { which: Named, to: String, moves: bool },
    Expunge(Option<Named>),
    Notify { immediately: bool, others: bool },
}

impl Named {
    pub(super) fn parse(text: &str, by_uid: bool) -> Self {
        let number = |text: &str| {
            // The highest number there can be is a number all the same, and no `*`.
            let number = if text == "*" { u32::MAX } else { text.parse().unwrap_or(0).min(u32::MAX - 1) };
            assert!(number > 0, "{text} is no message number (nz-number)");
            number
        };
        let range = |text: &str| match text.split_once(':') {
            Some((a, b)) => (number(a), number(b)),
            None => (number(text), number(text)),
        };
        Self { by_uid, ranges: text.split(',').map(range).collect() }
    }

    /// Whether `*` is in it.
    pub(super) fn is_open(&self) -> bool {
        self.ranges.iter().any(|(a, b)| *a == u32::MAX || *b == u32::MAX)
    }

    /// Whether it names this one, where `last` is the highest there is. A range may stand either
    /// way round (RFC 9051 section 9, seq-range).
    pub(super) fn has(&self, number: u32, last: u32) -> bool {
        let end = |n: u32| if n == u32::MAX { last } else { n };
        self.ranges
            .iter()
            .map(|(a, b)| (end(*a), end(*b)))
            .any(|(a, b)| (a.min(b)..=a.max(b)).contains(&number))
    }

    /// Whether both may name the same message.
    pub(super) fn may_meet(&self, other: &Self) -> bool {
        self.by_uid != other.by_uid
            || self.is_open()
            || other.is_open()
            || self
                .ranges
                .iter()
                .any(|(a, b)| other.ranges.iter().any(|(c, d)| a.min(b) <= c.max(d) && c.min(d) <= a.max(b)))
    }
}

impl Cmd {
    /// The messages that it names.
    pub(super) fn named(&self) -> Option<&Named> {
        match self {
            Self::Fetch { which, .. } | Self::Store { which, .. } | Self::Copy { which, .. } => Some(which),
            Self::Expunge(which) => which.as_ref(),
            _ => None,
        }
    }

    /// Its name, without `UID`.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Noop => "NOOP",
            Self::Capability => "CAPABILITY",
            Self::Logout => "LOGOUT",
            Self::Idle => "IDLE",
            Self::List => "LIST",
            Self::Select { .. } => "SELECT",
            Self::Deselect { .. } => "CLOSE",
            Self::Create(_) => "CREATE",
            Self::Status(_) => "STATUS",
            Self::Append { .. } => "APPEND",
            Self::Fetch { .. } => "FETCH",
            Self::Store { .. } => "STORE",
            Self::Search { .. } => "SEARCH",
            Self::Copy { .. } => "COPY",
            Self::Expunge(_) => "EXPUNGE",
            Self::Notify { .. } => "NOTIFY",
        }
    }

    pub(super) fn is_by_number(&self) -> bool {
        let by_key =
            matches!(self, Self::Search { key, .. } if key.starts_with(|c: char| c.is_ascii_digit()));
        by_key || self.named().is_some_and(|which| !which.by_uid)
    }

    /// The server may send EXPUNGE while it runs: not during FETCH, STORE and SEARCH by number (RFC
    /// 9051 section 7.5.1; COPY by number is not among them).
    pub(super) fn lets_expunge_through(&self) -> bool {
        !matches!(self, Self::Fetch { which, .. } | Self::Store { which, .. } if !which.by_uid)
    }

    /// It needs a selected mailbox (RFC 9051 section 6.4).
    pub(super) fn is_about_messages(&self) -> bool {
        self.named().is_some()
            || matches!(self, Self::Expunge(_) | Self::Search { .. } | Self::Deselect { .. })
    }

    pub(super) fn changes_selection(&self) -> bool {
        matches!(self, Self::Select { .. } | Self::Deselect { .. })
    }

    /// What it does with flags: writes them, reads them, or neither. BODY[] without PEEK sets \Seen
    /// (RFC 9051 section 6.4.5); what EXPUNGE does hangs on \Deleted.
    pub(super) fn flag_use(&self) -> (bool, bool) {
        match self {
            Self::Store { .. } | Self::Expunge(_) | Self::Copy { moves: true, .. } => (true, true),
            Self::Fetch { items, .. } => {
                (items.iter().any(|i| i.starts_with("BODY[")), items.iter().any(|i| i == "FLAGS"))
            }
            Self::Search { key, .. } => {
                (false, key != "ALL" && !key.starts_with("UID ") && !self.is_by_number())
            }
            Self::Copy { moves: false, .. } => (false, true),
            _ => (false, false),
        }
    }

    /// Reads a command's arguments: all after the tag.
    pub(super) fn parse(parts: &[Part]) -> Self {
        let mut args = arguments(parts).into_iter();
        macro_rules! next {
            () => {
                next(&mut args)
            };
        }
        let mut name = word(&next!());
        let by_uid = name == "UID";
        if by_uid {
            name = word(&next!());
        }
        let cmd = match name.as_str() {
            "NOOP" => Self::Noop,
            "CAPABILITY" => Self::Capability,
            "LOGOUT" => Self::Logout,
            "IDLE" => Self::Idle,
            "LIST" => {
                assert_eq!((string(&next!()), string(&next!())), (String::new(), "*".to_owned()));
                Self::List
            }
            "SELECT" | "EXAMINE" => {
                let (read_only, name) = (name == "EXAMINE", string(&next!()));
                let (resume, condstore) = args.next().map_or((None, false), |list| opening(&list));
                Self::Select { name, read_only, resume, condstore }
            }
            "CLOSE" | "UNSELECT" => Self::Deselect { expunge: name == "CLOSE" },
            "CREATE" => Self::Create(string(&next!())),
            "STATUS" => {
                let name = string(&next!());
                let items = words(&next!());
                // The engine's own asks for the last two where these are watched, and there.
                assert!(items.starts_with(&["MESSAGES", "UIDNEXT", "UIDVALIDITY"].map(String::from)));
                Self::Status(name)
            }
            "APPEND" => Self::parse_append(&mut args),
            "FETCH" => {
                let (which, items) = (Named::parse(&word(&next!()), by_uid), words(&next!()));
                let since = args.next().map(|list| match &words(&list)[..] {
                    [name, since] if name == "CHANGEDSINCE" => since.parse().expect("a mod-sequence"),
                    other => panic!("the server knows no {other:?}"),
                });
                Self::Fetch { which, items, since }
            }
            "STORE" => {
                let (which, how) = (Named::parse(&word(&next!()), by_uid), word(&next!()));
                let sign = how.chars().next().filter(|c| "+-".contains(*c)).unwrap_or('=');
                let (silent, flags) = (how.ends_with(".SILENT"), words(&next!()));
                Self::Store { which, sign, silent, flags }
            }
            "SEARCH" => {
                assert!(by_uid, "the programs search by UID alone");
                Self::parse_search(&mut args)
            }
            "COPY" | "MOVE" => {
                let which = Named::parse(&word(&next!()), by_uid);
                Self::Copy { which, to: string(&next!()), moves: name == "MOVE" }
            }
            "EXPUNGE" => Self::Expunge(by_uid.then(|| Named::parse(&word(&next!()), true))),
            "NOTIFY" => {
                assert_eq!(word(&next!()), "SET");
                let groups: Vec<Arg> = args.by_ref().collect();
                let selected = groups.iter().find_map(selected_part);
                // RFC 5465 section 3.1: without it the selected mailbox is not reported.
                let immediately = selected.expect("a part of the selected mailbox");
                Self::Notify { immediately, others: groups.len() > 1 }
            }
            other => panic!("the server knows no {other}"),
        };
        let rest: Vec<Arg> = args.collect();
        assert!(rest.is_empty(), "{name} has too many arguments: {rest:?}");
        cmd
    }

    fn parse_append(args: &mut impl Iterator<Item = Arg>) -> Self {
        let to = string(&next(args));
        let (flags, message) = match next(args) {
            Arg::List(flags) => (flags.iter().map(word).collect(), next(args)),
            message => (Vec::new(), message),
        };
        let Arg::Text(message) = message else { panic!("APPEND wants a literal") };
        // RFC 3502 section 6.3.11: a further message of no bytes cancels it, whatever the
        // literal holds.
        let cancelled = matches!(args.next(), Some(Arg::Text(more)) if more.is_empty());
        let sent = cancelled || message.starts_with(b"append ");
        assert!(sent, "another literal than was sent: {message:?}");
        Self::Append { to, flags, size: if cancelled { 0 } else { message.len() } }
    }

    fn parse_search(args: &mut impl Iterator<Item = Arg>) -> Self {
        let mut key = word(&next(args));
        let extended = key == "RETURN";
        if extended {
            assert_eq!(words(&next(args)), ["ALL"]);
            key = word(&next(args));
        }
        if key == "UID" {
            key = format!("UID {}", word(&next(args)));
        }
        Self::Search { key, extended }
    }
}

/// Of NOTIFY, whether this is the part of the selected mailbox (RFC 5465 section 6.1), and whether
/// it is reported at once.
fn selected_part(group: &Arg) -> Option<bool> {
    let Arg::List(group) = group else { panic!("{group:?} is no list") };
    match group.first() {
        Some(Arg::Word(word)) if word == "selected" => Some(true),
        Some(Arg::Word(word)) if word == "selected-delayed" => Some(false),
        _ => None,
    }
}

/// The parameters of a SELECT (RFC 7162 sections 3.1.8 and 3.2.5).
fn opening(list: &Arg) -> (Option<(u32, u64)>, bool) {
    match list {
        Arg::List(list) => match &list[..] {
            [Arg::Word(name), since] if name == "QRESYNC" => match &words(since)[..] {
                [uid_validity, mods] => {
                    let number = |text: &String| text.parse::<u64>().expect("a number");
                    (Some((u32::try_from(number(uid_validity)).expect("a UIDVALIDITY"), number(mods))), false)
                }
                other => panic!("the programs know no sets of messages: {other:?}"),
            },
            [Arg::Word(name)] if name == "CONDSTORE" => (None, true),
            other => panic!("the server knows no {other:?}"),
        },
        other => panic!("{other:?} is no list"),
    }
}

/// The header fields that an item names, if it names some: in capitals and in order.
pub(super) fn fields_of(item: &str) -> Option<Vec<String>> {
    let names =
        item.replace(".PEEK", "").strip_prefix("BODY[HEADER.FIELDS (")?.strip_suffix(")]")?.to_uppercase();
    let mut names: Vec<String> = names.split(' ').map(str::to_owned).collect();
    names.sort_unstable();
    Some(names)
}

fn word(arg: &Arg) -> String {
    match arg {
        Arg::Word(word) => word.clone(),
        other => panic!("{other:?} is no atom"),
    }
}

fn words(arg: &Arg) -> Vec<String> {
    match arg {
        Arg::List(list) => list.iter().map(word).collect(),
        one => vec![word(one)],
    }
}

/// An astring (RFC 9051 section 9); of names, one letter may be as IMAP4rev1 writes it (RFC 3501
/// section 5.1.3).
fn string(arg: &Arg) -> String {
    match arg {
        Arg::Word(word) => word.replace("&APY-", "ö"),
        Arg::Text(text) => String::from_utf8(text.clone()).expect("names are UTF-8").replace("&APY-", "ö"),
        Arg::List(list) => panic!("{list:?} is no string"),
    }
}

fn arguments(parts: &[Part]) -> Vec<Arg> {
    let mut open: Vec<Vec<Arg>> = vec![Vec::new()];
    for part in parts {
        match part {
            Part::Literal(bytes) => open.last_mut().expect("a list").push(Arg::Text(bytes.clone())),
            Part::Text(text) => read_text(text, &mut open),
        }
    }
    assert_eq!(open.len(), 1, "parentheses that are not closed: {parts:?}");
    open.remove(0)
}

fn read_text(text: &[u8], open: &mut Vec<Vec<Arg>>) {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        let arg = match byte {
            b' ' => continue,
            b'(' => {
                open.push(Vec::new());
                continue;
            }
            b')' => Arg::List(open.pop().expect("a list")),
            b'"' => {
                let mut string = Vec::new();
                loop {
                    let mut next = text[at];
                    at += 1;
                    match next {
                        b'"' => break Arg::Text(string),
                        b'\\' => {
                            next = text[at];
                            at += 1;
                        }
                        _ => {}
                    }
                    string.push(next);
                }
            }
            _ => {
                let start = at - 1;
                let mut in_section = byte == b'[';
                while let Some(&next) = text.get(at).filter(|n| in_section || !b" ()\"".contains(n)) {
                    in_section = next == b'[' || in_section && next != b']';
                    at += 1;
                }
                Arg::Word(String::from_utf8(text[start..at].to_vec()).expect("words are ASCII"))
            }
        };
        open.last_mut().expect("no parenthesis is closed that was not opened").push(arg);
    }
}

/// The literal that a line announces at its end, and whether it waits for `+`.
pub(super) fn announced(text: &[u8]) -> Option<(usize, bool)> {
    let inside = text.strip_suffix(b"}")?;
    let inside = std::str::from_utf8(&inside[inside.iter().rposition(|b| *b == b'{')? + 1..]).ok()?;
    match inside.strip_suffix('+') {
        Some(size) => Some((size.parse().ok()?, false)),
        None => Some((inside.parse().ok()?, true)),
    }
}

fn next(args: &mut impl Iterator<Item = Arg>) -> Arg {
    args.next().expect("one more argument")
}
