//! Tokens of all kinds under one roof: polled, dropped, detached and cancelled alike, with what
//! they gave in one form.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;

use super::poll_once;
use crate::client::{Mailbox, RowLiteral, RowPart, RowParts, Rows, Select, Submit, Token};
use crate::command::{
    Append, Close, CopyMessages, Create, Expunge, Fetch, List, Logout, Noop, Notify, Search, StatusCommand,
    Store, Unselect,
};
use crate::error::{Error, Result};
use crate::types::{CommandId, Message, Section};

/// What a token gave.
#[derive(Debug)]
pub(super) enum Got {
    Nothing,
    Mailbox(Mailbox),
    Rows(Vec<Message>),
    SearchResult(Vec<u32>),
    /// From which UID to which; no more than the server sent.
    Copied(Vec<(u32, u32)>),
    Expunged(u64, Vec<u32>),
    Appended(Option<u32>),
    Listed(Vec<String>),
    /// MESSAGES, UIDNEXT, UIDVALIDITY, UNSEEN.
    Status(Option<(u32, u32, u32, u32)>),
    Failed(Error),
}

/// A token of some command.
pub(super) trait Pending {
    fn id(&self) -> CommandId;
    fn poll(&mut self) -> Option<Got>;
    fn detach(self: Box<Self>);
    fn cancel(self: Box<Self>);
    /// Its result piece by piece, where there is such a thing; with its literals, if they are to be
    /// read while they come.
    fn stream(self: Box<Self>, literals: bool) -> Box<dyn Pending>;
    /// A stream can but be dropped.
    fn is_stream(&self) -> bool {
        false
    }
}

/// A command whose result the checks know.
pub(super) trait Known: Submit {
    fn got(output: Self::Output) -> Got;

    fn stream(token: Token<Self>, _: bool) -> Box<dyn Pending>
    where
        Self: Sized,
    {
        Box::new(token)
    }
}

impl<C: Known> Pending for Token<C> {
    fn id(&self) -> CommandId {
        Token::id(self)
    }

    fn poll(&mut self) -> Option<Got> {
        poll_once(self).map(|result: Result<C::Output>| result.map_or_else(Got::Failed, C::got))
    }

    fn detach(self: Box<Self>) {
        Token::detach(*self);
    }

    fn cancel(self: Box<Self>) {
        Token::cancel(*self);
    }

    fn stream(self: Box<Self>, literals: bool) -> Box<dyn Pending> {
        C::stream(*self, literals)
    }
}

/// A FETCH or STORE read as a stream.
struct Piecewise<C: crate::command::Streaming> {
    rows: Rows<C>,
    got: Vec<Message>,
}

impl<C: crate::command::Streaming<Item = Message>> Pending for Piecewise<C> {
    fn id(&self) -> CommandId {
        self.rows.id()
    }

    fn poll(&mut self) -> Option<Got> {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match Pin::new(&mut self.rows).poll_next(&mut cx) {
                Poll::Pending => return None,
                Poll::Ready(Some(Ok(row))) => self.got.push(row),
                Poll::Ready(Some(Err(error))) => return Some(Got::Failed(error)),
                Poll::Ready(None) => return Some(Got::Rows(joined(std::mem::take(&mut self.got)))),
            }
        }
    }

    fn detach(self: Box<Self>) {}

    fn cancel(self: Box<Self>) {}

    fn stream(self: Box<Self>, _: bool) -> Box<dyn Pending> {
        self
    }

    fn is_stream(&self) -> bool {
        true
    }
}

/// A FETCH whose literals are read while they come, and put back into their rows.
struct InParts {
    parts: RowParts,
    literal: Option<(RowLiteral, Vec<u8>)>,
    /// Those that have been read to their end, of the row that follows.
    read: Vec<(Section, Vec<u8>)>,
    got: Vec<Message>,
}

