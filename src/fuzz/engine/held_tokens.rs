//! The commands that a list of operations can submit, and their tokens.
//!
//! In: two bytes, which choose a command and its argument. Out: a token of any type as
//! [`HeldTokens`].

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::Tap;
use crate::client::{Mailbox, RowLiteral, RowPart, RowParts, Rows, Select, Sender, Submit, Token};
use crate::command::{
    Append, AppendAll, Class, Command, Enable, Fetch, Flow, Id, Items, Line, List, Messages, Notify,
    NotifyEvent, Search, SelectedNotify, Session, StatusItems, Store, Streaming,
};
use crate::error::Result;
use crate::types::{Done, Flag, Seq, SeqSet, Uid, UidSet};

/// A token of any command.
pub(super) trait HeldTokens {
    /// Whether it has resolved and all its rows have been read.
    fn is_over(&mut self) -> bool;
    fn detach(self: Box<Self>);
    fn cancel(self: Box<Self>);
    /// As a stream of rows, if the command has them; and of their literals.
    fn stream(self: Box<Self>, literals: bool) -> Box<dyn HeldTokens>;
}

/// Converts a token into a stream.
type ToStream<C> = fn(Token<C>, bool) -> Box<dyn HeldTokens>;

/// A token, and its conversion into a stream, if there is one.
struct Whole<C: Submit>(Token<C>, Option<ToStream<C>>);

impl<C: Submit> HeldTokens for Whole<C> {
    fn is_over(&mut self) -> bool {
        Pin::new(&mut self.0).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    fn detach(self: Box<Self>) {
        self.0.detach();
    }

    fn cancel(self: Box<Self>) {
        self.0.cancel();
    }

    fn stream(self: Box<Self>, literals: bool) -> Box<dyn HeldTokens> {
        match self.1 {
            Some(stream) => stream(self.0, literals),
            None => self,
        }
    }
}

impl<C: Streaming> HeldTokens for Rows<C> {
    fn is_over(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match futures_core::Stream::poll_next(Pin::new(self), &mut cx) {
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => return true,
                Poll::Pending => return false,
            }
        }
    }

    fn detach(self: Box<Self>) {}

    fn cancel(self: Box<Self>) {}

    fn stream(self: Box<Self>, _: bool) -> Box<dyn HeldTokens> {
        self
    }
}

/// A FETCH in parts, and the literal of it that has begun.
struct InParts(RowParts, Option<RowLiteral>);

impl HeldTokens for InParts {
    fn is_over(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Some(literal) = &mut self.1 {
                match futures_core::Stream::poll_next(Pin::new(literal), &mut cx) {
                    Poll::Ready(Some(_)) => {}
                    Poll::Ready(None) => self.1 = None,
                    Poll::Pending => return false,
                }
                continue;
            }
            match futures_core::Stream::poll_next(Pin::new(&mut self.0), &mut cx) {
                Poll::Ready(Some(Ok(RowPart::Literal(literal)))) => self.1 = Some(literal),
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) => return true,
                Poll::Pending => return false,
            }
        }
    }

    fn detach(self: Box<Self>) {}

    /// The literal is dropped, and the rows are read on.
    fn cancel(mut self: Box<Self>) {
        self.1 = None;
        self.is_over();
    }

    fn stream(self: Box<Self>, _: bool) -> Box<dyn HeldTokens> {
        self
    }
}

fn whole<C: Submit>(token: Token<C>) -> Box<dyn HeldTokens> {
    Box::new(Whole(token, None))
}

fn rows<C: Streaming>(token: Token<C>) -> Box<dyn HeldTokens> {
    Box::new(Whole(token, Some(|token, _| Box::new(token.stream()))))
}

fn parts(token: Token<Fetch>) -> Box<dyn HeldTokens> {
    let stream: ToStream<Fetch> = |token, literals| match literals {
        true => Box::new(InParts(token.stream_literals(0), None)),
        false => Box::new(token.stream()),
    };
    Box::new(Whole(token, Some(stream)))
}

/// A user's own command with a dialogue.
struct Dialogue(u8);

impl Command for Dialogue {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "XTALK"
    }

    fn class(&self) -> Class {
        Class::barrier().with_challenges().with_raw()
    }

    fn encode(&mut self, line: &mut Line, _: &Session) -> Result<Flow> {
        line.atom("XTALK").literal(&b"literal"[..]);
        Ok(if self.0 == b'm' { Flow::More } else { Flow::Last })
    }

    fn challenge(&mut self, _: &[u8], line: &mut Line) -> Result<()> {
        self.0 = self.0.checked_sub(1).ok_or_else(|| crate::error::Error::invalid("no more to say"))?;
        line.string(b"answer\r\n");
        Ok(())
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap_or(Uid::MAX)
}

