//! The mailbox for drafts, sent mail and the like, whatever the server says of it.
//!
//! In: an account, a use. Out: the mailbox, and how it was found: by the server's attribute (RFC
//! 6154), by that of XLIST, or by its name, as mail programs name it in many languages.

use super::Account;
use crate::command::List;
use crate::error::Result;
use crate::types::{ListEntry, MailboxName, SpecialUse};

/// A mailbox for a special use; from [`Account::special_use`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpecialMailbox {
    /// Its name.
    pub name: MailboxName,
    /// How it was found.
    pub found_by: FoundBy,
}

/// How a mailbox for a special use was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FoundBy {
    /// The server says so (SPECIAL-USE, RFC 6154).
    SpecialUse,
    /// The server says so in the way of XLIST, as Gmail did before.
    Xlist,
    /// Mail programs name it like that: a guess.
    Name,
}

impl Account {
    /// The mailbox for a special use: as the server says (RFC 6154, else XLIST), else the one with
    /// a name that mail programs give to such a mailbox, in one of many languages; `None` if there
    /// is none. Of several by attribute the first counts, of several by name the most usual.
    ///
    /// Cancel-safe. One LIST, and another one where the server says nothing.
    ///
    /// # Errors
    /// As [`session`](Self::session), and those of LIST.
    ///
    /// ```no_run
    /// # async fn example(account: imap_duplex::account::Account) -> imap_duplex::Result<()> {
    /// use imap_duplex::account::FoundBy;
    /// use imap_duplex::types::SpecialUse;
    /// match account.special_use(SpecialUse::Trash).await? {
    ///     Some(trash) if trash.found_by == FoundBy::Name => println!("probably {}", trash.name),
    ///     Some(trash) => println!("{}", trash.name),
    ///     None => println!("none: it is to be created"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias("SPECIAL-USE", "XLIST"))]
    pub async fn special_use(&self, usage: impl Into<SpecialUse>) -> Result<Option<SpecialMailbox>> {
        let usage = usage.into();
        let session = self.session().await?;
        let capabilities = session.capabilities();
        let (by_rfc, by_xlist) = (capabilities.has("SPECIAL-USE"), capabilities.has("XLIST"));
        // Many servers say it in any LIST.
        let plain = !by_rfc && !by_xlist;
        let list = if plain { List::new("*") } else { List::new("*").special_use() };
        let listed = session.list(list).await?;
        let found_by = if by_xlist && !by_rfc { FoundBy::Xlist } else { FoundBy::SpecialUse };
        if let Some(entry) = listed.iter().find(|entry| entry.is_for(&usage) && entry.is_selectable()) {
            return Ok(Some(SpecialMailbox { name: entry.name.clone(), found_by }));
        }
        let listed = if plain { listed } else { session.list("*").await? };
        Ok(by_name(&usage, &listed).map(|name| SpecialMailbox { name, found_by: FoundBy::Name }))
    }
}

/// The mailbox with the most usual of the names for this use: at the top, or below INBOX or a
/// namespace's prefix. Nothing that the server says is for another use.
fn by_name(usage: &SpecialUse, listed: &[ListEntry]) -> Option<MailboxName> {
    let free = |entry: &&ListEntry| entry.is_selectable() && entry.special_uses().next().is_none();
    let rank = |entry: &ListEntry| usual_name(usage, entry.name.as_str(), entry.delimiter);
    let ranked = listed.iter().filter(free).filter_map(|entry| Some((rank(entry)?, &entry.name)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name.clone())
}

/// How usual this name is for this use: the lowest is the most usual one; `None` if it is none.
pub(crate) fn usual_name(usage: &SpecialUse, name: &str, delimiter: Option<char>) -> Option<(usize, usize)> {
    let last = delimiter.and_then(|delimiter| name.rsplit_once(delimiter)).map_or(name, |(_, last)| last);
    let depth = delimiter.map_or(0, |delimiter| name.matches(delimiter).count());
    let last = folded(last);
    let rank = names(usage).iter().position(|name| folded(name) == last)?;
    (depth < 2).then_some((rank, depth))
}

/// Without case, and without what separates words.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The names that mail programs and providers give to the mailbox for this use, the most usual
/// first: English, German, French, Spanish, Portuguese, Italian, Dutch, Danish, Norwegian, Swedish,
/// Finnish, Polish, Czech, Hungarian, Romanian, Greek, Turkish, Russian, Ukrainian, Chinese,
/// Japanese, Korean.
fn names(usage: &SpecialUse) -> Vec<&'static str> {
    let names = match usage {
        SpecialUse::Trash => TRASH,
        SpecialUse::Sent => SENT,
        SpecialUse::Drafts => DRAFTS,
        SpecialUse::Junk => JUNK,
        SpecialUse::Archive => ARCHIVE,
        SpecialUse::All => "All Mail, Alle Nachrichten, Tous les messages, Todos, Todos os e-mails",
        SpecialUse::Flagged => "Starred, Flagged, Markiert, Messages suivis, Destacados",
        SpecialUse::Important => "Important, Wichtig, Importants, Importantes",
        _ => return Vec::new(),
    };
    names.split(", ").collect()
}

