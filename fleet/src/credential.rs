//! Where the password or token of an account is: sealed in its row, in a file, or in the
//! environment of the workers.
//!
//! In: what `fleet account add` was given. Out: what is stored, without a secret in clear; and the
//! secret itself, resolved for each login.

use std::fmt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imap_duplex::command::Secret;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Where a secret is. It is stored with the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Credential {
    /// Encrypted with the fleet's key (AES-256-GCM), bound to the account's name; base64 of nonce
    /// and text.
    Sealed(String),
    /// The contents of this file on the workers, without the end of the line.
    File(PathBuf),
    /// The value of this variable of the workers' environment.
    Env(String),
}

/// The key that seals credentials. It is in no table, and no worker logs it.
#[derive(Clone)]
pub struct SealingKey(LessSafeKey);

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(..)")
    }
}

impl SealingKey {
    /// The key in this text: 32 bytes in base64.
    ///
    /// # Errors
    /// If it is another text; the error does not repeat it.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Error::invalid("the key has to be 32 bytes in base64 (`fleet key` makes one)");
        let bytes = STANDARD.decode(text.trim()).map_err(|_| wrong())?;
        let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| wrong())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// The key in this file.
    ///
    /// # Errors
    /// If it can't be read or is none.
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(Error::io(shown))?;
        Self::parse(&text)
    }

    /// A new key, as text.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn generate() -> Result<String> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Error::invalid("no random bytes to be had"))?;
        Ok(STANDARD.encode(bytes))
    }

    /// Seals a secret for the account of this name: elsewhere it can't be opened.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn seal(&self, account: &str, secret: &str) -> Result<Credential> {
        let failed = || Error::invalid("the credentials could not be sealed");
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| failed())?;
        let mut text = secret.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(account.as_bytes()),
                &mut text,
            )
            .map_err(|_| failed())?;
        Ok(Credential::Sealed(STANDARD.encode([&nonce[..], &text].concat())))
    }

    fn open(&self, account: &str, sealed: &str) -> Result<String> {
        let wrong = || {
            Error::invalid(format!(
                "the credentials of {account} can't be opened: they were sealed with another key or \
                 for another account"
            ))
        };
        let mut bytes = STANDARD.decode(sealed).map_err(|_| wrong())?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let text = self.0.open_in_place(nonce, Aad::from(account.as_bytes()), text).map_err(|_| wrong())?;
        String::from_utf8(text.to_vec()).map_err(|_| wrong())
    }
}

impl Credential {
    /// The secret itself.
    ///
    /// # Errors
    /// If it can't be had; the error names where it should be, not what it is.
    pub async fn resolve(&self, account: &str, key: Option<&SealingKey>) -> Result<Secret> {
        match self {
            Self::Sealed(sealed) => match key {
                Some(key) => Ok(key.open(account, sealed)?.into()),
                None => Err(Error::invalid(format!(
                    "the credentials of {account} are sealed, and this worker has no key (key_file)"
                ))),
            },
            Self::File(path) => {
                let shown = format!("the credentials of {account}: {}", path.display());
                let text = tokio::fs::read_to_string(path).await.map_err(Error::io(shown))?;
                Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
            }
            Self::Env(name) => match std::env::var(name) {
                Ok(value) => Ok(value.into()),
                Err(_) => Err(Error::invalid(format!(
                    "the credentials of {account}: the environment has no usable {name}"
                ))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealingKey {
        SealingKey::parse(&SealingKey::generate().expect("random")).expect("a key")
    }

    #[tokio::test]
    async fn what_is_sealed_is_opened_for_its_account_and_with_its_key_only() {
        let key = key();
        let sealed = key.seal("alice", "hunter2").expect("sealed");
        assert!(!serde_json::to_string(&sealed).expect("json").contains("hunter2"));
        let open = |account: &'static str, key: SealingKey| {
            let sealed = sealed.clone();
            async move { sealed.resolve(account, Some(&key)).await }
        };
        let secret = open("alice", key.clone()).await.expect("it is hers");
        assert_eq!(secret.expose(), "hunter2");
        assert!(open("bob", key.clone()).await.is_err());
        assert!(open("alice", self::key()).await.is_err());
        assert!(sealed.resolve("alice", None).await.is_err());
        assert!(!format!("{key:?}").contains("LessSafe"));
    }
}
