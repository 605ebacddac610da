//! Heap memory of values, so that queues are limited by what they take.
//!
//! In: a value. Out: the bytes of all allocations that belong to it, the value itself excluded.
//! Each implementation names every field, so that a field added later can't be forgotten. No text
//! is read: the cost is a step for each allocation.

mod answers;
mod event;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;

use super::annotation::Annotation;
use super::answer::NumberSet;
use super::extras::Extras;
use super::flag::Flags;
use super::mailbox::{ListEntry, MailboxName, MailboxStatus};
use super::message::{BodyData, Contents, Message};
use super::section::Section;

/// A value that owns heap memory.
pub(crate) trait HeapSize {
    /// Bytes of memory on the heap.
    fn heap_size(&self) -> usize;
}

/// The true size of an allocation: allocators round up, and store its size beside it.
#[inline]
pub(crate) const fn block(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=24 => 32,
        _ => (bytes + 23) & !15,
    }
}

/// The size of a reference-counted allocation: two counts precede the content.
pub(crate) const fn shared(bytes: usize) -> usize {
    block(bytes + 2 * size_of::<usize>())
}

/// The size of a buffer with room for this many elements.
pub(crate) const fn room<T>(elements: usize) -> usize {
    block(elements * size_of::<T>())
}

impl HeapSize for String {
    fn heap_size(&self) -> usize {
        block(self.capacity())
    }
}

impl HeapSize for Box<str> {
    fn heap_size(&self) -> usize {
        block(self.len())
    }
}

impl HeapSize for Bytes {
    /// Counted as if unshared and no slice of something larger: queued bytes are copied or a whole
    /// literal.
    fn heap_size(&self) -> usize {
        /// The reference counts, which exist once it has been cloned.
        const COUNTS: usize = block(3 * size_of::<usize>());
        if self.is_empty() { 0 } else { block(self.len()) + COUNTS }
    }
}

impl<T: HeapSize> HeapSize for Vec<T> {
    fn heap_size(&self) -> usize {
        room::<T>(self.capacity()) + self.iter().map(T::heap_size).sum::<usize>()
    }
}

impl<T: HeapSize> HeapSize for Option<T> {
    #[inline]
    fn heap_size(&self) -> usize {
        self.as_ref().map_or(0, T::heap_size)
    }
}

impl<T: HeapSize> HeapSize for Box<T> {
    fn heap_size(&self) -> usize {
        block(size_of::<T>()) + (**self).heap_size()
    }
}

impl<A: HeapSize, B: HeapSize> HeapSize for (A, B) {
    fn heap_size(&self) -> usize {
        self.0.heap_size() + self.1.heap_size()
    }
}

impl HeapSize for u64 {
    fn heap_size(&self) -> usize {
        0
    }
}

impl HeapSize for Arc<str> {
    /// Its share of the text: many values share a keyword.
    fn heap_size(&self) -> usize {
        shared(self.len()) / parts(Arc::strong_count(self))
    }
}

/// Among how many owners the cost is divided. Some owners share it only for a moment, or would hold
/// it anyway, as the parser and the view do.
fn parts(owners: usize) -> usize {
    owners.saturating_sub(3).max(1)
}

impl HeapSize for Flags {
    #[inline]
    fn heap_size(&self) -> usize {
        self.shared_keywords().map_or(0, keywords)
    }
}

/// The share of one of the owners of these keywords.
fn keywords(all: &Arc<[Arc<str>]>) -> usize {
    /// With this many owners, rounding makes the shares add up to more than the whole.
    const MANY: usize = 64;
    match parts(Arc::strong_count(all)) {
        MANY.. => 0,
        parts => (shared(size_of_val(&**all)) + all.iter().map(HeapSize::heap_size).sum::<usize>()) / parts,
    }
}

impl HeapSize for MailboxName {
    /// Counted as if unshared. Everything in a selection shares its mailbox's name; the caller has
    /// to allow for that.
    fn heap_size(&self) -> usize {
        let text = if self.is_inbox() { 0 } else { shared(self.as_str().len()) };
        text + self.wire().map_or(0, |wire| shared(wire.len()))
    }
}

impl HeapSize for NumberSet {
    fn heap_size(&self) -> usize {
        self.0.heap_size()
    }
}

impl HeapSize for Message {
    #[inline]
    fn heap_size(&self) -> usize {
        let Self { seq: _, uid: _, flags, internal_date: _, size: _, mod_seq: _, contents, extras } = self;
        flags.heap_size() + contents.heap_size() + extras.heap_size()
    }
}

impl HeapSize for Contents {
    fn heap_size(&self) -> usize {
        let Self { envelope, body_structure, body } = self;
        envelope.as_ref().map_or(0, |envelope| block(envelope.packed().len()))
            + body_structure.as_ref().map_or(0, |structure| block(structure.packed().len()))
            + body.heap_size()
    }
}

impl HeapSize for BodyData {
    fn heap_size(&self) -> usize {
        let Self { section, origin: _, data } = self;
        section.heap_size() + data.heap_size()
    }
}

impl HeapSize for Section {
    fn heap_size(&self) -> usize {
        match self {
            Self::Full | Self::Header | Self::Text => 0,
            Self::HeaderFields(fields) => fields.heap_size(),
            Self::Part(part) | Self::PartMime(part) | Self::PartHeader(part) | Self::PartText(part) => {
                part.heap_size()
            }
            Self::PartHeaderFields(part, fields) => part.heap_size() + fields.heap_size(),
        }
    }
}

impl HeapSize for Extras {
    fn heap_size(&self) -> usize {
        let Self {
            email_id,
            thread_id,
            save_date: _,
            preview,
            gmail_msg_id: _,
            gmail_thread_id: _,
            gmail_labels,
            annotations,
            binary,
            binary_size,
            other,
        } = self;
        let texts = email_id.heap_size() + thread_id.heap_size() + preview.heap_size();
        let lists = gmail_labels.heap_size() + annotations.heap_size();
        texts + lists + binary.heap_size() + binary_size.heap_size() + other.heap_size()
    }
}

impl HeapSize for Annotation {
    fn heap_size(&self) -> usize {
        let Self { entry, attributes } = self;
        entry.heap_size() + attributes.heap_size()
    }
}

impl HeapSize for ListEntry {
    fn heap_size(&self) -> usize {
        let Self { name, delimiter: _, attributes, old_name, child_info, extended, .. } = self;
        let names = name.heap_size() + old_name.heap_size();
        let texts = attributes.heap_size() + child_info.heap_size() + extended.heap_size();
        names + texts + self.status.heap_size() + self.my_rights.heap_size() + self.metadata.heap_size()
    }
}

impl HeapSize for MailboxStatus {
    fn heap_size(&self) -> usize {
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
        name.heap_size() + mailbox_id.heap_size() + other.heap_size()
    }
}
