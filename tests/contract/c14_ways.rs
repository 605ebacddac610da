//! The ways in which a program hands a text to the library, for `c14_smuggling`.

use imap_duplex::command::{
    Append, AppendPart, Claim, Class, Command, Comparators, Copied, Create, Flow, GetMetadata, Id, Items,
    Language, Line, List, MetadataDepth, Notify, NotifyEvent, ResetKey, Search, SearchScope, SelectedNotify,
    Session as Known, SetAcl, SetMetadata, SetQuota, SortKey, SortOrder, StatusItems, Store,
    StoreAnnotations, StoreLabels, ThreadBy, UrlFetch,
};
use imap_duplex::types::AnnotationScope::{Private, Shared};
use imap_duplex::types::{Done, Flag, ModSeq, Section, Untagged};
use imap_duplex::{Error, Mailbox, Result, Select, Sender};

use crate::client::uid;

/// A user's command that hands its argument to each way of writing one, by turns.
struct Mine {
    argument: String,
    way: usize,
}

impl Mine {
    const WAYS: usize = 10;
}

impl Command for Mine {
    type Item = ();
    type Output = ();

    fn name(&self) -> &str {
        "XMINE"
    }

    fn class(&self) -> Class {
        Class::query().answered_by(&["XMINE"])
    }

    fn encode(&mut self, line: &mut Line, _: &Known) -> Result<Flow> {
        line.atom("XMINE");
        let argument = self.argument.as_str();
        match self.way {
            0 => line.atom(argument),
            1 => line.string(argument),
            2 => line.astring(argument),
            3 => line.nstring(Some(argument)),
            4 => line.literal(argument.to_owned()),
            5 => line.mailbox(&argument.into()),
            6 => line.list_pattern(argument),
            7 => line.flags(&Flag::new(argument).into()),
            8 => line.secret(argument.as_bytes()),
            _ => line.literal8(argument.to_owned()),
        };
        line.atom("END");
        Ok(Flow::Last)
    }

    fn claims(&self, _: &Untagged) -> Claim {
        Claim::No
    }

    fn finish(self, _: Done, _: Vec<()>) -> Result<()> {
        Ok(())
    }
}

/// How many ways there are to hand a text to the library.
pub(crate) const WAYS: usize = 24 + MAILBOX_WAYS + EXTENSION_WAYS + Mine::WAYS;

/// Hands `text` to the library in one of many ways.
pub(crate) async fn hand_over(imap: &Sender, inbox: &Mailbox, text: &str, way: usize) -> Result<(), Error> {
    match way {
        0 => imap.create(text).await.map(drop),
        1 => imap.delete(text).await,
        2 => imap.rename(text, "other").await,
        3 => imap.rename("other", text).await,
        4 => imap.subscribe(text).await,
        5 => imap.status(text, StatusItems::counts()).await.map(drop),
        6 => imap.list(text).await.map(drop),
        7 => imap.list(List::new("*").under(text)).await.map(drop),
        8 => imap.append(text, "Subject: x\r\n\r\n").await.map(drop),
        9 => imap.append("INBOX", text.to_owned()).await.map(drop),
        10 => imap.append("INBOX", Append::new("x").flags([Flag::new(text)])).await.map(drop),
        11 => imap.id(Id::nothing().field("name", text)).await.map(drop),
        12 => imap.id(Id::nothing().field(text, "value")).await.map(drop),
        13 => imap.raw(text).await.map(drop),
        14 => imap.raw(format!("XRAW {text}")).await.map(drop),
        15 => inbox.search(Search::text(text).and(Search::seen())).await.map(drop),
        16 => inbox.search(Search::header(text, "x")).await.map(drop),
        17 => inbox.search(Search::header("x", text).not()).await.map(drop),
        18 => inbox.search(Search::keyword(text)).await.map(drop),
        19 => inbox.store(uid(11), Store::replace([Flag::new(text)])).await.map(drop),
        20 => inbox.copy(uid(11), text).await.map(|_: Copied| ()),
        21 => inbox.move_to(uid(11), text).await.map(drop),
        22 => inbox.fetch(uid(11), Items::section(Section::header_fields([text]))).await.map(drop),
        23 => {
            let section = Section::header_fields_not(["Subject", text]);
            inbox.fetch(uid(11), Items::partial(section, 0, 5)).await.map(drop)
        }
        way if way < 24 + MAILBOX_WAYS => hand_over_about_mailboxes(imap, text, way - 24).await,
        way if way < 24 + MAILBOX_WAYS + EXTENSION_WAYS => {
            hand_over_to_extensions(imap, inbox, text, way - 24 - MAILBOX_WAYS).await
        }
        other => {
            let way = other - 24 - MAILBOX_WAYS - EXTENSION_WAYS;
            imap.submit(Mine { argument: text.to_owned(), way }).await
        }
    }
}

