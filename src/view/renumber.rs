//! Sequence numbers after removals: a message keeps its place among those that are left.
//!
//! In: numbers as they were, and the removals since, in order. Out: the numbers of the same
//! messages now, or their UIDs.

use super::View;
use crate::types::{Seq, SeqSet, UidSet};

impl View {
    /// The UIDs of the messages with these numbers, if they are known. UIDs ascend with the
    /// numbers, so the ends of a range stand for all between: a hundred thousand messages in a row
    /// take no more bytes by UID than by number.
    pub(crate) fn uids_of(&self, seqs: &SeqSet) -> Option<UidSet> {
        let mut uids = UidSet::new();
        for range in seqs.ranges() {
            uids.insert_range(self.uid(*range.start())?..=self.uid(*range.end())?);
        }
        Some(uids)
    }
}

/// Where these numbers are after removals, which name each the number that it had just then.
/// `last`: the last message as it was before them, which is what `*` names.
pub(crate) fn renumber(set: &SeqSet, last: u32, gone: &[u32]) -> SeqSet {
    let mut ranges: Vec<(u32, u32)> = set
        .ranges()
        .map(|r| (r.start().get(), r.end().get()))
        // `9:*` with a last message of 5 is `5:9` (RFC 9051 section 9, seq-range).
        .map(|(a, b)| if b == u32::MAX { (a.min(last), last) } else { (a, b) })
        .collect();
    for &removed in gone {
        for (a, b) in &mut ranges {
            if *a > *b {
                continue;
            }
            if removed < *a {
                (*a, *b) = (*a - 1, *b - 1);
            } else if removed <= *b {
                *b -= 1;
            }
        }
    }
    let mut settled = SeqSet::new();
    for (a, b) in ranges {
        if let (Some(a), Some(b)) = (Seq::new(a), Seq::new(b))
            && a <= b
        {
            settled.insert_range(a..=b);
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_their_messages() {
        let seqs = |text: &str| text.parse::<SeqSet>().unwrap();
        let now = |set: &str, gone: &[u32]| renumber(&seqs(set), 10, gone).to_string();
        assert_eq!(now("1,5,9", &[5]), "1,8", "what is gone is not named any more");
        assert_eq!(now("3:6", &[2, 2]), "2:4", "2 and 3 are gone: 4 to 6 are 2 to 4");
        assert_eq!(now("8:*", &[1]), "7:9", "the last message as it was then");
        assert_eq!(now("12:*", &[1]), "9", "10:12, of which there is but 10");
        assert_eq!(now("4", &[4]), "");
    }
}
