//! Commands about mailboxes (RFC 9051 section 6.3), and mailbox names.

use bytes::Bytes;

use super::command::{AnnotationEntry, AppendMessage, CatenatePiece, Command, List, Select};
use super::cursor::{Cursor, DEPTH, Read, is_astring_char};
use super::value::Value;
use crate::types::{Date, Flags, MailboxName, Timestamp};

/// The command of this name (in capitals), if it is one about mailboxes.
pub(super) fn command(i: &mut Cursor<'_>, name_of: &str) -> Read<Option<Command>> {
    const KNOWN: [&str; 12] = [
        "SELECT",
        "EXAMINE",
        "CREATE",
        "DELETE",
        "RENAME",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "LIST",
        "LSUB",
        "XLIST",
        "STATUS",
        "APPEND",
    ];
    if !KNOWN.contains(&name_of) {
        return Ok(None);
    }
    i.space()?;
    Ok(Some(match name_of {
        "SELECT" | "EXAMINE" => {
            let mailbox = name(i)?;
            Command::Select(Select { mailbox, read_only: name_of == "EXAMINE", params: i.options()? })
        }
        "CREATE" => Command::Create { mailbox: name(i)?, params: i.options()? },
        "DELETE" => Command::Delete(name(i)?),
        "RENAME" => {
            let from = name(i)?;
            i.space()?;
            Command::Rename { from, to: name(i)? }
        }
        "SUBSCRIBE" => Command::Subscribe(name(i)?),
        "UNSUBSCRIBE" => Command::Unsubscribe(name(i)?),
        "LIST" => Command::List(list(i)?),
        "LSUB" | "XLIST" => {
            let reference = name(i)?;
            i.space()?;
            let patterns = vec![pattern(i)?];
            let (lsub, xlist) = (name_of == "LSUB", name_of == "XLIST");
            Command::List(List { lsub, xlist, select: Vec::new(), reference, patterns, returned: Vec::new() })
        }
        "STATUS" => {
            let mailbox = name(i)?;
            i.space()?;
            Command::Status { mailbox, items: i.list(Cursor::name)? }
        }
        _ => append(i)?,
    }))
}

/// `mailbox`.
pub(super) fn name(i: &mut Cursor<'_>) -> Read<MailboxName> {
    let start = *i;
    let written = i.astring()?;
    decode(&written, i.utf8).map_or_else(|| start.fail("a mailbox name in UTF-8 or modified UTF-7"), Ok)
}

/// A label of Gmail's: a mailbox name, or a system label with its backslash.
pub(super) fn label(i: &mut Cursor<'_>) -> Read<String> {
    if i.take("\\") {
        let name = i.run(is_astring_char, "a label")?;
        return Ok(format!("\\{name}"));
    }
    let start = *i;
    let written = i.astring()?;
    match decode(&written, i.utf8) {
        Some(label) => Ok(label.as_str().to_owned()),
        None => start.fail("a label in UTF-8 or modified UTF-7"),
    }
}

/// `list-mailbox`: a name that may contain `%` and `*` without quotes.
fn pattern(i: &mut Cursor<'_>) -> Read<MailboxName> {
    if matches!(i.peek(), Some(b'"' | b'{')) {
        return name(i);
    }
    let start = *i;
    let written = i.run(|b| is_astring_char(b) || matches!(b, b'%' | b'*'), "a pattern")?;
    decode(written.as_bytes(), i.utf8).map_or_else(|| start.fail("a pattern in modified UTF-7"), Ok)
}

/// A mailbox name among the arguments of a command without a type.
pub(crate) fn value_as_mailbox(value: &Value, utf8: bool) -> Option<MailboxName> {
    match value {
        Value::Word(word) => decode(word.as_bytes(), utf8),
        Value::String(text) => decode(text, utf8),
        Value::List(_) => None,
    }
}

/// Decodes a name in UTF-8, or in modified UTF-7.
fn decode(written: &[u8], utf8: bool) -> Option<MailboxName> {
    let text = std::str::from_utf8(written).ok().filter(|text| utf8 || text.is_ascii())?;
    if utf8 { Some(MailboxName::exact(text)) } else { utf7(text).map(|text| MailboxName::exact(&*text)) }
}

