//! What values hold in memory, so that what is kept can be counted at what it takes.
//!
//! In: a value. Out: the bytes of all allocations that belong to it, the value itself aside. Each field is named, so that
//! none that is added later is forgotten. No text is read: the cost is a step for each allocation.

mod answers;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use super::answer::NumberSet;
use super::extras::Extras;
use super::flag::Flags;
use super::mailbox::{ListEntry, MailboxName, MailboxStatus};
use super::message::{BodyData, Message};
use super::section::Section;

/// What holds memory beside its own.
pub(crate) trait Held {
    /// How many bytes of memory it takes, beside itself.
    fn held(&self) -> usize;
}

/// What an allocation of so many bytes takes: allocators round up, and note its size beside it.
#[inline]
pub(crate) const fn block(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=24 => 32,
        _ => (bytes + 23) & !15,
    }
}

/// What an allocation takes that is counted by references: two counts stand before what it holds.
pub(crate) const fn shared(bytes: usize) -> usize {
    block(bytes + 2 * size_of::<usize>())
}

/// What buffers take, beside the room for this many elements.
pub(crate) const fn room<T>(elements: usize) -> usize {
    block(elements * size_of::<T>())
}

impl Held for String {
    fn held(&self) -> usize {
        block(self.capacity())
    }
}

impl Held for Box<str> {
    fn held(&self) -> usize {
        block(self.len())
    }
}

impl Held for Bytes {
    /// As if no other had a part of it, nor it a part of a larger one: what is kept is copied or a whole literal.
    fn held(&self) -> usize {
        /// Its counts, once it has been cloned.
        const COUNTS: usize = block(3 * size_of::<usize>());
        if self.is_empty() { 0 } else { block(self.len()) + COUNTS }
    }
}

impl<T: Held> Held for Vec<T> {
    fn held(&self) -> usize {
        room::<T>(self.capacity()) + self.iter().map(T::held).sum::<usize>()
    }
}

impl<T: Held> Held for Option<T> {
    #[inline]
    fn held(&self) -> usize {
        self.as_ref().map_or(0, T::held)
    }
}

impl<T: Held> Held for Box<T> {
    fn held(&self) -> usize {
        block(size_of::<T>()) + (**self).held()
    }
}

impl<A: Held, B: Held> Held for (A, B) {
    fn held(&self) -> usize {
        self.0.held() + self.1.held()
    }
}

impl Held for u64 {
    fn held(&self) -> usize {
        0
    }
}

impl Held for Arc<str> {
    /// Its share of the text: that of a keyword is had by many.
    fn held(&self) -> usize {
        shared(self.len()) / parts(Arc::strong_count(self))
    }
}

/// Among how many it is shared, of whom so many know: some of them have it for a moment, or would have it anyway, as the
/// parser and the view do.
fn parts(owners: usize) -> usize {
    owners.saturating_sub(3).max(1)
}

impl Held for Flags {
    #[inline]
    fn held(&self) -> usize {
        self.shared_keywords().map_or(0, keywords)
    }
}

/// The share of one of those that have these keywords.
fn keywords(all: &Arc<[Arc<str>]>) -> usize {
    /// The shares of so many are more than the whole.
    const MANY: usize = 64;
    match parts(Arc::strong_count(all)) {
        MANY.. => 0,
        parts => (shared(size_of_val(&**all)) + all.iter().map(Held::held).sum::<usize>()) / parts,
    }
}

impl Held for MailboxName {
    /// As if no other had it. A selection's name is had by all that is told of it; that is for who counts.
    fn held(&self) -> usize {
        let text = if self.is_inbox() { 0 } else { shared(self.as_str().len()) };
        text + self.wire().map_or(0, |wire| shared(wire.len()))
    }
}

impl Held for NumberSet {
    fn held(&self) -> usize {
        self.0.held()
    }
}

impl Held for Message {
    #[inline]
    fn held(&self) -> usize {
        let Self {
            seq: _,
            uid: _,
            flags,
            internal_date: _,
            size: _,
            mod_seq: _,
            envelope,
            body_structure,
            body,
            extras,
        } = self;
        flags.held()
            + envelope.as_ref().map_or(0, |envelope| block(envelope.packed().len()))
            + body_structure.as_ref().map_or(0, |structure| block(structure.packed().len()))
            + body.held()
            + extras.held()
    }
}

impl Held for BodyData {
    fn held(&self) -> usize {
        let Self { section, origin: _, data } = self;
        section.held() + data.held()
    }
}

impl Held for Section {
    fn held(&self) -> usize {
        match self {
            Self::Full | Self::Header | Self::Text => 0,
            Self::HeaderFields(fields) => fields.held(),
            Self::Part(part) | Self::PartMime(part) | Self::PartHeader(part) | Self::PartText(part) => {
                part.held()
            }
            Self::PartHeaderFields(part, fields) => part.held() + fields.held(),
        }
    }
}

impl Held for Extras {
    fn held(&self) -> usize {
        let Self {
            email_id,
            thread_id,
            save_date: _,
            preview,
            gmail_msg_id: _,
            gmail_thread_id: _,
            gmail_labels,
            binary,
            binary_size,
            other,
        } = self;
        let texts = email_id.held() + thread_id.held() + preview.held();
        texts + gmail_labels.held() + binary.held() + binary_size.held() + other.held()
    }
}

impl Held for ListEntry {
    fn held(&self) -> usize {
        let Self { name, delimiter: _, attributes, old_name, child_info, extended } = self;
        name.held() + attributes.held() + old_name.held() + child_info.held() + extended.held()
    }
}

impl Held for MailboxStatus {
    fn held(&self) -> usize {
        let Self {
            name,
            messages: _,
            recent: _,
            uid_next: _,
            uid_validity: _,
            unseen: _,
            deleted: _,
            size: _,
            highest_mod_seq: _,
            deleted_storage: _,
            append_limit: _,
            mailbox_id,
            other,
        } = self;
        name.held() + mailbox_id.held() + other.held()
    }
}