fn messages(argument: u8) -> Messages {
    let seqs = |numbers: &[u32]| numbers.iter().copied().filter_map(Seq::new).collect::<SeqSet>();
    match argument % 8 {
        0 => (uid(1)..).into(),
        1 => (uid(11)..=uid(13)).into(),
        2 => [11, 12].map(uid).into_iter().collect::<UidSet>().into(),
        3 => (1..400).step_by(7).map(uid).collect::<UidSet>().into(),
        4 => seqs(&[1, 2]).into(),
        5 => seqs(&[2]).into(),
        6 => UidSet::default().into(),
        _ => uid(12).into(),
    }
}

fn items(argument: u8) -> Items {
    let items = if argument & 8 != 0 { Items::body() } else { Items::new().size() };
    let items = if argument & 16 != 0 { items.marking_seen() } else { items };
    if argument & 32 != 0 { items.flags() } else { items.and(Items::envelope()) }
}

/// Submits the command that these bytes choose.
pub(super) fn submit(
    sender: &Sender,
    mailbox: &mut Option<Mailbox>,
    held: &mut Vec<Box<dyn HeldTokens>>,
    kind: u8,
    argument: u8,
    source: impl Fn() -> Tap,
) {
    let name = ["INBOX", "Work", "two\r\nlines", "Entw\u{fc}rfe"][usize::from(argument % 4)];
    let size = u64::from(argument) * if argument & 64 != 0 { 1000 } else { 1 };
    let upload = || Append::stream(size, source());
    held.push(match kind {
        b'S' => {
            let state = mailbox.as_ref().and_then(Mailbox::state).filter(|_| argument & 8 != 0);
            let select = state.into_iter().fold(Select::new(name), Select::resume);
            let token = sender.select(if argument & 16 != 0 { select.read_only() } else { select });
            *mailbox = Some(token.mailbox());
            whole(token)
        }
        b'L' => rows(sender.list(List::new("*"))),
        b'T' => whole(sender.status(name, StatusItems::counts())),
        b'A' => whole(sender.append(name, vec![b'y'; usize::from(argument)])),
        b'U' => whole(sender.append(name, upload())),
        b'M' => {
            let all = [Append::new("first"), upload(), Append::new(vec![b'z'; 10])];
            whole(sender.submit(AppendAll::new(name, all).one_by_one()))
        }
        b'C' => whole(sender.create(name)),
        b'D' => whole(sender.delete(name)),
        b'R' => whole(sender.rename(name, "Other")),
        b'B' => whole(sender.subscribe(name)),
        b'N' => whole(sender.noop()),
        b'O' => whole(sender.logout()),
        b'E' => whole(sender.submit(Enable::new(["QRESYNC", "IMAP4rev2"]))),
        b'I' => whole(sender.id(Id::nothing())),
        b'K' => whole(sender.capability()),
        b'X' => whole(sender.raw("XRAW line")),
        b'G' => whole(sender.submit(Dialogue(argument % 4))),
        b'Y' => whole(sender.notify(match argument % 3 {
            0 => Notify::none(),
            1 => Notify::set().personal(NotifyEvent::MESSAGES).status(),
            _ => Notify::set().selected(SelectedNotify::immediate()),
        })),
        _ => {
            match mailbox.as_ref() {
                None => return,
                Some(mailbox) => match kind {
                    b'f' => parts(mailbox.fetch(messages(argument), items(argument))),
                    b'h' => whole(mailbox.search(Search::unseen())),
                    b'o' => {
                        let store = Store::add([Flag::Deleted]);
                        rows(mailbox.store(
                            messages(argument),
                            if argument & 8 != 0 { store.silent() } else { store },
                        ))
                    }
                    b'c' => whole(mailbox.copy(messages(argument), "Work")),
                    b'm' => whole(mailbox.move_to(messages(argument), "Work")),
                    b'x' => whole(mailbox.expunge(messages(argument))),
                    b'd' => whole(mailbox.expunge_deleted()),
                    b'u' => whole(mailbox.unselect()),
                    b'l' => whole(mailbox.close()),
                    b'i' => whole(mailbox.idle()),
                    _ => return,
                },
            }
        }
    });
}