/// How many of them are about mailboxes, their quotas, rights and annotations.
const MAILBOX_WAYS: usize = 34;

async fn hand_over_about_mailboxes(imap: &Sender, text: &str, way: usize) -> Result<(), Error> {
    match way {
        0 => imap.create(Create::new("x").for_use(text)).await.map(drop),
        1 => imap.list(List::new("a").or(text)).await.map(drop),
        2 => imap.list(List::new("*").with_metadata([text])).await.map(drop),
        3 => imap.list(List::new(text).with_status(StatusItems::messages())).await.map(drop),
        4 => imap.list(List::new(text).lsub()).await.map(drop),
        5 => imap.status("x", StatusItems::other(text)).await.map(drop),
        6 => imap.status("x", StatusItems::messages().other(text)).await.map(drop),
        7 => imap.quota(text).await.map(drop),
        8 => imap.quota_of(text).await.map(drop),
        9 => imap.set_quota(SetQuota::of(text).storage(1)).await.map(drop),
        10 => imap.set_quota(SetQuota::of("x").limit(text, 1)).await.map(drop),
        11 => imap.acl(text).await.map(drop),
        12 => imap.my_rights(text).await.map(drop),
        13 => imap.list_rights(text, "x").await.map(drop),
        14 => imap.list_rights("x", text).await.map(drop),
        15 => imap.set_acl(SetAcl::replace(text, "x", "lr")).await,
        16 => imap.set_acl(SetAcl::add("x", text, "lr")).await,
        17 => imap.set_acl(SetAcl::remove("x", "y", text)).await,
        18 => imap.delete_acl(text, "x").await,
        19 => imap.delete_acl("x", text).await,
        20 => imap.metadata(GetMetadata::of(text, ["/private/a"])).await.map(drop),
        21 => imap.metadata(GetMetadata::of("x", [format!("/private/{text}")])).await.map(drop),
        22 => imap.metadata(GetMetadata::of_server(["/shared/a", text])).await.map(drop),
        23 => imap.set_metadata(SetMetadata::of(text).unset("/private/a")).await,
        24 => imap.set_metadata(SetMetadata::of("x").set("/private/a", text.to_owned())).await,
        25 => imap.set_metadata(SetMetadata::of("x").set(format!("/private/{text}"), "a")).await,
        26 => imap.language(Language::first_of([text])).await.map(drop),
        27 => imap.unsubscribe(text).await,
        28 => imap.select(text).await.map(drop),
        29 => imap.examine(text).await.map(drop),
        30 => imap.select(Select::new(text).annotations()).await.map(drop),
        31 => imap.select(Select::new(text).condstore().read_only()).await.map(drop),
        32 => {
            let below = GetMetadata::of(text, ["/private/a", text]).depth(MetadataDepth::Infinity);
            imap.metadata(below).await.map(drop)
        }
        _ => imap.set_acl(SetAcl::remove(text, text, "lr")).await,
    }
}

/// How many of them belong to extensions.
const EXTENSION_WAYS: usize = 46;

