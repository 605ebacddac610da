//! The plot: a panel a work, a bar a contender.
//!
//! In: the rows. Out: an SVG that needs no font and no script.

use std::fmt::Write;

use super::Row;

const WIDTH: usize = 760;
const BAR: usize = 16;
const HEAD: usize = 40;
/// Where bars begin, and how long the longest is.
const LEFT: usize = 230;
const LONGEST: f64 = 430.0;

/// What of a work is shown, and its unit.
fn shown(row: &Row) -> (f64, &'static str) {
    match row.work.name {
        "W6" => (row.wall_ms * 1000.0, "µs"),
        "W7" => (row.peak_kb as f64, "kB"),
        _ => (row.cpu_ms, "ms CPU"),
    }
}

/// All rows, which stand together by work.
pub fn drawn(rows: &[Row]) -> String {
    let mut body = String::new();
    let mut y = 20;
    for panel in rows.chunk_by(|one, other| one.work.name == other.work.name) {
        let most = panel.iter().map(|row| shown(row).0).fold(f64::MIN_POSITIVE, f64::max);
        let work = panel[0].work;
        let _ = writeln!(
            body,
            "<text x=\"10\" y=\"{}\" font-weight=\"bold\">{}: {}</text>",
            y + 14,
            work.name,
            work.title
        );
        y += 24;
        for row in panel {
            let (value, unit) = shown(row);
            let length = (value / most * LONGEST).max(1.0);
            let colour = match row.name {
                "imap-duplex" => "#2a7ab8",
                "floor" => "#999",
                _ => "#c9a14a",
            };
            let end = LEFT as f64 + length + 6.0;
            let text = y + BAR - 4;
            let _ = writeln!(
                body,
                "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{} {}</text>\
                 <rect x=\"{LEFT}\" y=\"{y}\" width=\"{length:.1}\" height=\"{}\" fill=\"{colour}\"/>\
                 <text x=\"{end:.1}\" y=\"{text}\">{value:.1} {unit}</text>",
                LEFT - 8,
                row.name,
                row.variant,
                BAR - 3,
            );
            y += BAR;
        }
        y += HEAD - BAR;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{y}\" fill=\"#fff\"/>\n{body}</svg>\n"
    )
}
