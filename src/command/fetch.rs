//! FETCH: data of messages (RFC 9051 section 6.4.5), and which rows answer which command.

use super::items::Items;
use super::messages::{Match, MessageChunks};
use super::{
    Claim, Class, Command, FetchReport, FlagUse, Flow, Line, Messages, PartialRange, ResponseKinds, RowItems,
    Search, Session, Streaming,
};
use crate::error::{Error, Result};
use crate::types::{
    Answer, Done, IncrementalSet, Message, ModSeq, RangeCollector, Seq, Uid, UidSet, Untagged,
};

/// `FETCH` (RFC 9051 section 6.4.5): gives a [`Message`] for each message that is there.
#[derive(Clone, Debug)]
#[must_use]
pub struct Fetch {
    which: Messages,
    items: Items,
    changed_since: Option<ModSeq>,
    /// Those that have gone since then, too.
    pub(super) vanished: bool,
    partial: Option<Part>,
    /// Nothing but PARTIAL will do for that.
    strict: bool,
    pieces: MessageChunks,
    /// The messages of which all that was asked for has come in one row, as it nearly always does.
    whole: ReceivedRows,
    /// Of the others: of which messages the flags have been received, or the UID where nothing else
    /// was asked for.
    received: ReceivedRows,
    /// The same for MODSEQ, if that was asked for.
    mod_seqs: ReceivedRows,
    /// For each item asked for, by its place: the messages that it was received for. Servers may
    /// answer several commands before the first tagged line, so a second row of the same kind is
    /// likely another command's.
    data: Vec<ReceivedRows>,
}

/// The messages of which an item has been received already: a second row with it answers another
/// command, or is an unsolicited change.
#[derive(Clone, Debug, Default)]
pub(super) struct ReceivedRows {
    uids: IncrementalSet<Uid>,
    seqs: IncrementalSet<Seq>,
}

impl ReceivedRows {
    pub(super) fn has(&self, row: &Message) -> bool {
        match (row.uid(), row.seq()) {
            (Some(uid), _) => self.uids.contains(uid),
            (None, Some(seq)) => self.seqs.contains(seq),
            (None, None) => false,
        }
    }

    pub(super) fn add(&mut self, row: &Message) {
        match (row.uid(), row.seq()) {
            (Some(uid), _) => self.uids.insert(uid),
            (None, Some(seq)) => self.seqs.insert(seq),
            (None, None) => {}
        }
    }
}

/// A part of the messages, and how it is asked for.
#[derive(Clone, Debug)]
struct Part {
    range: PartialRange,
    step: Step,
    /// The lines of the search, and the messages that the last of them named.
    searches: MessageChunks,
    searched: Messages,
    /// What they have found of the set.
    found: RangeCollector<Uid>,
    /// The part, of these.
    meant: Messages,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// One line, with PARTIAL; or nothing has been written.
    Fetch,
    /// Without PARTIAL on the server, or of a set that is too long for one line: first it is
    /// searched which of the messages are there.
    Search,
    /// The last line of that has been written.
    LastSearch,
    /// Then those of them that are meant.
    FetchFound,
}

impl Part {
    fn new(range: PartialRange) -> Self {
        let (searched, meant) = (Messages::default(), Messages::default());
        let (searches, found) = (MessageChunks::default(), RangeCollector::default());
        Self { range, step: Step::Fetch, searches, searched, found, meant }
    }
}

/// What a line is for.
enum Piece {
    Search(Messages),
    Fetch(Messages, Flow),
}

