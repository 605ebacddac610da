//! Text as a terminal can show it: nothing that it would obey, wrapped, dates in few columns.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ratatui::text::Span;

/// Columns of a tab.
const TAB: usize = 4;

/// Without characters that a terminal or its fonts would obey.
pub(crate) fn clean(text: &str) -> String {
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().map(|c| if c == '\t' { ' ' } else { c }).filter(|c| !hides(*c)).collect()
}

pub(crate) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// At most so many columns, the last one `…` if there are more.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (mut fitted, mut used) = (String::new(), 0);
    for c in text.chars() {
        let more = width(c.encode_utf8(&mut [0; 4]));
        if used + more + 1 > columns {
            break;
        }
        fitted.push(c);
        used += more;
    }
    if columns > 0 {
        fitted.push('…');
    }
    fitted
}

/// The lines of a text within so many columns.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = clean(&line.replace('\t', &" ".repeat(TAB)));
        wrap_line(line.trim_end(), columns, &mut lines);
    }
    lines
}

fn wrap_line(line: &str, columns: usize, lines: &mut Vec<String>) {
    if width(line) <= columns {
        lines.push(line.to_owned());
        return;
    }
    // What goes on stands under a quotation as its start does.
    let quote: String = line.chars().take_while(|c| matches!(c, '>' | ' ')).collect();
    let quote = if quote.contains('>') && width(&quote) * 2 < columns { quote } else { String::new() };
    let (mut current, mut used) = (String::new(), 0);
    for word in line.split_inclusive(' ') {
        let wide = width(word.trim_end());
        if used + wide > columns && used > width(&quote) {
            lines.push(std::mem::replace(&mut current, quote.clone()).trim_end().to_owned());
            used = width(&quote);
        }
        for c in word.chars() {
            let more = width(c.encode_utf8(&mut [0; 4]));
            if used + more > columns && c != ' ' {
                lines.push(std::mem::replace(&mut current, quote.clone()));
                used = width(&quote);
            }
            current.push(c);
            used += more;
        }
    }
    lines.push(current.trim_end().to_owned());
}

fn civil(seconds: i64) -> Option<DateTime> {
    Some(TimeZone::UTC.to_datetime(Timestamp::from_second(seconds).ok()?))
}

/// In six columns: the time of today, the day of this year, else the month and the year.
pub(crate) fn short_date(seconds: i64, now: i64) -> String {
    let Some(date) = civil(seconds) else { return String::new() };
    match civil(now) {
        Some(now) if now.date() == date.date() => date.strftime("%H:%M").to_string(),
        Some(now) if now.year() == date.year() => date.strftime("%e %b").to_string(),
        _ => date.strftime("%m/%Y").to_string(),
    }
}

/// Day and time, as lists on paper have it.
pub(crate) fn list_date(seconds: i64) -> String {
    civil(seconds).map_or_else(String::new, |date| date.strftime("%Y-%m-%d %H:%M").to_string())
}

pub(crate) fn long_date(seconds: i64) -> String {
    civil(seconds).map_or_else(String::new, |date| date.strftime("%a %e %b %Y, %H:%M").to_string())
}
