//! What the client shows, and what it has done: plain values, made from the store's.

use ratatui::crossterm::event::KeyEvent;

/// A folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) role: Option<Role>,
    pub(crate) messages: u64,
    pub(crate) unseen: u64,
    /// Whether it can hold messages.
    pub(crate) is_selectable: bool,
    /// Whether the server has it.
    pub(crate) exists: bool,
    /// Why it is not in step.
    pub(crate) failure: Option<String>,
}

/// What a folder is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Inbox,
    Drafts,
    Sent,
    Archive,
    Junk,
    Trash,
}

/// A line of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) folder: i64,
    pub(crate) from: String,
    pub(crate) to: String,
    /// To whom a reply goes.
    pub(crate) reply_to: (String, String),
    pub(crate) subject: String,
    /// Seconds since 1970, by the local clock.
    pub(crate) date: i64,
    pub(crate) is_seen: bool,
    pub(crate) is_flagged: bool,
    pub(crate) is_answered: bool,
    pub(crate) is_draft: bool,
    /// Whether something is queued for it.
    pub(crate) is_pending: bool,
    pub(crate) attachments: Vec<String>,
    pub(crate) message_id: Option<String>,
    /// How deep it is in its conversation.
    pub(crate) depth: u32,
}

/// The text of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) text: String,
    /// Whether it was made from HTML.
    pub(crate) was_html: bool,
    /// Its References, for a reply.
    pub(crate) references: Vec<String>,
}

/// What a list shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Folder {
        id: i64,
        by_thread: bool,
    },
    /// `also`: what the servers have found for this text.
    Search {
        text: String,
        also: Vec<i64>,
    },
}

/// Something that the server does not know yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queued {
    pub(crate) id: i64,
    /// In words.
    pub(crate) what: String,
    /// Why it is parked; `None`: it is on its way.
    pub(crate) parked: Option<String>,
}

/// How the server can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    Connecting,
    Online,
    /// Why not, and in how many seconds it is tried again.
    Offline {
        reason: String,
        retry: Option<u64>,
    },
    /// By the user's own wish.
    Away,
}

/// How far the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) stored: u64,
    pub(crate) messages: u64,
    pub(crate) folders_listed: u64,
    pub(crate) folders: u64,
}

impl Progress {
    /// Whether something is still to come.
    pub(crate) fn is_syncing(self) -> bool {
        self.stored < self.messages || self.folders_listed < self.folders
    }

    /// Between 0 and 1.
    pub(crate) fn ratio(self) -> f64 {
        // Folders that are not listed yet have an unknown number of messages.
        let (done, all) = if self.messages == 0 {
            (self.folders_listed, self.folders)
        } else {
            (self.stored, self.messages)
        };
        if all == 0 { 0.0 } else { (done as f64 / all as f64).clamp(0.0, 1.0) }
    }
}

/// A reply as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    /// The message that is answered.
    pub(crate) answers: Option<i64>,
    /// Its Message-ID, and those before it.
    pub(crate) references: Vec<String>,
    /// The draft that this one takes the place of.
    pub(crate) replaces: Option<i64>,
}

/// What has happened.
#[derive(Debug)]
pub(crate) enum Event {
    Key(KeyEvent),
    Paste(String),
    Folders(Vec<Folder>),
    List {
        source: Source,
        rows: Vec<Row>,
        is_all: bool,
    },
    Body {
        message: i64,
        body: Result<Body, String>,
    },
    /// A draft that is to be written on.
    Draft(Draft),
    /// The servers have found these for a text.
    Joined {
        text: String,
        messages: Vec<i64>,
        said: String,
    },
    /// What was asked for beside the store is done.
    Said(String),
    Queue(Vec<Queued>),
    Progress(Progress),
    Connection(Connection),
    /// Something in the store is different.
    Changed,
    /// A change was made: what is to be said of it, if anything.
    Done(String),
    /// A change was not made.
    Failed(String),
    /// Something else did not work.
    Trouble(String),
    /// Seconds since 1970, by the local clock.
    Time(i64),
}

impl Action {
    /// Whether it changes messages, folders or the queue: then [`Event::Done`] or
    /// [`Event::Failed`] follows.
    pub(crate) fn is_change(&self) -> bool {
        matches!(
            self,
            Self::Seen { .. }
                | Self::Flag { .. }
                | Self::Move { .. }
                | Self::MoveToNew { .. }
                | Self::Expunge(_)
                | Self::Save(_)
                | Self::Retry(_)
                | Self::DropQueued(_)
        )
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    LoadFolders,
    Load {
        source: Source,
        count: u32,
    },
    LoadQueue,
    Open(i64),
    /// Opens a draft, to be written on.
    Edit(i64),
    /// Writes attachments of a message into files: by their place among all, or all.
    Export {
        message: i64,
        which: Option<usize>,
    },
    /// Asks the servers, too.
    SearchServers(String),
    /// Sets or clears `\Seen`.
    Seen {
        messages: Vec<i64>,
        seen: bool,
    },
    /// Sets or clears `\Flagged`.
    Flag {
        messages: Vec<i64>,
        flagged: bool,
    },
    Move {
        messages: Vec<i64>,
        to: i64,
    },
    /// Moves into a folder that is to be made first.
    MoveToNew {
        messages: Vec<i64>,
        name: String,
    },
    /// Removes for good.
    Expunge(Vec<i64>),
    Save(Draft),
    Retry(i64),
    DropQueued(i64),
    SyncNow,
    /// Goes offline, or online again.
    Away(bool),
    Quit,
}
