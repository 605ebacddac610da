//! Answers and items of extensions as JSON: `answer` is the name, `data` the content.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::super::{Annotation as Note, Answer, Message, Metadata, MetadataEntry, MetadataValue, UrlData};
use super::{Fields, SectionSize};

impl<M: SerializeMap> Fields<M> {
    pub(super) fn extension(&mut self, answer: &Answer) -> Result<(), M::Error> {
        match answer {
            Answer::Namespace(all) => self.data("namespace", all),
            Answer::Acl(acl) => self.data("acl", acl),
            Answer::ListRights(rights) => self.data("listrights", rights),
            Answer::MyRights(rights) => self.data("myrights", rights),
            Answer::Quota(quota) => self.data("quota", quota),
            Answer::QuotaRoot(root) => self.data("quotaroot", root),
            Answer::Metadata(metadata) => {
                self.put("answer", "metadata")?;
                self.some("name", metadata.mailbox.as_ref())?;
                self.annotations("data", metadata)
            }
            Answer::Sort(found) => self.data("sort", found),
            Answer::Thread(threads) => self.data("thread", threads),
            Answer::Language(languages) => self.data("language", languages),
            Answer::Comparator(comparator) => self.data("comparator", comparator),
            Answer::GenUrlAuth(urls) => self.data("genurlauth", urls),
            Answer::UrlFetch(urls) => self.data("urlfetch", &urls.iter().map(Fetched).collect::<Vec<_>>()),
            Answer::UidBatches(batches) => self.data("uidbatches", batches),
            Answer::JmapAccess(url) => self.data("jmapaccess", url),
            // `answer`, which calls this, writes all others.
            _ => self.put("answer", "other"),
        }
    }

    /// Annotations, each with its name.
    pub(super) fn annotations(&mut self, name: &str, metadata: &Metadata) -> Result<(), M::Error> {
        self.put(name, &metadata.entries.iter().map(Annotation).collect::<Vec<_>>())
    }

    fn data<T: Serialize + ?Sized>(&mut self, name: &str, data: &T) -> Result<(), M::Error> {
        self.put("answer", name)?;
        self.put("data", data)
    }

    /// The FETCH items of extensions.
    pub(super) fn extras(&mut self, row: &Message) -> Result<(), M::Error> {
        self.some("email_id", row.email_id())?;
        self.some("thread_id", row.thread_id())?;
        self.some("save_date", row.save_date())?;
        self.some("preview", row.preview())?;
        self.some("gmail_msg_id", row.gmail_msg_id())?;
        self.some("gmail_thread_id", row.gmail_thread_id())?;
        self.some("gmail_labels", row.gmail_labels())?;
        self.list("annotations", &row.annotations().iter().map(OfMessage).collect::<Vec<_>>())?;
        self.list("binaries", &row.binaries().iter().map(SectionSize).collect::<Vec<_>>())
    }
}

/// Its annotations as a list, and its mailbox if that is not the server itself.
impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields(serializer.serialize_map(None)?);
        fields.some("mailbox", self.mailbox.as_ref())?;
        fields.annotations("entries", self)?;
        fields.0.end()
    }
}

/// The `value`, or in `state` why there is none.
struct Annotation<'a>(&'a MetadataEntry);

impl Serialize for Annotation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields(serializer.serialize_map(None)?);
        fields.put("entry", &self.0.name)?;
        match &self.0.value {
            MetadataValue::Set(value) => fields.put("value", &String::from_utf8_lossy(value))?,
            MetadataValue::Unset => fields.put("state", "unset")?,
            MetadataValue::Changed => fields.put("state", "changed")?,
        }
        fields.0.end()
    }
}

/// An annotation of a message: its attributes by name, as text.
struct OfMessage<'a>(&'a Note);

impl Serialize for OfMessage<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields(serializer.serialize_map(None)?);
        fields.put("entry", &self.0.entry)?;
        for (name, value) in &self.0.attributes {
            fields.put(name, &value.as_ref().map(|value| String::from_utf8_lossy(value)))?;
        }
        fields.0.end()
    }
}

/// A URL, and the size of its data; `octets` is left out where there is none.
struct Fetched<'a>(&'a UrlData);

impl Serialize for Fetched<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields(serializer.serialize_map(None)?);
        fields.put("url", &self.0.url)?;
        fields.some("octets", self.0.data.as_ref().map(bytes::Bytes::len))?;
        fields.0.end()
    }
}
