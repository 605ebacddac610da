//! Patterns of names, with `*` and `%` (RFC 9051 section 6.3.9).

/// Whether a name fits a pattern with `*` and `%`. Time grows with the product of the lengths,
/// memory with the pattern alone: the name is the server's.
pub(crate) fn fits(pattern: &str, name: &str, delimiter: Option<char>) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    // at[i]: what has been read of the name fits the first i letters of the pattern.
    let mut at = vec![false; pattern.len() + 1];
    at[0] = true;
    // A wildcard fits nothing, too.
    let pass_on = |at: &mut [bool]| {
        for (i, p) in pattern.iter().enumerate() {
            at[i + 1] |= at[i] && matches!(p, '*' | '%');
        }
    };
    pass_on(&mut at);
    for letter in name.chars() {
        for (i, p) in pattern.iter().enumerate().rev() {
            at[i + 1] = match p {
                '*' => at[i + 1] || at[i],
                '%' => (at[i + 1] || at[i]) && Some(letter) != delimiter,
                p => at[i] && *p == letter,
            };
        }
        at[0] = false;
        pass_on(&mut at);
    }
    at[pattern.len()]
}
