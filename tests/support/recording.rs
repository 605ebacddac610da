//! Recorded sessions on disk.
//!
//! In: what both sides said, in order. Out: a file, and the same again. The format is described in
//! `tests/data/README.md`: for each run of bytes of one side a line `S 123` or `C 123`, then so
//! many bytes, then a line's end.

use super::wire::Entry;

/// A run of bytes of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// By the client.
    Client(Vec<u8>),
    /// By the server.
    Server(Vec<u8>),
}

/// A recorded session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// What both sides said, in turns.
    pub turns: Vec<Said>,
}

impl Recording {
    /// What a recorder saw: neighbours of one side become one turn, so that it does not show how
    /// the bytes happened to arrive.
    pub fn of(entries: &[Entry]) -> Self {
        let mut turns = Vec::new();
        for entry in entries {
            match (turns.last_mut(), entry) {
                (Some(Said::Client(said)), Entry::Wrote(bytes))
                | (Some(Said::Server(said)), Entry::Read(bytes)) => {
                    said.extend_from_slice(bytes);
                }
                (_, Entry::Wrote(bytes)) => turns.push(Said::Client(bytes.clone())),
                (_, Entry::Read(bytes)) => turns.push(Said::Server(bytes.clone())),
            }
        }
        Self { turns }
    }

    /// All that the server said.
    pub fn server(&self) -> Vec<u8> {
        let said = |turn: &Said| if let Said::Server(bytes) = turn { bytes.clone() } else { Vec::new() };
        self.turns.iter().flat_map(said).collect()
    }

    /// The bytes of its file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for turn in &self.turns {
            let (who, bytes) = match turn {
                Said::Client(bytes) => ('C', bytes),
                Said::Server(bytes) => ('S', bytes),
            };
            file.extend_from_slice(format!("{who} {}\n", bytes.len()).as_bytes());
            file.extend_from_slice(bytes);
            file.push(b'\n');
        }
        file
    }

    /// Reads a file; says what is wrong with it where it is none of ours.
    pub fn parse(file: &[u8]) -> Result<Self, String> {
        let mut turns = Vec::new();
        let mut rest = file;
        while !rest.is_empty() {
            let at = file.len() - rest.len();
            let wrong = |what: &str| format!("{what} at byte {at}");
            let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| wrong("no line"))?;
            let head = std::str::from_utf8(&rest[..end]).map_err(|_| wrong("not a text"))?;
            let (who, size) = head.split_once(' ').ok_or_else(|| wrong("no size"))?;
            let size: usize = size.parse().map_err(|_| wrong("no number"))?;
            let (bytes, after) = rest[end + 1..].split_at_checked(size).ok_or_else(|| wrong("cut off"))?;
            turns.push(match who {
                "C" => Said::Client(bytes.to_vec()),
                "S" => Said::Server(bytes.to_vec()),
                _ => return Err(wrong("neither C nor S")),
            });
            rest = after.strip_prefix(b"\n").ok_or_else(|| wrong("no end"))?;
        }
        Ok(Self { turns })
    }
}