/// Modified UTF-7, strictly: `None` for what the RFC forbids.
fn utf7(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let (shifted, behind) = behind.split_once('-')?;
        rest = behind;
        if shifted.is_empty() {
            out.push('&');
            continue;
        }
        let (mut units, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
        for digit in shifted.bytes() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b',' => 63,
                _ => return None,
            };
            (bits, held) = ((bits << 6) | u32::from(value), held + 6);
            if held >= 16 {
                held -= 16;
                units.push(u16::try_from(bits >> held).ok()?);
                bits &= (1 << held) - 1;
            }
        }
        if held >= 6 || bits != 0 {
            return None;
        }
        let decoded = String::from_utf16(&units).ok()?;
        // Printable ASCII must not be encoded, and adjacent runs must be one.
        if decoded.chars().any(|c| matches!(c, ' '..='~')) || rest.starts_with('&') && !rest.starts_with("&-")
        {
            return None;
        }
        out.push_str(&decoded);
    }
    out.push_str(rest);
    Some(out)
}

/// `LIST [(select options)] reference pattern [RETURN (options)]` (RFC 9051 section 6.3.9, RFC 5258
/// section 3).
fn list(i: &mut Cursor<'_>) -> Read<List> {
    let mut select = Vec::new();
    if i.take("() ") {
        // No options, but still the extended form.
    } else if i.peek() == Some(b'(') {
        select = i.list(|i| i.value(DEPTH))?;
        i.space()?;
    }
    let reference = name(i)?;
    i.space()?;
    let patterns = if i.peek() == Some(b'(') { i.list(pattern)? } else { vec![pattern(i)?] };
    let mut returned = Vec::new();
    if i.take(" RETURN ") && !i.take("()") {
        returned = i.list(|i| i.value(DEPTH))?;
    }
    Ok(List { lsub: false, xlist: false, select, reference, patterns, returned })
}

/// `APPEND mailbox 1*(SP [flags SP] [date SP] literal)` (RFC 9051 section 6.3.12, RFC 3502, RFC
/// 3516).
fn append(i: &mut Cursor<'_>) -> Read<Command> {
    let mailbox = name(i)?;
    i.space()?;
    let messages = i.separated(append_message)?;
    Ok(Command::Append { mailbox, messages })
}

/// Flags, date, annotations and the message itself.
pub(super) fn append_message(i: &mut Cursor<'_>) -> Read<AppendMessage> {
    let mut flags = Flags::new();
    if i.peek() == Some(b'(') {
        flags = i.flags()?;
        i.space()?;
    }
    let mut date = None;
    if i.peek() == Some(b'"') {
        date = Some(date_time(i)?);
        i.space()?;
    }
    let annotations = if i.take("ANNOTATION ") { i.list(annotation)? } else { Vec::new() };
    if !annotations.is_empty() {
        i.space()?;
    }
    let (data, pieces) = (Bytes::new(), Vec::new());
    let mut message = AppendMessage { flags, date, data, annotations, binary: false, utf8: false, pieces };
    if i.take("CATENATE ") {
        let mut binary = false;
        message.pieces = i.list(|i| piece(i, &mut binary))?;
        message.binary = binary;
    } else if let Some(data) = utf8_literal(i)? {
        (message.data, message.utf8) = (data, true);
    } else {
        message.binary = i.peek() == Some(b'~');
        message.data = if message.binary { i.literal8()? } else { i.literal()? };
    }
    Ok(message)
}

/// `entry-att` (RFC 5257 section 5).
pub(super) fn annotation(i: &mut Cursor<'_>) -> Read<AnnotationEntry> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let entry = text(&i.astring()?);
    i.space()?;
    let attributes = i.list(|i| {
        let attribute = text(&i.astring()?).to_ascii_lowercase();
        i.space()?;
        let value = if i.peek() == Some(b'~') { Some(i.literal8()?) } else { i.nstring()? };
        Ok((attribute, value))
    })?;
    Ok((entry, attributes))
}

