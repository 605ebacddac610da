//! SEARCH, SORT and THREAD: the result in the requested form (RFC 9051 section 6.4.4, RFC 5256, RFC
//! 5182, RFC 9394).

use crate::testing::search::{Candidate, threads};
use crate::testing::world::World;
use crate::types::{Answer, ESearch, NumberList, PartialResult, SearchNumbers, SortResult, UidSet};
use crate::wire::request::{Returned, Search, Sort, SortBy, SortKey, Thread, Value};

use super::Session;
use super::find::{Found, is_fuzzy, limit_reached};
use super::reply::{Done, Reply};
use super::snapshot::{Numbered, uid_set};

/// `1:500` or `-1:-100`: a range of a result (RFC 9394 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    first: i64,
    last: i64,
}

pub(super) fn piece(text: &str) -> Option<Piece> {
    let (first, last) = text.split_once(':')?;
    let end = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let fits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|n| fits && *n != 0 && n.unsigned_abs() <= u64::from(u32::MAX))
    };
    let (first, last) = (end(first)?, end(last)?);
    ((first < 0) == (last < 0)).then_some(Piece { first, last })
}

impl Piece {
    pub(super) fn ends(self) -> (i64, i64) {
        (self.first, self.last)
    }

    /// The part of `all` in this range.
    pub(super) fn of<T>(self, all: &[T]) -> &[T] {
        let (near, far) = (self.first.unsigned_abs(), self.last.unsigned_abs());
        let index = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(all.len());
        let (from, to) = (index(near.min(far).saturating_sub(1)), index(near.max(far)));
        let range = if self.first < 0 { all.len() - to..all.len() - from } else { from..to };
        all.get(range).unwrap_or_default()
    }
}

/// The RETURN options.
#[derive(Debug, Default)]
pub(super) struct ReturnOptions {
    pub(super) min: bool,
    pub(super) max: bool,
    pub(super) all: bool,
    pub(super) count: bool,
    pub(super) save: bool,
    pub(super) partial: Option<Piece>,
    /// How well each message fits (RFC 6203 section 4).
    relevancy: bool,
    /// The result is to be kept up to date (RFC 5267 section 4.3).
    pub(super) update: bool,
}

impl ReturnOptions {
    /// SAVE alone returns nothing (RFC 5182 section 2.1).
    pub(super) fn only_saves(&self) -> bool {
        self.save && !(self.min || self.max || self.count || self.all || self.partial.is_some())
    }
}

/// The options of a SEARCH, or of a SORT, whose extension for results in context is another one.
pub(super) fn options(
    world: &World,
    returned: &[Returned],
    contexts: &'static str,
) -> Result<ReturnOptions, Reply> {
    let has_contexts = world.has(contexts);
    let mut options = ReturnOptions::default();
    for Returned { name, argument } in returned {
        match (&**name, argument) {
            ("MIN", None) => options.min = true,
            ("MAX", None) => options.max = true,
            ("ALL", None) => options.all = true,
            ("COUNT", None) => options.count = true,
            ("SAVE", None) if world.has("SEARCHRES") => options.save = true,
            ("RELEVANCY", None) if world.has("SEARCH=FUZZY") => options.relevancy = true,
            // A hint that this result will be asked for again; it changes nothing.
            ("CONTEXT", None) if has_contexts => {}
            ("UPDATE", None) if has_contexts => options.update = true,
            ("PARTIAL", Some(Value::Word(range))) if options.partial.is_none() => {
                let range = piece(range).ok_or_else(|| Reply::bad("A range was expected"))?;
                // RFC 9394 is about SEARCH; RFC 5267 counts from the first.
                let is_known =
                    world.has("PARTIAL") && contexts == "CONTEXT=SEARCH" || has_contexts && range.first > 0;
                if !is_known {
                    return Err(Reply::bad("No such part can be returned"));
                }
                options.partial = Some(range);
            }
            _ => return Err(Reply::bad("An unknown return option")),
        }
    }
    if options.all && options.partial.is_some() {
        return Err(Reply::bad("ALL and PARTIAL do not go together"));
    }
    // RFC 9051 section 6.4.4: no option means ALL; SAVE alone returns nothing.
    options.all |=
        !(options.min || options.max || options.count || options.save || options.partial.is_some());
    Ok(options)
}

