//! The workloads, and what the server answers.

use crate::recorded;

/// A workload.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// By which it is named in results.
    pub name: &'static str,
    /// What it is, for people.
    pub title: &'static str,
    /// How many messages there are.
    pub exists: u32,
    /// How many commands, changes or connections there are.
    pub count: usize,
}

impl Work {
    const fn new(name: &'static str, title: &'static str, exists: u32, count: usize) -> Self {
        Self { name, title, exists, count }
    }
}

/// All of them.
pub const WORKS: [Work; 9] = [
    Work::new("W1", "100,000 rows of flags, dates and sizes", 100_000, 1),
    Work::new("W2", "20,000 envelopes and body structures", 20_000, 1),
    Work::new("W3", "20,000 bodies, 157 MB", 20_000, 1),
    Work::new("W4", "one body of 50 MB, in pieces where the client can", 1, 1),
    Work::new("W5", "2,000 commands one by one", 1, 2000),
    Work::new("W5p", "20,000 commands in flight at 20 ms", 1, 20_000),
    Work::new("W6", "200 changes while idle: wall is the mean delay", 1, 200),
    Work::new("W7", "100 idle connections: peak is one's share", 0, 100),
    Work::new("W8", "a search that finds 100,000: one line of 589 kB", 100_000, 1),
];

/// The size of the body in W4, in bytes.
pub const BODY: usize = 50_000_000;

/// The work of this name.
pub fn named(name: &str) -> Option<Work> {
    WORKS.into_iter().find(|work| work.name == name)
}

/// What answers the measured command, before its tagged line.
pub fn answer(work: Work) -> Vec<u8> {
    match work.name {
        "W1" => recorded::flags(work.exists),
        "W2" => recorded::envelopes(work.exists),
        "W3" => recorded::bodies(work.exists),
        "W4" => b"A line of a body, as long as lines of base64 usually are: seventy-six in all\r\n"
            .iter()
            .copied()
            .cycle()
            .take(BODY)
            .collect(),
        "W8" => {
            let uids: Vec<String> = (1..=work.exists).map(|n| n.to_string()).collect();
            format!("* SEARCH {}\r\n", uids.join(" ")).into_bytes()
        }
        _ => Vec::new(),
    }
}
