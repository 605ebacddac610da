//! The vocabulary of IMAP as owned Rust types. No parser and no I/O in here.
//!
//! Input of a user's own [`Command`](crate::Command) ([`Untagged`], [`Answer`], [`Done`]) is here
//! too; `wire` turns bytes into these types.

mod annotation;
mod answer;
mod body;
mod body_builder;
mod capability;
mod close_reason;
mod code;
mod comparator;
mod context;
mod disposition;
mod envelope;
mod envelope_builder;
pub(crate) mod error_kind;
mod event;
mod extras;
mod flag;
mod header_date;
mod header_text;
mod heap_size;
mod incremental_set;
mod iter;
#[cfg(feature = "serde")]
mod json;
mod limits;
mod mailbox;
mod mailbox_properties;
mod mailbox_state;
mod message;
mod metadata;
mod namespace;
mod number;
mod number_list;
mod progress;
mod quota;
mod range_collector;
mod rights;
#[cfg(feature = "serde")]
pub(crate) mod seconds;
mod section;
mod set;
mod set_algebra;
mod set_from;
mod snapshot_range;
mod special_use;
mod status;
pub(crate) mod text_arena;
mod thread;
mod timestamp;
mod url;
mod view_sync;

pub use annotation::{AnnotateCode, Annotation, AnnotationScope, AnnotationSupport};
pub use answer::{Answer, Done, ESearch, NumberSet, SearchNumbers, Untagged};
pub use body::{BodyPart, BodyParts, BodyStructure};
pub(crate) use body::{LEAF, MULTIPART};
pub use body_builder::BodyStructureBuilder;
pub use capability::Capabilities;
pub use close_reason::CloseReason;
pub use code::{Code, CopyUid, ModifiedSet};
pub use comparator::Comparator;
pub use context::{PartialResult, ResultChange};
pub use disposition::{Disposition, Params};
pub use envelope::{Address, Addresses, Envelope};
pub use envelope_builder::EnvelopeBuilder;
pub use event::{Event, EventKind, Lagged, Place};
pub use flag::{Flag, Flags};
pub use header_text::HeaderText;
#[cfg(any(feature = "testing", feature = "mime"))]
pub(crate) use header_text::charset;
pub(crate) use heap_size::HeapSize;
pub(crate) use incremental_set::IncrementalSet;
pub use iter::{CapabilitiesIter, FlagsIter, NumberListIter, SetIntoIter, SetIter, ThreadsIter};
pub use limits::Limits;
pub(crate) use mailbox::composed;
pub use mailbox::{ListEntry, MailboxName, MailboxStatus};
pub use mailbox_properties::MailboxProperties;
pub use mailbox_state::MailboxState;
#[cfg(any(test, fuzzing))]
pub(crate) use message::Contents;
pub use message::{BodyData, Message};
pub use metadata::{Metadata, MetadataCode, MetadataEntry, MetadataValue};
pub use namespace::{Namespace, Namespaces};
pub use number::{CommandId, MessageNumber, ModSeq, SelectionId, Seq, Uid, UidValidity};
pub use number_list::{NumberList, SortResult, UidBatches};
pub use progress::Progress;
pub use quota::{Quota, QuotaResource, QuotaRoot};
pub(crate) use range_collector::RangeCollector;
pub use rights::{Acl, ListRights, MyRights, Rights};
pub use section::{HeaderFields, ParsePartError, Part, Section};
pub use set::{ParseSetError, SeqSet, Set, UidSet};
pub use snapshot_range::SnapshotRange;
pub use special_use::SpecialUse;
pub use status::{Status, StatusResponse};
pub use thread::{ThreadNode, Threads};
pub use timestamp::{Date, ParseTimeError, Timestamp};
pub use url::UrlData;
pub use view_sync::ViewSync;
