//! The tables of a document, written from results.
//!
//! In: a file of results, one JSON object a line, as `all --json` and `crowd --json` print them; a
//! document with marks; words about the machine. Out: the document with tables between the marks.

use std::fmt::Write;

const BEGIN: &str = "<!-- peers: begin -->";
const HEAD: &str = "| work | crate | variant | CPU ms | wall ms | peak kB | allocations | switches |\n\
                    |---|---|---|--:|--:|--:|--:|--:|\n";
const END: &str = "<!-- peers: end -->";

/// Writes the tables into the document.
pub fn fill(results: &str, document: &str, about: &str) -> std::io::Result<()> {
    let (results, text) = (std::fs::read_to_string(results)?, std::fs::read_to_string(document)?);
    let marks = text.find(BEGIN).zip(text.find(END)).filter(|(begin, end)| begin < end);
    let (begin, end) = marks.ok_or_else(|| std::io::Error::other("the document has no marks"))?;
    let filled = format!("{}\n{}\n{}", &text[..begin + BEGIN.len()], tables(&results, about), &text[end..]);
    std::fs::write(document, filled)
}

fn tables(results: &str, about: &str) -> String {
    let mut out = format!("\nMeasured {about}.\n\n{HEAD}");
    let crowds: Vec<&str> = results.lines().filter(|line| field(line, "work") == "crowd").collect();
    let works = || results.lines().filter(|line| field(line, "work") != "crowd");
    works().filter(|line| field(line, "server").is_empty()).for_each(|line| out.push_str(&row(line)));
    let _ =
        write!(out, "\nThe same against a Dovecot, whose own work is in the time by the clock:\n\n{HEAD}");
    works().filter(|line| !field(line, "server").is_empty()).for_each(|line| out.push_str(&row(line)));
    out.push_str(
        "\n| idle connections | messages each | resident kB | of each | bytes on the heap | of each |\n\
         |--:|--:|--:|--:|--:|--:|\n",
    );
    for line in crowds {
        let [count, messages, rss, heap] =
            ["connections", "messages", "rss_kb", "heap_bytes"].map(|name| field(line, name));
        let of_each = |all: &str| {
            let each = all.parse().unwrap_or(0.0) / count.parse().unwrap_or(1.0_f64);
            format!("{each:.1}")
        };
        let _ =
            writeln!(out, "| {count} | {messages} | {rss} | {} | {heap} | {} |", of_each(rss), of_each(heap));
    }
    out
}

/// The row of a result.
fn row(line: &str) -> String {
    let names = ["work", "crate", "variant", "cpu_ms", "wall_ms", "peak_kb", "allocs", "switches"];
    format!("| {} |\n", names.map(|name| field(line, name)).join(" | "))
}

/// The value of a field of a flat object, without its quotes.
fn field<'a>(object: &'a str, name: &str) -> &'a str {
    let Some((_, rest)) = object.split_once(&format!("\"{name}\":")) else { return "" };
    rest.split([',', '}']).next().unwrap_or_default().trim_matches('"')
}