async fn hand_over_to_extensions(
    imap: &Sender,
    inbox: &Mailbox,
    text: &str,
    way: usize,
) -> Result<(), Error> {
    let search = |query: Search| inbox.search(query);
    let labels = |change: StoreLabels| inbox.store_labels(uid(11), change);
    let note = |entry: &str| StoreAnnotations::set(entry, Private, text.to_owned());
    match way {
        0 => imap.comparator(Comparators::first_of([text, "i;octet"])).await.map(drop),
        1 => imap.notify(Notify::set().mailboxes([text], NotifyEvent::MESSAGES)).await.map(drop),
        2 => imap.notify(Notify::set().subtree(["a", text], NotifyEvent::MAILBOXES).status()).await.map(drop),
        3 => {
            let selected = SelectedNotify::delayed().fetching(Items::other(text));
            imap.notify(Notify::set().selected(selected)).await.map(drop)
        }
        4 => imap.url_auth([text]).await.map(drop),
        5 => imap.url_fetch([text, "imap://x"]).await.map(drop),
        6 => imap.submit(UrlFetch::new([text]).decoded().with_structure()).await.map(drop),
        7 => imap.reset_url_keys(ResetKey::of(text)).await.map(drop),
        8 => imap.append("x", Append::parts([AppendPart::url(text)])).await.map(drop),
        9 => imap.append("x", Append::parts([AppendPart::text(text.to_owned())])).await.map(drop),
        10 => imap.append_all(text, ["Subject: x\r\n\r\n"]).await.map(drop),
        11 => imap.search_in(SearchScope::mailboxes([text]), Search::seen()).await.map(drop),
        12 => imap.search_in(SearchScope::subtree_one(["a", text]), Search::seen()).await.map(drop),
        13 => imap.search_in(SearchScope::personal(), Search::subject(text)).await.map(drop),
        14 => imap.enable([text]).await.map(drop),
        15 => inbox.replace(uid(11), text.to_owned()).await.map(drop),
        16 => labels(StoreLabels::add([text])).await.map(drop),
        17 => labels(StoreLabels::replace(["x", text]).silent()).await.map(drop),
        18 => search(Search::gmail(text)).await.map(drop),
        19 => search(Search::gmail_label(text)).await.map(drop),
        20 => search(Search::filter(text)).await.map(drop),
        21 => search(Search::email_id(text)).await.map(drop),
        22 => search(Search::thread_id(text)).await.map(drop),
        23 => search(Search::subject(text).fuzzy()).await.map(drop),
        24 => search(Search::raw(text)).await.map(drop),
        25 => search(!Search::raw(format!("X-KEY {text}"))).await.map(drop),
        26 => inbox.save(Search::text(text)).await.map(drop),
        27 => inbox.sort(Search::from(text), SortKey::DisplayFrom).await.map(drop),
        28 => inbox.thread(Search::to(text), ThreadBy::References).await.map(drop),
        29 => inbox.fetch(uid(11), Items::other(text)).await.map(drop),
        30 => inbox.fetch(uid(11), Items::flags().other(format!("X-{text}"))).await.map(drop),
        31 => inbox.store(uid(11), Store::add([Flag::new(&format!("${text}"))])).await.map(drop),
        32 => inbox.store_annotations(uid(11), note("/comment")).await,
        33 => inbox.store_annotations(uid(11), note(&format!("/{text}")).and_unset(text, Shared)).await,
        34 => inbox.fetch(uid(11), Items::annotations([format!("/{text}"), "/*".into()])).await.map(drop),
        35 => search(Search::annotation(format!("/{text}"), None, text)).await.map(drop),
        36 => search(Search::annotation("*", Shared, text)).await.map(drop),
        37 => inbox.sort(Search::all(), SortOrder::by_annotation(format!("/{text}"), Shared)).await.map(drop),
        38 => search(Search::bcc(text).body(text).cc(text)).await.map(drop),
        39 => {
            let changed = Search::flag_changed_since(text, ModSeq::MIN);
            let changed = changed | Search::flag_changed_in(Private, text, ModSeq::MIN);
            search(Search::without_keyword(text) | changed).await.map(drop)
        }
        40 => {
            let headers = Items::header_fields([text]).header_fields_not(["x", text]);
            inbox.fetch(uid(11), headers).await.map(drop)
        }
        41 => imap.mailbox_for(text).await.map(drop),
        42 => {
            let order = SortOrder::by_annotation("/comment", Shared).then_annotation(text, Private);
            inbox.sort(Search::all(), order).await.map(drop)
        }
        43 => labels(StoreLabels::remove([text])).await.map(drop),
        44 => {
            // Found while it is sent, a NUL ends the connection.
            let bytes = text.replace('\0', ".").into_bytes();
            let size = bytes.len() as u64;
            imap.append("x", Append::reader(size, std::io::Cursor::new(bytes))).await.map(drop)
        }
        _ => {
            let append = Append::new("x").annotation(format!("/{text}"), Private, text.to_owned());
            imap.append("INBOX", append).await.map(drop)
        }
    }
}