impl Fetch {
    /// Fetches these items of these messages.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Fetch, Items};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let rows = inbox.submit(Fetch::new(inbox.newest(1), Items::body())).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(which: impl Into<Messages>, items: impl Into<Items>) -> Self {
        Self {
            which: which.into(),
            items: items.into(),
            changed_since: None,
            vanished: false,
            partial: None,
            strict: false,
            pieces: MessageChunks::default(),
            whole: ReceivedRows::default(),
            received: ReceivedRows::default(),
            mod_seqs: ReceivedRows::default(),
            data: Vec::new(),
        }
    }

    /// Whether a row has flags, a mod-sequence or a UID alone, which were asked for and have not
    /// been received of this message.
    fn lacks_state(&self, row: &Message) -> bool {
        let lacks = self.items.has_plain(row) && !self.received.has(row)
            || self.items.mod_seq && row.mod_seq().is_some() && !self.mod_seqs.has(row);
        lacks && !self.whole.has(row)
    }

    /// Only those messages that have changed since this mod-sequence (RFC 7162 section 3.1.4.1);
    /// needs CONDSTORE. The rows have the mod-sequence too.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Fetch, Items};
    /// # async fn example(inbox: &imap_duplex::Mailbox, since: imap_duplex::types::ModSeq) -> imap_duplex::Result<()> {
    /// let fetch = Fetch::new(inbox.newest(100), Items::new().flags()).changed_since(since);
    /// let changed = inbox.submit(fetch).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn changed_since(mut self, mod_seq: ModSeq) -> Self {
        self.changed_since = Some(mod_seq);
        self
    }

    /// Only this part of those of the messages that are there: the last 50, say (RFC 9394 section
    /// 3.3). Where the server has no PARTIAL, or the set is too long for one line, it is first
    /// asked which of them are there, unless it is to be [`strict`](Fetch::strict). The messages
    /// are named by UID.
    ///
    /// ```no_run
    /// # use imap_duplex::command::{Fetch, Items, PartialRange};
    /// # async fn example(inbox: &imap_duplex::Mailbox) -> imap_duplex::Result<()> {
    /// let newest = Fetch::new(.., Items::envelope()).partial(PartialRange::last(50));
    /// let rows = inbox.submit(newest).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "PARTIAL")]
    pub fn partial(mut self, range: impl Into<PartialRange>) -> Self {
        self.partial = Some(Part::new(range.into()));
        self
    }

    /// Fails, unsent, where [`partial`](Fetch::partial) would have to do without PARTIAL: with
    /// [`Unsupported`](crate::ErrorKind::Unsupported) where the server lacks it, with
    /// [`Invalid`](crate::ErrorKind::Invalid) where the set is too long for one line.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// The same, with a result that lists which of the messages are not there.
    pub fn report(self) -> FetchReport {
        FetchReport::new(self)
    }

    /// The messages that it names.
    pub(super) fn named(&self) -> &Messages {
        &self.which
    }

    /// The UIDs that it names, where each of them is to be answered: of an open range, and where
    /// only some are asked for, no message is missing.
    pub(super) fn named_uids(&self) -> Option<&UidSet> {
        let all = self.partial.is_none() && self.changed_since.is_none();
        match &self.which {
            Messages::Uids(set) if all && !set.is_open() => Some(set),
            _ => None,
        }
    }

    /// The messages whose part is meant were searched for, and are now to be fetched.
    fn searches(&self) -> bool {
        self.partial.as_ref().is_some_and(|part| matches!(part.step, Step::Search | Step::LastSearch))
    }

    fn check(&self, session: &Session) -> Result<()> {
        self.items.check(session)?;
        if self.changed_since.is_some() && !session.can("CONDSTORE") && !session.can("QRESYNC") {
            return Err(Error::unsupported("the server keeps no mod-sequences (CONDSTORE)"));
        }
        if !self.vanished {
            return Ok(());
        }
        if self.changed_since.is_none() {
            return Err(Error::invalid("what has gone is reported since a mod-sequence (changed_since)"));
        }
        if session.is_enabled("QRESYNC") {
            Ok(())
        } else {
            Err(Error::unsupported("which messages have gone is reported once QRESYNC is enabled"))
        }
    }

    /// What the next line is for.
    fn next_piece(&mut self, session: &Session) -> Result<Piece> {
        let fetch = |(piece, flow)| Piece::Fetch(piece, flow);
        let Some(part) = &mut self.partial else { return Ok(fetch(self.pieces.next(&self.which, session))) };
        if part.step == Step::Fetch {
            let fits = !self.which.needs_several_lines(session.command_line);
            match (session.can("PARTIAL"), self.strict) {
                (true, _) if fits => return Ok(Piece::Fetch(self.which.clone(), Flow::Last)),
                (true, true) => {
                    return Err(Error::invalid(
                        "PARTIAL takes the whole set in one line, for which it is too long",
                    ));
                }
                (false, true) => return Err(Error::unsupported("the server lacks PARTIAL")),
                (_, false) => part.step = Step::Search,
            }
        }
        if part.step == Step::Search {
            let (piece, flow) = part.searches.next(&self.which, session);
            if flow == Flow::Last {
                part.step = Step::LastSearch;
            }
            part.searched = piece.clone();
            return Ok(Piece::Search(piece));
        }
        if part.step == Step::LastSearch {
            part.step = Step::FetchFound;
            let found = std::mem::take(&mut part.found).finish();
            let (from, to) = part.range.within(found.len());
            part.meant = Messages::Uids(found.between_places(from, to));
        }
        Ok(fetch(self.pieces.next(&part.meant, session)))
    }

    fn encode_modifiers(&self, line: &mut Line) {
        let partial = self.partial.as_ref().filter(|part| part.step == Step::Fetch);
        if partial.is_none() && self.changed_since.is_none() {
            return;
        }
        line.open();
        if let Some(part) = partial {
            line.word("PARTIAL").word(&part.range.to_string());
        }
        if let Some(mod_seq) = self.changed_since {
            line.word("CHANGEDSINCE").number(mod_seq.get());
        }
        if self.vanished {
            line.word("VANISHED");
        }
        line.close();
    }
}

