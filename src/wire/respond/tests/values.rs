//! Random values of every kind of answer, in the one form in which the grammar returns them.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use crate::fuzz::codes::PLAIN;
use crate::types::*;

/// Text with everything that needs quoting or literals.
fn text() -> impl Strategy<Value = String> + Clone {
    let odd =
        ["\r\n* BYE\r\n", "\"", "\\", "{5}", "(", ")", "]", "NIL", "é", "台", "\0", "%", "*", "&-", "&AGE-"];
    let piece = prop_oneof!["[a-zA-Z0-9 ]{1,8}", select(odd.to_vec()).prop_map(String::from)];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// Text of one line, without a bracket at its beginning, where a code would be.
fn line() -> impl Strategy<Value = String> + Clone {
    text().prop_map(|text| text.replace(['\r', '\n', '\0'], ".").trim_start().to_owned())
}

/// A word of letters and digits that is not a known name.
fn word() -> impl Strategy<Value = String> + Clone {
    "x-[a-zA-Z0-9]{1,8}"
}

/// A value of an extension, as it is kept: in the server's spelling.
fn raw() -> impl Strategy<Value = String> + Clone {
    select(vec!["5", "NIL", "(a (b \"c)\") {1}\r\n))", "\"x y\"", "()", "1:3,7"]).prop_map(String::from)
}

fn bytes() -> impl Strategy<Value = Bytes> {
    // Above 4 KiB a literal has a buffer of its own.
    prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 4090..5000)].prop_map(Bytes::from)
}

fn mailbox() -> impl Strategy<Value = MailboxName> {
    // Any text, since modified UTF-7 has a form for all.
    prop_oneof![Just("INBOX".to_owned()), text()].prop_map(MailboxName::new)
}

fn ranges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    vec((1..5000u32, 0..4u32).prop_map(|(first, more)| (first, first + more)), 1..6)
}

fn uid_set() -> impl Strategy<Value = UidSet> {
    ranges().prop_map(|ranges| {
        let mut set = UidSet::new();
        ranges.iter().for_each(|&(first, last)| set.insert_raw(first, last));
        set
    })
}

/// Ascending ranges in any order.
fn number_list() -> impl Strategy<Value = NumberList> {
    ranges().prop_map(|ranges| {
        let mut list = NumberList::new();
        ranges.iter().for_each(|&(first, last)| list.push(first, last));
        list
    })
}

fn mod_seq() -> impl Strategy<Value = ModSeq> {
    (1..=u64::MAX).prop_map(|n| ModSeq::new(n).expect("not 0"))
}

fn uid() -> impl Strategy<Value = Uid> {
    (1..=u32::MAX).prop_map(|n| Uid::new(n).expect("not 0"))
}

fn validity() -> impl Strategy<Value = UidValidity> {
    (1..=u32::MAX).prop_map(|n| UidValidity::new(n).expect("not 0"))
}

