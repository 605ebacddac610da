//! Tokens of all kinds under one roof: polled, dropped, detached and cancelled alike, with what
//! they gave in one form.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;

use super::poll_once;
use crate::client::{Mailbox, Rows, Select, Submit, Token};
use crate::command::{
    Append, Close, CopyMessages, Create, Expunge, Fetch, List, Logout, Noop, Notify, Search, StatusCommand,
    Store, Unselect,
};
use crate::error::{Error, Result};
use crate::types::{CommandId, Message};

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
    /// Its result piece by piece, where there is such a thing.
    fn stream(self: Box<Self>) -> Box<dyn Pending>;
    /// A stream can but be dropped.
    fn is_stream(&self) -> bool {
        false
    }
}

/// A command whose result the checks know.
pub(super) trait Known: Submit {
    fn got(output: Self::Output) -> Got;

    fn stream(token: Token<Self>) -> Box<dyn Pending>
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

    fn stream(self: Box<Self>) -> Box<dyn Pending> {
        C::stream(*self)
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

    fn stream(self: Box<Self>) -> Box<dyn Pending> {
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

    fn stream(token: Token<Self>) -> Box<dyn Pending> {
        Box::new(Piecewise { rows: token.stream(), got: Vec::new() })
    }
}

impl Known for Store {
    fn got(rows: Vec<Message>) -> Got {
        Got::Rows(rows)
    }

    fn stream(token: Token<Self>) -> Box<dyn Pending> {
        Box::new(Piecewise { rows: token.stream(), got: Vec::new() })
    }
}