impl Command for Fetch {
    type Item = Message;
    type Output = Vec<Message>;

    fn name(&self) -> &str {
        "FETCH"
    }

    fn class(&self) -> Class {
        let class = Class::query().ours();
        let class = match &self.partial {
            None => class.answered_by_kinds(ResponseKinds::FETCH).about_messages(),
            // It may search first.
            Some(_) => class.answered_by_kinds(ResponseKinds::FETCH.and(ResponseKinds::SEARCH)).uid_only(),
        };
        let class = if self.vanished { class.uid_only() } else { class };
        let class = if self.which.by_number() { class.expunge_free() } else { class };
        match (self.items.sets_seen(), self.items.flags) {
            (true, _) => Class { reads_only: false, ..class.with_flags(FlagUse::Writes) },
            (false, true) => class.with_flags(FlagUse::Reads),
            (false, false) => class,
        }
    }

    fn messages(&mut self) -> Option<&mut Messages> {
        Some(&mut self.which)
    }

    fn encode(&mut self, line: &mut Line, session: &Session) -> Result<Flow> {
        self.check(session)?;
        let (piece, flow) = match self.next_piece(session)? {
            Piece::Fetch(piece, flow) => (piece, flow),
            Piece::Search(piece) => {
                Search::encode_presence(line, &piece, session);
                return Ok(Flow::AfterReply);
            }
        };
        if piece.is_empty() {
            // The search has found none, and a line has been promised.
            line.word("NOOP");
            return Ok(Flow::Last);
        }
        line.command("FETCH", &piece);
        self.items.encode(line, matches!(piece, Messages::Uids(_) | Messages::Saved(_)));
        self.encode_modifiers(line);
        Ok(flow)
    }

    fn claims(&self, response: &Untagged) -> Claim {
        if self.searches() {
            return Search::all().claims(response);
        }
        let Answer::Fetch(row) = response.answer() else { return Claim::No };
        let holds = self.pieces.matches(&self.which, row);
        if holds == Match::No {
            return Claim::No;
        }
        let sure = holds == Match::Surely;
        let whole = self.whole.has(row);
        let (mut asked, mut unasked, mut lacking) = (0, 0, 0);
        self.items.each_place(row, |place| match place {
            Some((place, very)) => {
                asked += 1;
                unasked += usize::from(!very);
                let has = whole || self.data.get(place).is_some_and(|received| received.has(row));
                lacking += usize::from(!has);
            }
            None => unasked += 1,
        });
        match (asked, unasked) {
            (0, 0) => {
                match holds {
                    Match::Surely if self.lacks_state(row) => Claim::Whole,
                    Match::Perhaps if self.lacks_state(row) => Claim::Part,
                    // Flags of a message that can't be identified.
                    _ => Claim::No,
                }
            }
            (0, _) => Claim::No,
            // Only the server can resolve `$`; as answers are in order, its rows precede those of
            // later commands, even of one that names the message explicitly.
            (_, 0)
                if (sure || matches!(self.which, Messages::Saved(_)))
                    && (lacking > 0 || self.lacks_state(row)) =>
            {
                Claim::Whole
            }
            _ => Claim::Part,
        }
    }