fn flags() -> impl Strategy<Value = Flags> {
    let known =
        ["\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "\\Recent", "\\*", "$Forwarded", "\\X"];
    let flag = prop_oneof![select(known.to_vec()).prop_map(String::from), word()];
    vec(flag, 0..6).prop_map(|names| names.iter().map(|name| Flag::new(name)).collect())
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    (-62_000_000_000..250_000_000_000i64, -839..839i16)
        .prop_map(|(seconds, offset)| Timestamp::new(seconds, offset).expect("within years 0 to 9999"))
}

fn section() -> impl Strategy<Value = Section> {
    let names = || vec("[!-9;-~]{1,8}", 1..3);
    let whole = prop_oneof![
        Just(Section::Full),
        Just(Section::Header),
        Just(Section::Text),
        names().prop_map(Section::header_fields),
        names().prop_map(Section::header_fields_not),
    ];
    (whole, part(), any::<bool>(), any::<bool>()).prop_map(|(section, part, inside, mime)| {
        match (inside, mime) {
            (false, _) => section,
            (true, true) => Section::PartMime(part),
            (true, false) => section.of(part),
        }
    })
}

fn part() -> impl Strategy<Value = Part> {
    vec(1..200u32, 1..4).prop_map(|numbers| Part::from_numbers(numbers).expect("no 0"))
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let address = (text(), text(), text());
    let lists = vec(vec(address, 0..3), 6);
    (text(), text(), lists, text()).prop_map(|(date, subject, lists, id)| {
        let mut made = EnvelopeBuilder::new().date(date).subject(subject).message_id(id);
        for (which, list) in lists.iter().enumerate() {
            for (name, mailbox, host) in list {
                made = match which {
                    0 => made.from(name, mailbox, host),
                    1 => made.sender(name, mailbox, host),
                    2 => made.reply_to(name, mailbox, host),
                    3 => made.to(name, mailbox, host),
                    4 => made.cc(name, mailbox, host),
                    _ => made.bcc(name, mailbox, host),
                };
            }
        }
        made.build()
    })
}

type Fields = (Vec<(String, String)>, [Option<String>; 4], Option<(String, String)>, Vec<String>);

fn fields() -> impl Strategy<Value = Fields> {
    let text = || of(text());
    let params = vec((word(), super::values::text()), 0..3);
    let own = (text(), text(), text(), text()).prop_map(|(a, b, c, d)| [a, b, c, d]);
    (params, own, of((word(), super::values::text())), vec("[a-z]{2}", 0..3))
}

fn dressed(mut made: BodyStructureBuilder, fields: Fields, is_leaf: bool) -> BodyStructure {
    let (params, [id, description, md5, location], disposition, languages) = fields;
    for (name, value) in params {
        made = made.param(name, value);
    }
    if is_leaf {
        made = made.encoding("7bit");
        made = id.into_iter().fold(made, BodyStructureBuilder::id);
        made = description.into_iter().fold(made, BodyStructureBuilder::description);
        made = md5.into_iter().fold(made, BodyStructureBuilder::md5);
    }
    if let Some((kind, file)) = disposition {
        made = if kind.len() % 2 == 0 { made.attachment(file) } else { made.disposition(kind) };
    }
    made = languages.into_iter().fold(made, BodyStructureBuilder::language);
    location.into_iter().fold(made, BodyStructureBuilder::location).build()
}

fn body_structure() -> impl Strategy<Value = BodyStructure> {
    let leaf = (any::<bool>(), any::<u32>(), fields()).prop_map(|(is_text, size, fields)| {
        let made = match is_text {
            true => BodyStructureBuilder::new("text", "plain").lines(7),
            false => BodyStructureBuilder::new("application", "octet-stream"),
        };
        dressed(made.size(size.into()), fields, true)
    });
    leaf.prop_recursive(4, 12, 3, |inner| {
        let multipart = (vec(inner.clone(), 1..4), fields()).prop_map(|(parts, fields)| {
            dressed(BodyStructureBuilder::multipart("mixed", parts), fields, false)
        });
        let message = (envelope(), inner, fields()).prop_map(|(envelope, inner, fields)| {
            dressed(BodyStructureBuilder::message(envelope, inner).size(9).lines(3), fields, true)
        });
        prop_oneof![multipart, message]
    })
}

fn body_data() -> impl Strategy<Value = BodyData> {
    (section(), of(any::<u64>()), of(bytes()))
        .prop_map(|(section, origin, data)| BodyData::new(section, origin, data))
}

/// A row of FETCH, or of UIDFETCH if it has no sequence number.
pub(super) fn message() -> impl Strategy<Value = Message> {
    let plain = (of(uid()), of(flags()), of(timestamp()), of(any::<u64>()), of(mod_seq()));
    let large = (of(envelope()), of(body_structure()), vec(body_data(), 0..3));
    (of(1..u32::MAX), uid(), plain, large, of(extras())).prop_map(|(seq, by, plain, large, extras)| {
        let mut message = Message { seq: seq.and_then(Seq::new), ..Message::default() };
        (message.uid, message.flags, message.internal_date, message.size, message.mod_seq) = plain;
        let (envelope, body_structure, body) = large;
        message.set_contents(Contents { envelope, body_structure, body });
        if message.seq.is_none() {
            message.uid = Some(by);
        }
        message.extras = extras.and_then(|row| row.extras);
        message
    })
}

/// A row with only items of extensions.
fn extras() -> impl Strategy<Value = Message> {
    let ids = (of(word()), of(of(word())), of(of(timestamp())), of(of(text())));
    let gmail = (of(any::<u64>()), of(any::<u64>()), of(vec(text(), 0..3)));
    let binary = (vec((part(), of(any::<u64>()), bytes()), 0..2), vec((part(), any::<u32>()), 0..2));
    (ids, gmail, binary, of((word(), raw()))).prop_map(|(ids, gmail, binary, other)| {
        let mut message = Message::default();
        let extras = message.extras_mut();
        extras.email_id = ids.0.clone().map(Some);
        (extras.thread_id, extras.save_date, extras.preview) = (ids.1.clone(), ids.2, ids.3.clone());
        (extras.gmail_msg_id, extras.gmail_thread_id, extras.gmail_labels) = gmail.clone();
        let data = |(part, origin, data): &(Part, Option<u64>, Bytes)| {
            BodyData::new(Section::Part(part.clone()), *origin, Some(data.clone()))
        };
        extras.binary = binary.0.iter().map(data).collect();
        let size = |(part, size): &(Part, u32)| (Section::Part(part.clone()), Some(u64::from(*size)));
        extras.binary_size = binary.1.iter().map(size).collect();
        extras.other = other.iter().map(|(name, raw)| (name.clone(), Bytes::from(raw.clone()))).collect();
        // A row without any has no extras.
        message.extras.take_if(|extras| **extras == Default::default());
        message
    })
}

fn code() -> impl Strategy<Value = Code> {
    let unknown =
        [Code::HighestModSeq(None), Code::UidNext(None), Code::UidValidity(None), Code::Unseen(None)];
    let plain = [PLAIN, &unknown].concat();
    let copied = (validity(), uid_set(), uid_set()).prop_map(|(validity, from, to)| {
        Code::CopyUid(CopyUid::new(Some(validity), from.ranges().collect(), to.ranges().collect()))
    });
    let progress = (of(line()), of(any::<u64>()), of(any::<u64>()));
    let words = || vec(word(), 1..4);
    prop_oneof![
        8 => select(plain),
        1 => (validity(), uid_set()).prop_map(|(v, uids)| Code::AppendUid { uid_validity: Some(v), uids }),
        1 => vec(line().prop_filter("not NIL", |t| t != "NIL"), 0..3).prop_map(Code::BadCharset),
        1 => words().prop_map(|names| Code::Capability(names.into_iter().collect())),
        1 => copied,
        1 => mod_seq().prop_map(|n| Code::HighestModSeq(Some(n))),
        1 => uid_set().prop_map(|set| Code::Modified(ModifiedSet::Numbers(NumberSet(set)))),
        1 => flags().prop_map(Code::PermanentFlags),
        1 => uid().prop_map(|n| Code::UidNext(Some(n))),
        1 => validity().prop_map(|n| Code::UidValidity(Some(n))),
        1 => uid().prop_map(|n| Code::Unseen(Seq::new(n.get()))),
        1 => vec(word(), 0..3).prop_map(Code::BadEvent),
        1 => line().prop_map(Code::BadUrl),
        1 => line().prop_map(Code::NoUpdate),
        1 => progress.prop_map(|(tag, done, total)| Code::InProgress(Progress::new(tag, done, total))),
        1 => word().prop_map(Code::MailboxId),
        1 => any::<u32>().prop_map(Code::MaxConvertMessages),
        1 => any::<u32>().prop_map(Code::MaxConvertParts),
        1 => (any::<u32>(), of(uid())).prop_map(|(limit, uid)| Code::MessageLimit { limit, uid }),
        1 => any::<u64>().prop_map(|n| Code::Metadata(MetadataCode::LongEntries(n))),
        1 => any::<u64>().prop_map(|n| Code::Metadata(MetadataCode::MaxSize(n))),
        1 => words().prop_map(Code::Referral),
        1 => word().prop_map(Code::UndefinedFilter),
        1 => vec((word(), of(word())), 1..3).prop_map(Code::UrlMech),
        1 => (word(), of(word())).prop_map(|(name, text)| Code::Other { name, text }),
    ]
}

pub(super) fn status() -> impl Strategy<Value = StatusResponse> {
    let word = select(vec![Status::Ok, Status::No, Status::Bad, Status::Bye, Status::PreAuth]);
    (word, of(code()), line()).prop_map(|(status, code, text)| {
        let text = text.trim_start_matches('[');
        StatusResponse::new(status, code, text.trim_start())
    })
}

fn list_entry() -> impl Strategy<Value = ListEntry> {
    let delimiter = of(select(vec!['/', '.', '\\', '"']));
    let more = (of(mailbox()), vec(word(), 0..2), vec((word(), raw()), 0..2));
    (mailbox(), delimiter, vec(select(vec!["\\HasChildren", "\\Noselect", "\\Sent"]), 0..3), more).prop_map(
        |(name, delimiter, attributes, (old_name, child_info, extended))| ListEntry {
            delimiter,
            attributes: attributes.into_iter().map(String::from).collect(),
            old_name,
            child_info,
            extended,
            ..ListEntry::new(name)
        },
    )
}

fn mailbox_status() -> impl Strategy<Value = MailboxStatus> {
    let small = || of(any::<u32>());
    let large = || of(any::<u64>());
    let counts = (small(), small(), small(), small(), of(uid()), of(validity()));
    (mailbox(), counts, (large(), large(), large()), of(mod_seq()), of(word()), of((word(), raw()))).prop_map(
        |(name, counts, sizes, highest_mod_seq, mailbox_id, other)| {
            let mut status = MailboxStatus::new(name);
            (status.messages, status.recent, status.unseen, status.deleted, ..) = counts;
            (status.uid_next, status.uid_validity) = (counts.4, counts.5);
            (status.size, status.deleted_storage, status.append_limit) = sizes;
            (status.highest_mod_seq, status.mailbox_id) = (highest_mod_seq, mailbox_id);
            status.other.extend(other);
            status
        },
    )
}

fn esearch() -> impl Strategy<Value = ESearch> {
    let small = || of(any::<u32>());
    let place = || prop_oneof![1..99i64, -99..-1i64];
    let found = (small(), small(), small(), of(number_list()), of(mod_seq()));
    let partial = of(((place(), place()), prop_oneof![number_list(), Just(NumberList::new())]));
    let changes = vec((any::<bool>(), any::<u32>(), number_list()), 0..4);
    let from = (of(text()), of(mailbox()), of(validity()), any::<bool>());
    (found, partial, changes, vec(0..=100u8, 0..4), from, of((word(), raw()))).prop_map(
        |(found, partial, changes, relevancy, from, other)| {
            let mut made = ESearch { relevancy, ..ESearch::default() };
            (made.min, made.max, made.count, _, made.mod_seq) = found;
            if let Some(list) = found.3 {
                let ends: Vec<_> = list.ranges().collect();
                let ascending = ends.windows(2).all(|pair| pair[0].1 < pair[1].0);
                made.all = Some(list.to_set());
                made.sorted = (!ascending).then_some(list);
            }
            made.partial = partial.map(|(range, numbers)| PartialResult::new(range, numbers));
            let change = |(added, position, numbers)| ResultChange::new(added, position, numbers);
            made.changes = changes.into_iter().map(change).collect();
            (made.tag, made.mailbox, made.uid_validity, made.uid) = from;
            made.other.extend(other);
            made
        },
    )
}

/// Trees as THREAD can represent them: a missing message has two answers or more.
fn threads() -> impl Strategy<Value = Threads> {
    vec((0..4u32, 0..50u32), 0..12).prop_map(|nodes| {
        let (mut threads, mut deepest) = (Threads::default(), 0);
        for (depth, number) in nodes {
            let depth = depth.min(deepest);
            if number == 0 {
                threads.push(depth, 0);
                threads.push(depth + 1, 7);
                threads.push(depth + 1, 8);
                deepest = depth + 2;
            } else {
                threads.push(depth, number);
                deepest = depth + 1;
            }
        }
        threads
    })
}

fn namespaces() -> impl Strategy<Value = Namespaces> {
    let one = (line(), of(select(vec!['/', '.'])), of((word(), vec(word(), 1..3))), of(line())).prop_map(
        |(prefix, delimiter, extension, translation)| {
            let mut made = Namespace::new(prefix, delimiter);
            made.extensions.extend(extension);
            made.translation = translation;
            made
        },
    );
    vec(vec(one, 0..3), 3).prop_map(|mut all| {
        let mut next = || all.pop().unwrap_or_default();
        let mut made = Namespaces::default();
        (made.personal, made.other_users, made.shared) = (next(), next(), next());
        made
    })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let values = vec((word(), of(bytes())), 1..4).prop_map(|all| {
        let value = |value: Option<Bytes>| value.map_or(MetadataValue::Unset, MetadataValue::Set);
        all.into_iter().map(|(name, text)| MetadataEntry::new(name, value(text))).collect::<Vec<_>>()
    });
    let names = vec(word(), 1..4).prop_map(|all| {
        all.into_iter().map(|name| MetadataEntry::new(name, MetadataValue::Changed)).collect::<Vec<_>>()
    });
    let named = mailbox().prop_filter("an empty name is the server", |name| !name.as_str().is_empty());
    (of(named), prop_oneof![values, names]).prop_map(|(name, entries)| Metadata::new(name, entries))
}

fn urls() -> impl Strategy<Value = Vec<UrlData>> {
    let one = (word(), of(bytes()), of((word(), raw()))).prop_map(|(url, data, other)| {
        let mut made = UrlData::new(url, data);
        made.other.extend(other.map(|(name, value)| (name, Bytes::from(value))));
        made
    });
    vec(one, 1..3)
}

/// Any answer except status responses and rows, with its name.
pub(super) fn answer() -> BoxedStrategy<(&'static str, Answer)> {
    let named = |name: &'static str| move |answer: Answer| (name, answer);
    let words = || vec(word(), 1..4);
    let rights = || "[a-z]{0,5}".prop_map(Rights::new);
    let session = prop_oneof![
        words().prop_map(|all| Answer::Capability(all.into_iter().collect())).prop_map(named("CAPABILITY")),
        words().prop_map(Answer::Enabled).prop_map(named("ENABLED")),
        vec((text(), of(text())), 0..4).prop_map(Answer::Id).prop_map(named("ID")),
        namespaces().prop_map(|all| Answer::Namespace(Box::new(all))).prop_map(named("NAMESPACE")),
        vec(text(), 1..3).prop_map(Answer::Language).prop_map(named("LANGUAGE")),
        (text(), words())
            .prop_map(|(a, m)| Answer::Comparator(Comparator::new(a, m)))
            .prop_map(named("COMPARATOR")),
        vec(text(), 1..3).prop_map(Answer::GenUrlAuth).prop_map(named("GENURLAUTH")),
        urls().prop_map(Answer::UrlFetch).prop_map(named("URLFETCH")),
        text().prop_map(Answer::JmapAccess).prop_map(named("JMAPACCESS")),
    ];
    let mailboxes = prop_oneof![
        list_entry().prop_map(|entry| Answer::List(Box::new(entry))).prop_map(named("LIST")),
        list_entry().prop_map(|entry| Answer::Lsub(Box::new(entry))).prop_map(named("LSUB")),
        mailbox_status().prop_map(|status| Answer::MailboxStatus(Box::new(status))).prop_map(named("STATUS")),
        metadata().prop_map(|data| Answer::Metadata(Box::new(data))).prop_map(named("METADATA")),
        (mailbox(), vec((text(), rights()), 0..3))
            .prop_map(|(m, e)| Answer::Acl(Box::new(Acl::new(m, e))))
            .prop_map(named("ACL")),
        (mailbox(), text(), rights(), vec(rights(), 0..3))
            .prop_map(|(m, who, r, o)| Answer::ListRights(Box::new(ListRights::new(m, who, r, o))))
            .prop_map(named("LISTRIGHTS")),
        (mailbox(), rights())
            .prop_map(|(m, r)| Answer::MyRights(Box::new(MyRights::new(m, r))))
            .prop_map(named("MYRIGHTS")),
        (text(), vec((word(), of(any::<u64>()), of(any::<u64>())), 0..3))
            .prop_map(|(root, all)| {
                let all = all.into_iter().map(|(name, usage, limit)| QuotaResource::new(name, usage, limit));
                Answer::Quota(Quota::new(root, all.collect()))
            })
            .prop_map(named("QUOTA")),
        (mailbox(), vec(text(), 0..3))
            .prop_map(|(m, roots)| Answer::QuotaRoot(QuotaRoot::new(m, roots)))
            .prop_map(named("QUOTAROOT")),
    ];
    let messages = prop_oneof![
        flags().prop_map(Answer::Flags).prop_map(named("FLAGS")),
        any::<u32>().prop_map(Answer::Exists).prop_map(named("EXISTS")),
        any::<u32>().prop_map(Answer::Recent).prop_map(named("RECENT")),
        uid()
            .prop_map(|n| Answer::Expunge { seq: Seq::new(n.get()).expect("not 0"), uid: None })
            .prop_map(named("EXPUNGE")),
        (any::<bool>(), uid_set())
            .prop_map(|(earlier, uids)| Answer::Vanished { earlier, uids })
            .prop_map(named("VANISHED")),
        (prop_oneof![uid_set(), Just(UidSet::new())], of(mod_seq()))
            .prop_map(|(set, mod_seq)| Answer::Search(SearchNumbers { numbers: NumberSet(set), mod_seq }))
            .prop_map(named("SEARCH")),
        esearch().prop_map(|found| Answer::ESearch(Box::new(found))).prop_map(named("ESEARCH")),
        (vec(1..5000u32, 0..9), of(mod_seq()))
            .prop_map(|(all, mod_seq)| Answer::Sort(SortResult {
                numbers: all.into_iter().collect(),
                mod_seq
            }))
            .prop_map(named("SORT")),
        threads().prop_map(Answer::Thread).prop_map(named("THREAD")),
        (of(text()), vec((1..5000u32, 1..5000u32), 0..4))
            .prop_map(|(tag, all)| {
                let mut batches = NumberList::new();
                all.iter().for_each(|&(first, last)| batches.push(first, last));
                Answer::UidBatches(UidBatches { tag, batches })
            })
            .prop_map(named("UIDBATCHES")),
    ];
    prop_oneof![session, mailboxes, messages].boxed()
}
