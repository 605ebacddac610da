//! How a LIST is written: in one line, or in the lines that come to the same on a server that lacks
//! extensions.
//!
//! ```text
//!   LIST (…) "" (…) RETURN (…)                  all that was asked for
//!   LIST | LSUB | XLIST "" pattern, for each    ── OK ──> STATUS, MYRIGHTS, GETMETADATA of each mailbox
//! ```

use super::{List, MAX_FOUND};
use crate::command::{Flow, Line, Session};
use crate::error::{Error, Result};

/// How it is written, and how far it has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    form: Form,
    /// How many lines the list itself takes.
    lines: usize,
    /// What is asked of each mailbox once they are listed.
    apart: Vec<Question>,
    /// Rows without a special use are left out here.
    special_alone: bool,
    /// How many lines have been written.
    written: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// In one line (RFC 5258).
    Extended,
    /// By this command, a line for each pattern.
    Plain(&'static str),
}

/// A question about one mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Status,
    MyRights,
    Metadata,
}

impl Plan {
    pub(super) fn of(list: &List, session: &Session) -> Result<Self> {
        let (by, with) = (&list.by, &list.with);
        if by.recursive && !by.subscribed && !by.special_use {
            let why = "RECURSIVEMATCH selects by nothing: beside it stands `subscribed` or `special_use`";
            return Err(Error::invalid(why));
        }
        if let Some(items) = &with.status {
            items.check(session)?;
        }
        let mut form = form(list, session)?;
        let may_be_extended = session.can("LIST-EXTENDED") && !by.lsub && form != Form::Plain("XLIST");
        let mut apart = Vec::new();
        let data = [
            (with.status.is_some(), "LIST-STATUS", None, Question::Status),
            (with.my_rights, "LIST-MYRIGHTS", Some("ACL"), Question::MyRights),
            (!with.metadata.is_empty(), "LIST-METADATA", Some("METADATA"), Question::Metadata),
        ];
        for (_, in_list, alone, question) in data.into_iter().filter(|(is_asked, ..)| *is_asked) {
            if may_be_extended && session.can(in_list) {
                form = Form::Extended;
            } else if list.strict {
                return Err(lacks(in_list));
            } else if let Some(needed) = alone.filter(|needed| !session.can(needed)) {
                return Err(lacks(needed));
            } else {
                apart.push(question);
            }
        }
        let lines = if form == Form::Extended { 1 } else { list.patterns.len() };
        let special_alone = by.special_use && form != Form::Extended;
        Ok(Self { form, lines, apart, special_alone, written: 0 })
    }

    /// Whether rows without a special use are left out.
    pub(super) fn keeps_special_alone(&self) -> bool {
        self.special_alone
    }

    /// Whether each mailbox is asked once they are listed.
    pub(super) fn asks_apart(&self) -> bool {
        !self.apart.is_empty()
    }

    /// Whether that has begun.
    pub(super) fn asks_one_by_one(&self) -> bool {
        self.written > self.lines
    }

    /// Writes the next line.
    pub(super) fn write_next(&mut self, list: &List, line: &mut Line) -> Result<Flow> {
        let at = self.written;
        self.written += 1;
        if at >= self.lines {
            return self.write_question(list, at - self.lines, line);
        }
        match self.form {
            Form::Extended => self.write_extended(list, line),
            Form::Plain(word) => {
                let pattern = list.patterns.get(at).map_or("", String::as_str);
                line.word(word).mailbox(&list.reference.as_str().into()).list_pattern(pattern);
            }
        }
        Ok(match self.written < self.lines {
            true => Flow::More,
            false if self.asks_apart() => Flow::AfterReply,
            false => Flow::Last,
        })
    }