impl InParts {
    /// Whether the literal that has begun was read to its end, if there is one.
    fn read_literal(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        while let Some((literal, bytes)) = &mut self.literal {
            match ready!(Pin::new(&mut *literal).poll_next(cx)) {
                Some(piece) => bytes.extend_from_slice(&piece?),
                None => {
                    assert_eq!(bytes.len() as u64, literal.size(), "whole, or an error");
                    let (section, bytes) = (literal.section().clone(), std::mem::take(bytes));
                    self.read.push((section, bytes));
                    self.literal = None;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn row(&mut self, mut row: Message) {
        for (section, bytes) in self.read.drain(..) {
            let mut of_row = row.contents_mut().body.iter_mut().filter(|data| data.section == section);
            let data = of_row.find(|data| data.data.is_none()).expect("the row that it was in");
            data.data = Some(bytes.into());
        }
        self.got.push(row);
    }
}

impl Pending for InParts {
    fn id(&self) -> CommandId {
        self.parts.id()
    }

    fn poll(&mut self) -> Option<Got> {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match self.read_literal(&mut cx) {
                Poll::Pending => return None,
                // The stream ends with the same error.
                Poll::Ready(Err(_)) => self.literal = None,
                Poll::Ready(Ok(())) => {}
            }
            match Pin::new(&mut self.parts).poll_next(&mut cx) {
                Poll::Pending => return None,
                Poll::Ready(Some(Ok(RowPart::Literal(literal)))) => {
                    self.literal = Some((literal, Vec::new()));
                }
                Poll::Ready(Some(Ok(RowPart::Row(row)))) => self.row(row),
                Poll::Ready(Some(Err(error))) => return Some(Got::Failed(error)),
                Poll::Ready(None) => return Some(Got::Rows(joined(std::mem::take(&mut self.got)))),
            }
        }
    }

    fn detach(self: Box<Self>) {}

    fn cancel(self: Box<Self>) {}

    fn stream(self: Box<Self>, _: bool) -> Box<dyn Pending> {
        self
    }

    fn is_stream(&self) -> bool {
        true
    }
}

/// Rows of one message made into one.
pub(super) fn joined(rows: Vec<Message>) -> Vec<Message> {
    let mut all: Vec<Message> = Vec::new();
    for row in rows {
        let same = |m: &Message| match (m.uid(), row.uid()) {
            (Some(a), Some(b)) => a == b,
            _ => m.seq() == row.seq(),
        };
        match all.iter_mut().find(|m| same(m)) {
            Some(first) => first.merge(vec![row]),
            None => all.push(row),
        }
    }
    all
}

macro_rules! known {
    ($($command:ty, |$output:ident| $got:expr;)*) => {$(
        impl Known for $command {
            fn got($output: Self::Output) -> Got {
                $got
            }
        }
    )*};
}

known! {
    Noop, |_o| Got::Nothing;
    Create, |_o| Got::Nothing;
    Logout, |_o| Got::Nothing;
    Notify, |_o| Got::Nothing;
    Close, |_o| Got::Nothing;
    Unselect, |_o| Got::Nothing;
    Select, |mailbox| Got::Mailbox(mailbox);
    Search, |found| Got::SearchResult(found.iter().map(Into::into).collect());
    Append, |appended| Got::Appended(appended.uid.map(Into::into));
    Expunge, |all| Got::Expunged(all.count, all.uids.iter().map(Into::into).collect());
    List, |list| Got::Listed(list.iter().map(|entry| entry.name.to_string()).collect());
    CopyMessages, |copied| Got::Copied(
        copied.uids.iter().flat_map(|c| c.pairs().map(|(a, b)| (a.into(), b.into())).collect::<Vec<_>>()).collect()
    );
    StatusCommand, |s| Got::Status((|| Some((s.messages?, s.uid_next?.into(), s.uid_validity?.into(), s.unseen?)))());
}

impl Known for Fetch {
    fn got(rows: Vec<Message>) -> Got {
        Got::Rows(rows)
    }

    fn stream(token: Token<Self>, literals: bool) -> Box<dyn Pending> {
        if literals {
            let parts = token.stream_literals(0);
            return Box::new(InParts { parts, literal: None, read: Vec::new(), got: Vec::new() });
        }
        Box::new(Piecewise { rows: token.stream(), got: Vec::new() })
    }
}

impl Known for Store {
    fn got(rows: Vec<Message>) -> Got {
        Got::Rows(rows)
    }

    fn stream(token: Token<Self>, _: bool) -> Box<dyn Pending> {
        Box::new(Piecewise { rows: token.stream(), got: Vec::new() })
    }
}
