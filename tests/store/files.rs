//! The file of a store: one owner, versions, damage.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};

use imap_duplex::store::{Store, StoreErrorKind};
use rusqlite::Connection;
use tempfile::TempDir;

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

#[tokio::test]
async fn a_store_is_made_and_opened_again() {
    let folder = folder();
    let path = folder.path().join("mail.store");
    let store = Store::open(&path).await.expect("new");
    assert_eq!((store.path(), store.is_read_only()), (path.as_path(), false));
    store.verify().await.expect("sound");
    drop(store);
    Store::open(&path).await.expect("there").verify().await.expect("sound");
}

/// Mail is in it.
#[cfg(unix)]
#[tokio::test]
async fn only_the_user_can_read_a_store() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = folder();
    let path = folder.path().join("mail.store");
    let store = Store::open(&path).await.expect("new");
    store.verify().await.expect("sound");
    let mut seen = 0;
    for entry in fs::read_dir(folder.path()).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        if name.ends_with(".lock") {
            continue;
        }
        let mode = entry.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
        seen += 1;
    }
    assert!(seen >= 2, "the file and its log");
    drop(store);
    // What its user allows stays allowed.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("set");
    drop(Store::open(&path).await.expect("there"));
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o640);
}

#[tokio::test]
async fn it_has_one_owner_and_others_that_read() {
    let folder = folder();
    let path = folder.path().join("mail.store");
    let missing = Store::read(&path).await.expect_err("there is none");
    assert_eq!(missing.kind(), StoreErrorKind::Io);
    assert!(!path.exists(), "reading makes no file");
    let owner = Store::open(&path).await.expect("new");
    let second = Store::open(&path).await.expect_err("it is open");
    assert_eq!(second.kind(), StoreErrorKind::Owned);
    assert!(second.to_string().contains("mail.store: is open in another program"), "{second}");
    let reader = Store::read(&path).await.expect("reading is free");
    assert!(reader.is_read_only());
    let clone = owner.clone();
    drop(owner);
    assert_eq!(Store::open(&path).await.expect_err("a clone has it").kind(), StoreErrorKind::Owned);
    drop(clone);
    Store::open(&path).await.expect("given up");
}

#[tokio::test]
async fn a_newer_store_is_refused_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("mail.store");
    drop(Store::open(&path).await.expect("new"));
    let file = Connection::open(&path).expect("SQLite");
    file.pragma_update(None, "user_version", 999).expect("written");
    drop(file);
    let before = fs::read(&path).expect("a file");
    for error in [Store::open(&path).await.expect_err("newer"), Store::read(&path).await.expect_err("newer")]
    {
        assert_eq!(error.kind(), StoreErrorKind::Newer);
        assert!(error.to_string().contains("mail.store: the store has version 999"), "{error}");
    }
    assert_eq!(fs::read(&path).expect("a file"), before);
}

#[tokio::test]
async fn what_is_no_store_is_reported_and_left_alone() {
    let folder = folder();
    let path = folder.path().join("notes.txt");
    fs::write(&path, "remember the milk, and everything else that is longer than a header\n".repeat(90))
        .expect("written");
    let before = fs::read(&path).expect("a file");
    assert_eq!(Store::open(&path).await.expect_err("a text").kind(), StoreErrorKind::Corrupt);
    assert_eq!(fs::read(&path).expect("a file"), before);
    let path = folder.path().join("theirs.db");
    Connection::open(&path).and_then(|file| file.execute_batch("CREATE TABLE t (x)")).expect("SQLite");
    let before = fs::read(&path).expect("a file");
    let error = Store::open(&path).await.expect_err("of another program");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    assert!(error.to_string().contains("theirs.db: this SQLite file is of another program"), "{error}");
    assert_eq!(fs::read(&path).expect("a file"), before);
}

#[tokio::test]
async fn damage_is_reported() {
    let folder = folder();
    let path = folder.path().join("mail.store");
    drop(Store::open(&path).await.expect("new"));
    let length = fs::metadata(&path).expect("a file").len();
    // The first page stays: the header is sound.
    let mut file = OpenOptions::new().write(true).open(&path).expect("a file");
    file.seek(SeekFrom::Start(4096)).expect("seekable");
    file.write_all(&vec![0x5a; usize::try_from(length - 4096).expect("small")]).expect("written");
    drop(file);
    let found = match Store::open(&path).await {
        Ok(store) => store.verify().await,
        Err(error) => Err(error),
    };
    assert_eq!(found.expect_err("damaged").kind(), StoreErrorKind::Corrupt);
}

#[tokio::test]
async fn the_advice_of_the_error_can_be_followed() {
    let folder = folder();
    let path = folder.path().join("mail.store");
    drop(Store::open(&path).await.expect("new"));
    let mut file = OpenOptions::new().write(true).open(&path).expect("a file");
    file.write_all(&[0x5a; 100]).expect("written");
    drop(file);
    let before = fs::read(&path).expect("a file");
    let error = Store::open(&path).await.expect_err("without a header");
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    let text = error.to_string();
    assert!(text.contains("close it: `Store::rebuild` makes a new one"), "{text}");
    let rebuilt = Store::rebuild(&path).await.expect("as it says");
    Store::open(&path).await.expect("a new one").verify().await.expect("sound");
    assert_eq!(fs::read(rebuilt.damaged.expect("kept")).expect("the old one"), before);
}