    fn write_extended(&self, list: &List, line: &mut Line) {
        let (by, with) = (&list.by, &list.with);
        line.word("LIST");
        let selected = [
            (by.subscribed, "SUBSCRIBED"),
            (by.remote, "REMOTE"),
            (by.recursive, "RECURSIVEMATCH"),
            (by.special_use, "SPECIAL-USE"),
        ];
        write_options(line, &selected);
        line.mailbox(&list.reference.as_str().into());
        match &*list.patterns {
            [one] => {
                line.list_pattern(one);
            }
            several => {
                line.open();
                for pattern in several {
                    line.list_pattern(pattern);
                }
                line.close();
            }
        }
        let in_list = |question| !self.apart.contains(&question);
        let status = with.status.as_ref().filter(|_| in_list(Question::Status));
        let my_rights = with.my_rights && in_list(Question::MyRights);
        let metadata = Some(&with.metadata).filter(|all| !all.is_empty() && in_list(Question::Metadata));
        let options =
            [(with.subscribed, "SUBSCRIBED"), (with.children, "CHILDREN"), (with.special_use, "SPECIAL-USE")];
        let has_options = options.iter().any(|(is_asked, _)| *is_asked);
        if !has_options && status.is_none() && !my_rights && metadata.is_none() {
            return;
        }
        line.word("RETURN").open();
        for (_, word) in options.iter().filter(|(is_asked, _)| *is_asked) {
            line.word(word);
        }
        if let Some(items) = status {
            line.word("STATUS");
            items.encode(line);
        }
        if my_rights {
            line.word("MYRIGHTS");
        }
        if let Some(entries) = metadata {
            line.word("METADATA");
            write_entries(line, entries);
        }
        line.close();
    }

    /// Writes the question with this number.
    fn write_question(&self, list: &List, number: usize, line: &mut Line) -> Result<Flow> {
        if list.found.len() > MAX_FOUND {
            let why = format!("there are more than {MAX_FOUND} mailboxes, which would be asked one by one");
            return Err(Error::unsupported(why).advise("list them by narrower patterns"));
        }
        let kinds = self.apart.len().max(1);
        let (Some(mailbox), Some(question)) =
            (list.found.get(number / kinds), self.apart.get(number % kinds))
        else {
            // There is none to ask, and a line is due.
            line.word("NOOP");
            return Ok(Flow::Last);
        };
        match (question, &list.with.status) {
            (Question::Status, Some(items)) => {
                line.word("STATUS").mailbox(mailbox);
                items.encode(line);
            }
            (Question::Metadata, _) => {
                line.word("GETMETADATA").mailbox(mailbox);
                write_entries(line, &list.with.metadata);
            }
            _ => {
                line.word("MYRIGHTS").mailbox(mailbox);
            }
        }
        Ok(if number + 1 < list.found.len() * kinds { Flow::More } else { Flow::Last })
    }
}

/// The form that does what was asked for, counts and the like aside.
fn form(list: &List, session: &Session) -> Result<Form> {
    let (by, with) = (&list.by, &list.with);
    if (by.special_use || with.special_use) && !session.can("SPECIAL-USE") {
        // XLIST has no options (it is Gmail's, and no RFC).
        let has_others = by.subscribed || by.remote || by.recursive || with.subscribed || with.children;
        let may_replace = session.can("XLIST") && !list.strict && !has_others;
        return if may_replace { Ok(Form::Plain("XLIST")) } else { Err(lacks("SPECIAL-USE")) };
    }
    if by.lsub && session.capabilities().has("IMAP4rev2") && !session.capabilities().has("IMAP4rev1") {
        return Err(Error::unsupported("the server has no LSUB: that is a command of IMAP4rev1"));
    }
    let returns = with.subscribed || with.children || with.special_use;
    let selects = by.subscribed || by.remote || by.recursive || by.special_use;
    let several = list.patterns.len() > 1;
    if session.can("LIST-EXTENDED") && !by.lsub {
        let is_plain = !selects && !returns && !several;
        return Ok(if is_plain { Form::Plain("LIST") } else { Form::Extended });
    }
    // LSUB has no attributes.
    let of_subscribed = by.subscribed && (by.special_use || with.special_use || with.children);
    let no_form = by.remote || by.recursive || with.subscribed || of_subscribed;
    let is_replaced = several || by.special_use || by.subscribed && !by.lsub;
    if no_form || list.strict && is_replaced {
        return Err(lacks("LIST-EXTENDED"));
    }
    if with.children && !session.can("CHILDREN") {
        return Err(lacks("CHILDREN"));
    }
    Ok(Form::Plain(if by.subscribed { "LSUB" } else { "LIST" }))
}

fn lacks(capability: &str) -> Error {
    Error::unsupported(format!("the server has no {capability}, and nothing else comes to the same"))
}

fn write_options(line: &mut Line, options: &[(bool, &str)]) {
    if !options.iter().any(|(is_asked, _)| *is_asked) {
        return;
    }
    line.open();
    for (_, word) in options.iter().filter(|(is_asked, _)| *is_asked) {
        line.word(word);
    }
    line.close();
}

fn write_entries(line: &mut Line, entries: &[String]) {
    line.open();
    for entry in entries {
        line.astring(entry);
    }
    line.close();
}