    fn items_of(&self, response: &Untagged) -> RowItems {
        let Answer::Fetch(row) = response.answer() else { return RowItems::default() };
        let mut items = RowItems { flags_alone: self.items.asks_data(), ..RowItems::default() };
        items.asked.set(RowItems::FLAGS, self.items.has_plain(row));
        let whole = self.whole.has(row);
        let asks_flags = self.items.flags || self.items.is_uid_alone();
        items.received.set(RowItems::FLAGS, asks_flags && whole || self.received.has(row));
        items.asked.set(RowItems::MOD_SEQ, self.items.mod_seq && row.mod_seq().is_some());
        items.received.set(RowItems::MOD_SEQ, self.items.mod_seq && whole || self.mod_seqs.has(row));
        self.items.each_place(row, |place| {
            if let Some((place, _)) = place {
                items.asked.set(RowItems::DATA + place, true);
                items.flags_alone = false;
            }
        });
        for place in 0..self.items.places() {
            let has = whole && self.items.asks_place(place)
                || self.data.get(place).is_some_and(|received| received.has(row));
            items.received.set(RowItems::DATA + place, has);
        }
        items
    }

    fn line_ended(&mut self, at: usize) {
        self.pieces.line_ended(at);
    }

    fn trim(&self, response: &mut Untagged) -> bool {
        !matches!(response.answer(), Answer::Fetch(row) if self.which.leave_out(row))
    }

    fn received(&mut self, response: &Untagged) {
        if let Some(part) = &mut self.partial
            && let Some(found) = Search::item(response.clone())
        {
            part.found.add_set(match &part.searched {
                // `n:*` finds the last message, whatever its UID.
                Messages::Uids(set) => found.uids().intersection(set),
                _ => found.into_uids(),
            });
        }
        let Answer::Fetch(row) = response.answer() else { return };
        if self.items.is_whole(row) {
            return self.whole.add(row);
        }
        if row.flags().is_some() || self.items.is_uid_alone() {
            self.received.add(row);
        }
        if row.mod_seq().is_some() && self.items.mod_seq {
            self.mod_seqs.add(row);
        }
        let data = &mut self.data;
        self.items.each_place(row, |place| {
            let Some((place, _)) = place else { return };
            if data.len() <= place {
                data.resize_with(place + 1, ReceivedRows::default);
            }
            if let Some(received) = data.get_mut(place) {
                received.add(row);
            }
        });
    }

    fn item(response: Untagged) -> Option<Message> {
        row_of(response)
    }

    fn finish(self, _: Done, items: Vec<Message>) -> Result<Vec<Message>> {
        Ok(join_rows(items))
    }
}

impl Streaming for Fetch {}

/// The row of a FETCH response.
pub(crate) fn row_of(response: Untagged) -> Option<Message> {
    match response.into_answer() {
        Answer::Fetch(row) => Some(*row),
        _ => None,
    }
}

/// Joins rows of the same message: servers may answer in several (RFC 9051 section 7.5.2).
pub(crate) fn join_rows(rows: Vec<Message>) -> Vec<Message> {
    use std::collections::HashMap;
    let ascending = rows.windows(2).all(|w| w[0].uid().is_some() && w[0].uid() < w[1].uid());
    if ascending {
        return rows;
    }
    let mut joined: Vec<Message> = Vec::with_capacity(rows.len());
    let mut places = HashMap::new();
    let mut later: HashMap<usize, Vec<Message>> = HashMap::new();
    // Rows without a UID are answers to a command by number, while which no number shifts (RFC 9051
    // section 7.5.1).
    let by_number = rows.iter().any(|row| row.uid().is_none());
    for row in rows {
        let (uid, seq) = (row.uid().map(|uid| (true, uid.get())), row.seq().map(|seq| (false, seq.get())));
        let key = if by_number { seq.or(uid) } else { uid };
        match key.and_then(|key| places.get(&key)) {
            Some(&place) => later.entry(place).or_default().push(row),
            None => {
                if let Some(key) = key {
                    places.insert(key, joined.len());
                }
                joined.push(row);
            }
        }
    }
    for (place, later) in later {
        joined[place].merge(later);
    }
    joined
}
