//! Attachments as files.
//!
//! In: a message, which of its attachments. Out: new files; none is ever written over, and no name
//! leads out of the folder.

use std::io;
use std::path::{Path, PathBuf};

use imap_duplex::store::{MessageId, PartSummary, Store, StoreErrorKind};
use mail_parser::MessageParser;
use tokio::fs;
use tokio::io::AsyncWriteExt;

use crate::support::failure::Failure;

/// So many files of one name there may be.
const MAX_NAMES: u32 = 1000;
/// Characters of a name.
const MAX_NAME: usize = 100;

/// Writes one attachment, or all, into a folder; what is to be said of it.
pub(crate) async fn save(
    store: &Store,
    id: MessageId,
    which: Option<usize>,
    folder: &Path,
) -> Result<String, Failure> {
    let message = store.message(id).await?;
    let attached = message.parts.iter().filter(|part| part.attachment).enumerate();
    let wanted: Vec<&PartSummary> =
        attached.filter(|(at, _)| which.is_none_or(|which| which == *at)).map(|(_, part)| part).collect();
    let mut files = Vec::new();
    for part in wanted {
        let bytes = store.part(id, &part.number).await.map_err(|error| match error.kind() {
            StoreErrorKind::Offline => {
                Failure::new("what is attached is not on this machine, and there is no connection now")
            }
            _ => error.into(),
        })?;
        let encoding = part.encoding.clone().unwrap_or_default();
        let decoded = tokio::task::spawn_blocking(move || decoded(&bytes, &encoding)).await;
        let decoded = decoded.map_err(|e| Failure::new(e.to_string()))?;
        let failed =
            |e: io::Error| Failure::new(format!("nothing can be saved in {}: {e}", folder.display()));
        files.push(write(folder, &file_name(part), &decoded).await.map_err(failed)?);
    }
    Ok(match files.as_slice() {
        [] => "nothing is attached".to_owned(),
        [file] => format!("saved as {}", file.display()),
        [first, ..] => format!("{} saved, the first as {}", files.len(), first.display()),
    })
}

/// Without its transfer encoding.
fn decoded(part: &[u8], encoding: &str) -> Vec<u8> {
    let encoding: String = encoding.chars().filter(char::is_ascii_graphic).collect();
    // As a message of its own; of this type nothing but the transfer encoding is undone.
    let head = format!("Content-Type: application/x-file\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n");
    let message = [head.as_bytes(), part].concat();
    let parsed = MessageParser::new().parse(&message);
    let contents = parsed.as_ref().and_then(|parsed| parsed.parts.first()).map(|part| part.contents());
    contents.unwrap_or(part).to_vec()
}

/// A name without folders, hidden or odd characters; each attachment has one.
pub(crate) fn file_name(part: &PartSummary) -> String {
    let given = part.file_name.as_deref().unwrap_or_default();
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_odd = |c: char| c.is_control() || "<>:\"|?*".contains(c) || matches!(c, '\u{200b}'..='\u{202e}');
    let name: String = last.chars().map(|c| if is_odd(c) { '_' } else { c }).take(MAX_NAME).collect();
    let name = name.trim().trim_start_matches('.').trim_end_matches('.');
    if name.is_empty() { format!("attachment {}", part.number) } else { name.to_owned() }
}

/// A new file of this name, or with a number where there is one.
async fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let (stem, end) = match name.rfind('.') {
        Some(at) if at > 0 => name.split_at(at),
        _ => (name, ""),
    };
    for number in 1..=MAX_NAMES {
        let name = if number == 1 { name.to_owned() } else { format!("{stem} ({number}){end}") };
        let path = folder.join(name);
        let mut file = match fs::OpenOptions::new().write(true).create_new(true).open(&path).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            opened => opened?,
        };
        let written = async {
            file.write_all(bytes).await?;
            file.flush().await
        };
        if let Err(error) = written.await {
            // No half of a file stays.
            _ = fs::remove_file(&path).await;
            return Err(error);
        }
        return Ok(path);
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "there are too many files of this name"))
}
