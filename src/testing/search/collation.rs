//! By which rules texts are compared (RFC 4790), as COMPARATOR chooses them (RFC 5255 section 4.7).

/// A comparator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Collation {
    /// Without regard to case.
    #[default]
    Unicode,
    /// Without regard to the case of the letters of ASCII.
    Ascii,
    /// Byte by byte.
    Bytes,
}

/// Each with its name.
const ALL: [(&str, Collation); 3] = [
    ("i;unicode-casemap", Collation::Unicode),
    ("i;ascii-casemap", Collation::Ascii),
    ("i;octet", Collation::Bytes),
];

impl Collation {
    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(_, one)| *one == self).map_or("", |(name, _)| name)
    }

    /// Those that fit a name, a pattern such as `i;*`, or `default` (RFC 4790 section 3.2).
    pub(crate) fn matching(pattern: &str) -> Vec<Self> {
        if pattern.eq_ignore_ascii_case("default") {
            return vec![Self::default()];
        }
        let parts: Vec<&str> = pattern.split('*').collect();
        let fits = |name: &str| match &parts[..] {
            [whole] => name == *whole,
            [first, .., last] => {
                let inside = name.strip_prefix(first).and_then(|rest| rest.strip_suffix(last));
                let between = parts.get(1..parts.len() - 1).unwrap_or_default();
                inside.is_some_and(|inside| {
                    let mut rest = inside;
                    between.iter().all(|part| match rest.split_once(part) {
                        Some((_, behind)) => {
                            rest = behind;
                            true
                        }
                        None => false,
                    })
                })
            }
            [] => false,
        };
        ALL.iter().filter(|(name, _)| fits(name)).map(|(_, one)| *one).collect()
    }

    /// The text as it is compared.
    pub(crate) fn folded(self, text: &str) -> String {
        match self {
            Self::Unicode => text.to_lowercase(),
            Self::Ascii => text.to_ascii_lowercase(),
            Self::Bytes => text.to_owned(),
        }
    }

    /// The text as it is ordered, which RFC 4790 section 9.2 does by capitals.
    pub(crate) fn ordered(self, text: &str) -> String {
        match self {
            Self::Unicode => text.to_uppercase(),
            Self::Ascii => text.to_ascii_uppercase(),
            Self::Bytes => text.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_comparators() {
        let names =
            |pattern| Collation::matching(pattern).into_iter().map(Collation::name).collect::<Vec<_>>();
        assert_eq!(names("i;ascii-casemap"), ["i;ascii-casemap"]);
        assert_eq!(names("i;*"), ["i;unicode-casemap", "i;ascii-casemap", "i;octet"]);
        assert_eq!(names("*case*"), ["i;unicode-casemap", "i;ascii-casemap"]);
        assert_eq!(names("i;*e*map"), ["i;unicode-casemap", "i;ascii-casemap"]);
        assert_eq!(names("default"), ["i;unicode-casemap"]);
        assert_eq!(names("cz;*").len() + names("").len() + names("i;octet*i;octet").len(), 0);
    }

    #[test]
    fn case_counts_by_the_comparator() {
        let folded = |of: Collation| of.folded("ÜBER Bord");
        assert_eq!(folded(Collation::Unicode), "über bord");
        assert_eq!(folded(Collation::Ascii), "Über bord");
        assert_eq!(folded(Collation::Bytes), "ÜBER Bord");
        assert_eq!(Collation::Ascii.ordered("über bord"), "üBER BORD");
    }
}