impl Session {
    pub(super) fn search(&mut self, world: &mut World, tag: &str, search: &Search) -> Done {
        let returned = search.returned.as_deref();
        if returned.is_some() && !world.has("ESEARCH") {
            return Err(Reply::bad("RETURN is not supported"));
        }
        let options = options(world, returned.unwrap_or_default(), "CONTEXT=SEARCH")?;
        self.may_update(tag, &options)?;
        if search.charset.is_some() && self.enabled.utf8_accept {
            // RFC 6855 section 3: then all strings are UTF-8.
            return Err(Reply::bad("No charset can be named once UTF8=ACCEPT is enabled"));
        }
        let found = self.find(world, search.charset.as_deref(), &search.keys, None);
        let found = found.inspect_err(|reply| self.not_saved(&options, reply))?;
        // RFC 6203 section 4.
        if options.relevancy && !search.keys.iter().any(is_fuzzy) {
            return Err(Reply::bad("RELEVANCY goes with FUZZY"));
        }
        // RFC 9051 section 6.4.4: IMAP4rev2 always answers with ESEARCH.
        if returned.is_some() || self.enabled.rev2 {
            self.esearch(tag, search.uid, &options, &found);
            if options.update {
                self.keep_updated(tag, search.uid, None, &found);
            }
        } else {
            let mut response = SearchNumbers { mod_seq: found.mod_seq(), ..SearchNumbers::default() };
            let numbers: NumberList = found.numbers(search.uid).into_iter().collect();
            response.numbers = numbers.to_set();
            self.answer("SEARCH", Answer::Search(response));
        }
        Ok(found.limited.clone().map_or_else(|| Reply::ok("Searched"), limit_reached))
    }

    pub(super) fn sort(&mut self, world: &mut World, tag: &str, command: &Sort) -> Done {
        let returned = command.returned.as_deref();
        // RFC 5267 section 3: that is another capability.
        if returned.is_some() && !world.has("ESORT") {
            return Err(Reply::bad("RETURN is not supported"));
        }
        let is_display = |key: &SortKey| matches!(key.by, SortBy::DisplayFrom | SortBy::DisplayTo);
        let by_relevancy = command.criteria.iter().any(|key| key.by == SortBy::Relevancy);
        let is_known = !command.criteria.iter().any(is_display) || world.has("SORT=DISPLAY");
        if !is_known || by_relevancy && !command.keys.iter().any(is_fuzzy) {
            return Err(Reply::bad("A criterion that is not known here"));
        }
        let options = options(world, returned.unwrap_or_default(), "CONTEXT=SORT")?;
        self.may_update(tag, &options)?;
        let order = Some(&*command.criteria);
        self.within_limit(world)?;
        let found = self.find(world, Some(&command.charset), &command.keys, order);
        let found = found.inspect_err(|reply| self.not_saved(&options, reply))?;
        if returned.is_some() {
            self.esearch(tag, command.uid, &options, &found);
            if options.update {
                self.keep_updated(tag, command.uid, order, &found);
            }
            return Ok(Reply::ok("Sorted"));
        }
        let mut response = SortResult { mod_seq: found.mod_seq(), ..SortResult::default() };
        response.numbers = found.numbers(command.uid).into_iter().collect();
        self.answer("SORT", Answer::Sort(response));
        Ok(Reply::ok("Sorted"))
    }

