//! SCRAM-SHA-1 and SCRAM-SHA-256, each with its -PLUS form (RFC 5802, RFC 7677), by ring.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SecureRandom as _;
use ring::{digest, hmac, pbkdf2, rand};

use super::{Dialogue, Outcome, Place, Reply, acting, failed, is_bound, password};
use crate::testing::quirks::Quirk;
use crate::testing::world::World;

/// What RFC 7677 section 4 asks for at least.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).expect("it is not 0");

/// One exchange.
#[derive(Debug)]
pub(in crate::testing) struct Scram {
    hash: Hash,
    is_bound: bool,
    /// What the first two messages have settled.
    begun: Option<Begun>,
}

#[derive(Clone, Copy, Debug)]
enum Hash {
    Sha1,
    Sha256,
}

#[derive(Debug)]
struct Begun {
    user: String,
    /// Whom the user wants to act as; empty for none.
    act_as: String,
    /// `None`: no such user. That is not said before the end.
    password: Option<String>,
    client_first: String,
    server_first: String,
    nonce: String,
    salt: Vec<u8>,
    /// The header and what binds the login, in base64.
    bound: String,
}

impl Hash {
    fn hmac(self, key: &[u8], text: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), text).as_ref().to_vec()
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }

    fn salted(self, password: &str, salt: &[u8]) -> Vec<u8> {
        let (algorithm, length) = match self {
            Self::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, digest::SHA1_OUTPUT_LEN),
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, digest::SHA256_OUTPUT_LEN),
        };
        let mut salted = vec![0; length];
        let password = stringprep::saslprep(password).map_or_else(|_| password.to_owned(), Into::into);
        pbkdf2::derive(algorithm, ITERATIONS, salt, password.as_bytes(), &mut salted);
        salted
    }
}

/// Why an exchange is refused, by a word of RFC 5802 section 7.
type Refused = &'static str;

impl Scram {
    pub(super) fn begin(mechanism: &str) -> Option<Self> {
        let hash = match mechanism {
            "SCRAM-SHA-1" | "SCRAM-SHA-1-PLUS" => Hash::Sha1,
            "SCRAM-SHA-256" | "SCRAM-SHA-256-PLUS" => Hash::Sha256,
            _ => return None,
        };
        Some(Self { hash, is_bound: is_bound(mechanism), begun: None })
    }

    pub(super) fn step(mut self: Box<Self>, world: &mut World, place: Place<'_>, answer: &[u8]) -> Outcome {
        let Ok(text) = std::str::from_utf8(answer) else { return refused("invalid-encoding") };
        match self.begun.take() {
            None => match self.first(world, place, text) {
                Ok(begun) => {
                    let challenge = begun.server_first.clone().into_bytes();
                    self.begun = Some(begun);
                    Outcome::Challenge(challenge, Dialogue::Scram(self))
                }
                Err(word) => refused(word),
            },
            Some(_) if self.is_bound && world.settings.quirks.has(Quirk::OnlyTlsUnique) => {
                Outcome::Refused(Reply::no(None, "bad protocol / cancel"))
            }
            Some(begun) => match self.last(&begun, text) {
                Ok(mut signature) => {
                    if world.settings.quirks.has(Quirk::ForgedSignature) {
                        signature.reverse();
                    }
                    let challenge = format!("v={}", BASE64.encode(signature)).into_bytes();
                    let done = acting(world, begun.user, begun.act_as.as_bytes());
                    Outcome::Challenge(challenge, Dialogue::Last(done))
                }
                Err(word) => refused(word),
            },
        }
    }

