//! LANGUAGE and COMPARATOR (RFC 5255): a few languages to choose from, though the texts stay as
//! they are; and by which rules texts are compared.

use crate::testing::search::Collation;
use crate::types::{Answer, Code, Comparator};
use crate::wire::request::Value;

use super::Session;
use super::acl::text_of;
use super::reply::{Done, Reply};

/// The languages that can be chosen.
const LANGUAGES: [&str; 3] = ["en", "de", "i-default"];

impl Session {
    pub(super) fn language(&mut self, arguments: &[Value]) -> Done {
        let ranges: Option<Vec<String>> = arguments.iter().map(text_of).collect();
        let Some(ranges) = ranges else { return Err(Reply::bad("Ranges of languages were expected")) };
        let all = LANGUAGES.map(str::to_owned).to_vec();
        if ranges.is_empty() {
            self.answer("LANGUAGE", Answer::Language(all));
            return Ok(Reply::ok("Languages listed"));
        }
        // RFC 4647 section 3.4: a range is shortened until it is the name of a language.
        let fits = |range: &String| {
            let is_default = range.eq_ignore_ascii_case("default") || range == "*";
            let primary = range.split('-').next().unwrap_or_default();
            let is = |name: &&String| name.eq_ignore_ascii_case(range) || name.eq_ignore_ascii_case(primary);
            if is_default { all.first() } else { all.iter().find(is) }
        };
        match ranges.iter().find_map(fits) {
            Some(language) => {
                self.answer("LANGUAGE", Answer::Language(vec![language.clone()]));
                Ok(Reply::ok("Language chosen"))
            }
            None => Err(Reply::no(None, "This language is not spoken here")),
        }
    }
    /// COMPARATOR (RFC 5255 section 4.7): the first that any of these names or patterns fits.
    pub(super) fn comparator(&mut self, arguments: &[Value]) -> Done {
        let patterns: Option<Vec<String>> = arguments.iter().map(text_of).collect();
        let Some(patterns) = patterns else { return Err(Reply::bad("Names of comparators were expected")) };
        let mut matching: Vec<Collation> = Vec::new();
        for one in patterns.iter().flat_map(|pattern| Collation::matching(pattern)) {
            if !matching.contains(&one) {
                matching.push(one);
            }
        }
        match matching.first() {
            Some(first) => self.collation = *first,
            None if !patterns.is_empty() => {
                return Err(Reply::no(Some(Code::BadComparator), "There is no such comparator"));
            }
            None => {}
        }
        // RFC 5255 section 4.8: those that fit are listed if there are several.
        let names = matching.iter().filter(|_| matching.len() > 1).map(|one| one.name().to_owned());
        let comparator = Comparator::new(self.collation.name().to_owned(), names.collect());
        self.answer("COMPARATOR", Answer::Comparator(comparator));
        Ok(Reply::ok(if patterns.is_empty() { "In use" } else { "Chosen" }))
    }
}