    pub(super) fn thread(&mut self, world: &mut World, command: &Thread) -> Done {
        self.within_limit(world)?;
        let found = self.find(world, Some(&command.charset), &command.keys, None)?;
        let Some(snapshot) = &self.selected else { return Err(Reply::bad("Select a mailbox first")) };
        let rows = found.rows.iter().filter_map(|(seq, uid, ..)| {
            let at = snapshot.find(*uid)?;
            Some(Numbered { seq: *seq, row: snapshot.row(at)?, relevancy: 100 })
        });
        let rows: Vec<_> = rows.collect();
        let messages: Vec<&dyn Candidate> = rows.iter().map(|row| row as &dyn Candidate).collect();
        let number = |message: &dyn Candidate| if command.uid { message.uid() } else { message.seq() };
        let Some(threads) = threads(&command.algorithm, &messages, number) else {
            return Err(Reply::bad("An unknown way of making threads"));
        };
        self.answer("THREAD", Answer::Thread(threads));
        Ok(Reply::ok("Threads made"))
    }

    /// RFC 5182 section 2.1: a SEARCH with SAVE that ends with NO clears the saved result; BAD
    /// keeps it.
    fn not_saved(&mut self, options: &ReturnOptions, reply: &Reply) {
        if options.save
            && reply.status.status == crate::types::Status::No
            && let Some(snapshot) = &mut self.selected
        {
            snapshot.saved = UidSet::new();
        }
    }

    /// Sets `$`.
    pub(super) fn save(&mut self, options: &ReturnOptions, found: &Found) {
        if let Some(snapshot) = &mut self.selected {
            snapshot.saved = saved(options, found);
        }
    }

    fn esearch(&mut self, tag: &str, uid: bool, options: &ReturnOptions, found: &Found) {
        if options.save {
            self.save(options, found);
        }
        if !options.only_saves() {
            self.answer("ESEARCH", Answer::ESearch(Box::new(result(tag, uid, options, found))));
        }
    }
}

/// The items that were asked for.
pub(super) fn result(tag: &str, uid: bool, options: &ReturnOptions, found: &Found) -> ESearch {
    let numbers = found.numbers(uid);
    let mut response = ESearch { tag: Some(tag.to_owned()), uid, ..ESearch::default() };
    // RFC 9051 section 7.3.4: items without a value are left out, except for the count.
    if options.min {
        response.min = numbers.first().copied();
    }
    if options.max {
        response.max = numbers.last().copied();
    }
    if options.count {
        response.count = Some(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
    }
    if options.all && !numbers.is_empty() {
        let list: NumberList = numbers.iter().copied().collect();
        response.all = Some(list.to_set());
        // A result of SORT keeps its order.
        response.sorted = Some(list).filter(|_| !numbers.is_sorted());
    }
    if let Some(range) = options.partial {
        let part: NumberList = range.of(&numbers).iter().copied().collect();
        response.partial = Some(PartialResult::new((range.first, range.last), part));
    }
    if options.relevancy {
        response.relevancy = found.rows.iter().map(|row| row.3).collect();
    }
    response.mod_seq = found.mod_seq_of(options);
    response
}

/// The new value of `$` (RFC 5182 section 2.4, RFC 9394 section 3.2): everything found, unless only
/// MIN, MAX and PARTIAL were requested.
fn saved(options: &ReturnOptions, found: &Found) -> UidSet {
    let uids = found.numbers(true);
    if options.count || options.all || !(options.min || options.max || options.partial.is_some()) {
        return uid_set(uids);
    }
    let mut some = Vec::new();
    some.extend(options.min.then(|| uids.first().copied()).flatten());
    some.extend(options.max.then(|| uids.last().copied()).flatten());
    some.extend(options.partial.map(|range| range.of(&uids)).unwrap_or_default());
    uid_set(some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_result() {
        let all = [1, 2, 3, 4, 5];
        let of = |text: &str| piece(text).map(|piece| piece.of(&all).to_vec());
        assert_eq!(of("1:2"), Some(vec![1, 2]));
        assert_eq!(of("2:1"), Some(vec![1, 2]));
        assert_eq!(of("4:9"), Some(vec![4, 5]));
        assert_eq!(of("6:9"), Some(vec![]));
        assert_eq!(of("-1:-2"), Some(vec![4, 5]));
        assert_eq!(of("-4:-9"), Some(vec![1, 2]));
        for wrong in ["0:1", "1", "-1:2", "1:", "+1:2", "1:99999999999"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }
}