const TRASH: &str = "Trash, Deleted Items, Deleted Messages, Deleted, Bin, Papierkorb, Gelöschte Elemente, \
    Gelöschte Objekte, Gelöscht, Corbeille, Éléments supprimés, Messages supprimés, Papelera, \
    Elementos eliminados, Eliminados, Lixeira, Lixo, Itens Excluídos, Itens Eliminados, Cestino, \
    Posta eliminata, Prullenbak, Verwijderde items, Slettet post, Papirkurv, Søppelpost slettet, \
    Borttaget, Papperskorgen, Roskakori, Kosz, Koš, Kuka, Coș de gunoi, Çöp Kutusu, Корзина, Кошик, \
    已删除邮件, ゴミ箱";
const SENT: &str = "Sent, Sent Items, Sent Messages, Sent Mail, Gesendet, Gesendete Elemente, Gesendete Objekte, \
    Envoyés, Éléments envoyés, Messages envoyés, Objets envoyés, Enviados, Elementos enviados, \
    Correo enviado, Itens Enviados, Inviati, Posta inviata, Inviata, Verzonden, Verzonden items, \
    Sendt, Sendt post, Skickat, Lähetetyt, Wysłane, Elementy wysłane, Odeslané, Elküldött, Trimise, \
    Απεσταλμένα, Gönderilmiş Öğeler, Отправленные, Надіслані, 已发送, 送信済み";
const DRAFTS: &str = "Drafts, Draft, Entwürfe, Entwurf, Brouillons, Brouillon, Borradores, Borrador, Rascunhos, \
    Rascunho, Bozze, Concepten, Kladder, Kladde, Utkast, Luonnokset, Wersje robocze, Kopie robocze, \
    Koncepty, Piszkozatok, Ciorne, Πρόχειρα, Taslaklar, Черновики, Чернетки, 草稿箱, 下書き";
const JUNK: &str = "Junk, Spam, Junk E-mail, Junk Mail, Bulk Mail, Bulk, Spamverdacht, Unerwünscht, \
    Courrier indésirable, Indésirables, Pourriel, Correo no deseado, No deseado, Lixo Eletrônico, \
    Lixo eletrónico, Posta indesiderata, Ongewenste e-mail, Uønsket post, Søppelpost, Skräppost, \
    Roskaposti, Nevyžádaná pošta, Levélszemét, Спам, 垃圾邮件, 迷惑メール";
const ARCHIVE: &str = "Archive, Archives, Archiv, Archivio, Archivo, Archivados, Arquivo, Arquivos, Archief, Arkiv, \
    Arkisto, Archiwum, Archívum, Arhivă, Arşiv, Архив, 归档";

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, attributes: &[&str]) -> ListEntry {
        let attributes = attributes.iter().map(|a| (*a).to_owned()).collect();
        ListEntry { delimiter: Some('/'), attributes, ..ListEntry::new(name) }
    }

    #[test]
    fn the_most_usual_name_wins_and_other_uses_do_not_count() {
        let found =
            |usage: SpecialUse, listed: &[ListEntry]| by_name(&usage, listed).map(|name| name.to_string());
        let listed = [
            entry("INBOX", &[]),
            entry("Projects/2026/Trash", &[]),
            entry("Deleted Messages", &[]),
            entry("INBOX/trash", &[]),
            entry("Spam", &["\\Noselect"]),
            entry("Sent", &["\\Archive"]),
            entry("Sent-Items", &[]),
        ];
        assert_eq!(found(SpecialUse::Trash, &listed).as_deref(), Some("INBOX/trash"));
        assert_eq!(found(SpecialUse::Sent, &listed).as_deref(), Some("Sent-Items"));
        assert_eq!(found(SpecialUse::Junk, &listed), None, "it can't be selected");
        assert_eq!(found(SpecialUse::Drafts, &listed), None);
        assert_eq!(found(SpecialUse::new("\\Memos"), &listed), None);
    }

    #[test]
    fn each_name_is_of_one_use() {
        let uses =
            ["\\Trash", "\\Sent", "\\Drafts", "\\Junk", "\\Archive", "\\All", "\\Flagged", "\\Important"];
        let mut all: Vec<String> = Vec::new();
        for usage in uses {
            all.extend(names(&usage.into()).iter().map(|name| folded(name)));
        }
        let known = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), known, "one of them stands twice");
    }
}