/// RFC 6855 section 4, `utf8-literal`, if that is next.
fn utf8_literal(i: &mut Cursor<'_>) -> Read<Option<Bytes>> {
    if !i.take("UTF8 (") {
        return Ok(None);
    }
    let data = i.literal8()?;
    i.expect(")")?;
    Ok(Some(data))
}

/// `cat-part` (RFC 4469 section 5).
fn piece(i: &mut Cursor<'_>, binary: &mut bool) -> Read<CatenatePiece> {
    if let Some(data) = utf8_literal(i)? {
        return Ok(CatenatePiece::Utf8(data));
    }
    if i.take("TEXT ") {
        // RFC 4469 has no literal8 here; servers with BINARY take it.
        let is_binary = i.peek() == Some(b'~');
        *binary |= is_binary;
        return if is_binary { i.literal8() } else { i.literal() }.map(CatenatePiece::Text);
    }
    i.expect("URL ")?;
    let start = *i;
    let url = i.astring()?;
    String::from_utf8(url.to_vec()).map_or_else(|_| start.fail("a URL"), |url| Ok(CatenatePiece::Url(url)))
}

/// `date-time`: `"dd-Mon-yyyy hh:mm:ss +zzzz"`, a space in place of a missing first digit of the
/// day.
fn date_time(i: &mut Cursor<'_>) -> Read<Timestamp> {
    let start = *i;
    let written = i.quoted()?;
    let fits = written.len() == 26
        && written.iter().zip(b"dd-aaa-dddd dd:dd:dd +dddd").enumerate().all(|(at, (&b, form))| match form {
            b'd' => b.is_ascii_digit() || at == 0 && b == b' ',
            b'a' => b.is_ascii_alphabetic(),
            b'+' => matches!(b, b'+' | b'-'),
            _ => b == *form,
        });
    let part =
        |from: usize, to: usize| std::str::from_utf8(written.get(from..to)?).ok()?.trim_start().parse().ok();
    let read = || {
        let date = date(std::str::from_utf8(written.get(..11)?).ok()?.trim_start())?;
        let (hour, minute, second): (i64, i64, i64) = (part(12, 14)?, part(15, 17)?, part(18, 20)?);
        let (hours, minutes): (i16, i16) =
            (i16::try_from(part(22, 24)?).ok()?, i16::try_from(part(24, 26)?).ok()?);
        let offset = (hours * 60 + minutes) * if written.get(21) == Some(&b'-') { -1 } else { 1 };
        let in_range = hour < 24 && minute < 60 && second < 61 && minutes < 60;
        let local = days(date) * 86_400 + hour * 3600 + minute * 60 + second;
        if in_range { Timestamp::new(local - i64::from(offset) * 60, offset) } else { None }
    };
    if !fits {
        return start.fail("a date and time");
    }
    read().map_or_else(|| start.fail("a date and time that there is"), Ok)
}

/// `dd-Mon-yyyy`.
pub(super) fn date(text: &str) -> Option<Date> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let (day, rest) = text.split_once('-')?;
    let (month, year) = rest.split_once('-')?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !matches!(day.len(), 1 | 2) || year.len() != 4 || !digits(day) || !digits(year) {
        return None;
    }
    let month = MONTHS.iter().position(|name| month.eq_ignore_ascii_case(name))?;
    Date::new(year.parse().ok()?, u8::try_from(month + 1).ok()?, day.parse().ok()?)
}

/// Days from 1 January 1970 to this date, negative before.
fn days(date: Date) -> i64 {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let year_of = i64::from(date.year());
    let years: i64 = if year_of >= 1970 {
        (1970..year_of).map(|year| 365 + i64::from(is_leap(year))).sum()
    } else {
        -(year_of..1970).map(|year| 365 + i64::from(is_leap(year))).sum::<i64>()
    };
    let lengths = [31, 28 + i64::from(is_leap(year_of)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months: i64 = lengths.iter().take(usize::from(date.month()).saturating_sub(1)).sum();
    years + months + i64::from(date.day()) - 1
}
