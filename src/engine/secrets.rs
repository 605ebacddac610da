//! Secrets that the server has been sent: what it says back of them is kept nowhere.
//!
//! In: the secrets of each line, as it is made ([`Line::secret`](crate::command::Line::secret)). Out: responses whose texts
//! and bytes are safe to be kept in errors, events, traces. A server may echo the line that it refuses, whole or cut short, in
//! capitals, in base64; so a text with any piece of a secret in it is left out whole: what is left of it beside a blank would
//! tell where the secret stood, and that it was one.
//!
//! Those of a login are kept until all of the login is over, those of other commands until the command has ended. A secret of
//! one letter leaves out nearly all texts meanwhile, an empty one none. Codes, capabilities and other data that is not text go
//! through as they are.

use std::collections::HashSet;

use bytes::Bytes;
use zeroize::Zeroizing;

use super::Engine;
use crate::types::{Answer, CloseReason, Code, CommandId, Event, EventKind, StatusResponse};
use crate::wire::Response;
use crate::wire::frame::FrameError;

/// What stands in place of what the server said.
pub(super) const LEFT_OUT: &str = "(left out: it has a password or another secret in it)";

/// Texts beyond this are left out unread while there are secrets: no server has that much to say about a login.
const MOST: usize = 16 << 10;

/// So many bytes of a secret give it away, or half of it, but no fewer than the least.
const LONGEST_PIECE: usize = 8;
const SHORTEST_PIECE: usize = 4;

#[derive(Default)]
pub(super) struct Secrets(Vec<(CommandId, Zeroizing<Vec<u8>>)>);

impl Secrets {
    /// A command's line has these in it.
    pub(super) fn add(&mut self, id: CommandId, forms: impl IntoIterator<Item = Zeroizing<Vec<u8>>>) {
        let forms = forms.into_iter().filter(|form| !form.is_empty());
        self.0.extend(forms.map(|mut form| {
            form.make_ascii_lowercase();
            (id, form)
        }));
    }

    pub(super) fn forget(&mut self, id: CommandId) {
        self.0.retain(|(of, _)| *of != id);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a text has a piece of one in it, in capitals or not.
    pub(super) fn are_in(&self, text: &[u8]) -> bool {
        if self.0.is_empty() || text.len() > MOST {
            return !self.0.is_empty();
        }
        let text = Zeroizing::new(text.to_ascii_lowercase());
        self.0.iter().any(|(_, form)| {
            let piece = (form.len() / 2).clamp(SHORTEST_PIECE, LONGEST_PIECE).min(form.len());
            let pieces: HashSet<&[u8]> = form.windows(piece).collect();
            text.windows(piece).any(|window| pieces.contains(window))
        })
    }
}

impl Engine {
    /// A response, and its bytes, without what they say of secrets. `None`: there was nothing else in it.
    pub(super) fn without_secrets(
        &mut self,
        response: Response,
        raw: Option<Bytes>,
    ) -> Option<(Response, Option<Bytes>)> {
        if self.secrets.is_empty() {
            return Some((response, raw));
        }
        match response {
            Response::Tagged { tag, mut status } => {
                self.blank(&mut status);
                Some((Response::Tagged { tag, status }, raw))
            }
            Response::Untagged(mut told) => {
                let of_text = matches!(told.answer(), Answer::Status(_) | Answer::Id(_) | Answer::Other);
                let raw = if of_text { raw.map(|raw| self.bytes_without_secrets(raw)) } else { raw };
                let kept = match told.answer_mut() {
                    Answer::Status(status) => {
                        self.blank(status);
                        true
                    }
                    Answer::Id(fields) => !self.secrets.are_in(format!("{fields:?}").as_bytes()),
                    Answer::Other => !told.raw().is_some_and(|raw| self.secrets.are_in(raw)),
                    _ => true,
                };
                if !kept {
                    let (bytes, error) = (Bytes::from_static(LEFT_OUT.as_bytes()), "not kept".to_owned());
                    self.tell(Event::new(EventKind::Unparsed { bytes, error }));
                    return None;
                }
                Some((Response::Untagged(told), raw))
            }
            // What a dialogue reads of it is the command's.
            Response::Continuation { text } => Some((Response::Continuation { text }, raw)),
        }
    }

    /// The framing is lost. The text says how the response began, but not while it may be one that repeats a secret.
    pub(crate) fn handle_lost_framing(&mut self, error: FrameError) {
        let error = if self.secrets.is_empty() { error } else { error.begun_with(LEFT_OUT) };
        self.handle_end(CloseReason::Protocol(error.to_string()));
    }

    fn blank(&self, status: &mut StatusResponse) {
        if self.secrets.are_in(status.text.as_bytes()) {
            status.text = LEFT_OUT.to_owned();
        }
        if status
            .code
            .as_ref()
            .is_some_and(|code| has_text(code) && self.secrets.are_in(code.to_string().as_bytes()))
        {
            status.code = None;
        }
    }

    /// Bytes as they may be kept.
    pub(super) fn bytes_without_secrets(&self, bytes: Bytes) -> Bytes {
        if self.secrets.are_in(&bytes) { Bytes::from_static(LEFT_OUT.as_bytes()) } else { bytes }
    }
}

/// Whether a code has words of the server's choice.
fn has_text(code: &Code) -> bool {
    matches!(
        code,
        Code::BadCharset(_)
            | Code::BadEvent(_)
            | Code::BadUrl(_)
            | Code::MailboxId(_)
            | Code::NoUpdate(_)
            | Code::Referral(_)
            | Code::UndefinedFilter(_)
            | Code::UrlMech(_)
            | Code::Other { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(forms: &[&str]) -> Secrets {
        let mut secrets = Secrets::default();
        secrets.add(CommandId(1), forms.iter().map(|form| Zeroizing::new(form.as_bytes().to_vec())));
        secrets
    }

    #[test]
    fn pieces_of_a_secret_are_found_and_nothing_else() {
        let of = secrets(&["correct-horse", ""]);
        for text in ["correct-horse", "x CORRECT-HORSE y", "LOGIN alice correct-h", "ect-horse"] {
            assert!(of.are_in(text.as_bytes()), "{text}");
        }
        for text in ["", "no", "alice"] {
            assert!(!of.are_in(text.as_bytes()), "{text}");
        }
        assert!(of.are_in(&vec![b'x'; MOST + 1]), "too long to be looked through");
    }

    #[test]
    fn short_secrets_count_whole_and_empty_ones_not_at_all() {
        assert!(secrets(&["a"]).are_in(b"bad") && !secrets(&["a"]).are_in(b"no"));
        assert!(secrets(&["xyz"]).are_in(b"1xyz2") && !secrets(&["xyz"]).are_in(b"xy z"));
        let none = secrets(&["", ""]);
        assert!(none.is_empty() && !none.are_in(b"anything") && !none.are_in(&vec![b'x'; MOST + 1]));
    }
}