    /// `n,,n=user,r=nonce`.
    fn first(&self, world: &mut World, place: Place<'_>, text: &str) -> Result<Begun, Refused> {
        let malformed = "other-error";
        let mut parts = text.splitn(3, ',');
        let (Some(flag), Some(act_as), Some(bare)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        let mut bound = format!("{flag},{act_as},").into_bytes();
        match flag.strip_prefix("p=") {
            Some(_) if !self.is_bound => return Err("channel-binding-not-supported"),
            Some(name) => {
                let data = place.bindings.iter().find(|(kind, _)| *kind == name);
                bound.extend(&data.ok_or("unsupported-channel-binding-type")?.1);
            }
            None if self.is_bound => return Err("channel-bindings-dont-match"),
            // It could, and has not seen that we can: someone has changed our list.
            None if flag == "y" && place.offered.iter().any(|name| is_bound(name)) => {
                return Err("server-does-support-channel-binding");
            }
            None if flag == "y" || flag == "n" => {}
            None => return Err(malformed),
        }
        let mut attributes = bare.split(',');
        let user = attributes.next().and_then(|user| user.strip_prefix("n=")).ok_or(malformed)?;
        let theirs = attributes.next().and_then(|nonce| nonce.strip_prefix("r=")).ok_or(malformed)?;
        let name = |written: &str| written.replace("=2C", ",").replace("=3D", "=");
        let user = name(user);
        let act_as = match act_as {
            "" => String::new(),
            act_as => name(act_as.strip_prefix("a=").ok_or(malformed)?),
        };
        let mut ours = [0; 18];
        rand::SystemRandom::new().fill(&mut ours).map_err(|_| "no-resources")?;
        let nonce = format!("{theirs}{}", BASE64.encode(ours));
        // The same salt for the same user, whether known or not.
        let salt = Hash::Sha256.digest(format!("salt of {user}").as_bytes())[..16].to_vec();
        let server_first = format!("r={nonce},s={},i={ITERATIONS}", BASE64.encode(&salt));
        let password = password(world, user.as_bytes()).map(|(_, password)| password);
        let (client_first, bound) = (bare.to_owned(), BASE64.encode(bound));
        Ok(Begun { user, act_as, password, client_first, server_first, nonce, salt, bound })
    }

    /// `c=bound,r=nonce,p=proof`; gives our own signature.
    fn last(&self, begun: &Begun, text: &str) -> Result<Vec<u8>, Refused> {
        let malformed = "other-error";
        let (unproved, proof) = text.rsplit_once(",p=").ok_or(malformed)?;
        let mut attributes = unproved.split(',');
        let bound = attributes.next().and_then(|bound| bound.strip_prefix("c=")).ok_or(malformed)?;
        let nonce = attributes.next().and_then(|nonce| nonce.strip_prefix("r=")).ok_or(malformed)?;
        if bound != begun.bound {
            return Err("channel-bindings-dont-match");
        }
        if nonce != begun.nonce {
            return Err("other-error");
        }
        let proof = BASE64.decode(proof).map_err(|_| "invalid-encoding")?;
        let message = format!("{},{},{unproved}", begun.client_first, begun.server_first);
        let password = begun.password.as_deref().ok_or("invalid-proof")?;
        let salted = self.hash.salted(password, &begun.salt);
        let stored = self.hash.digest(&self.hash.hmac(&salted, b"Client Key"));
        let signature = self.hash.hmac(&stored, message.as_bytes());
        let key: Vec<u8> = proof.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        if proof.len() != signature.len() || self.hash.digest(&key) != stored {
            return Err("invalid-proof");
        }
        Ok(self.hash.hmac(&self.hash.hmac(&salted, b"Server Key"), message.as_bytes()))
    }
}

/// The word goes as a challenge; NO follows the client's answer to that.
fn refused(word: Refused) -> Outcome {
    Outcome::Challenge(format!("e={word}").into_bytes(), Dialogue::Last(Err(failed())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's last message and the server's signature in the examples of the RFCs.
    fn example(hash: Hash, nonces: (&str, &str), salt: &str, proof: &str) -> Result<String, Refused> {
        let nonce = format!("{}{}", nonces.0, nonces.1);
        let begun = Begun {
            user: "user".into(),
            act_as: String::new(),
            password: Some("pencil".into()),
            client_first: format!("n=user,r={}", nonces.0),
            server_first: format!("r={nonce},s={salt},i=4096"),
            salt: BASE64.decode(salt).unwrap(),
            bound: "biws".into(),
            nonce: nonce.clone(),
        };
        let scram = Scram { hash, is_bound: false, begun: None };
        scram.last(&begun, &format!("c=biws,r={nonce},p={proof}")).map(|signature| BASE64.encode(signature))
    }

    #[test]
    fn the_examples_of_the_rfcs() {
        // RFC 5802 section 5, RFC 7677 section 3.
        let nonces = ("fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j");
        let (salt, proof) = ("QSXCR+Q6sek8bf92", "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
        assert_eq!(example(Hash::Sha1, nonces, salt, proof).as_deref(), Ok("rmF9pqV8S7suAoZWja4dJRkFsKQ="));
        let nonces = ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        let (salt, proof) = ("W22ZaJ0SNY7soEsUEjb6gQ==", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let signature = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert_eq!(example(Hash::Sha256, nonces, salt, proof).as_deref(), Ok(signature));
        assert_eq!(example(Hash::Sha256, nonces, salt, "dHzb"), Err("invalid-proof"));
        assert_eq!(example(Hash::Sha1, nonces, salt, proof), Err("invalid-proof"));
    }
}
