//! XOAUTH2 and OAUTHBEARER: a user and a token; a token that is refused is answered by JSON, and
//! then by NO (RFC 7628 section 3.2).

use super::{Dialogue, Outcome, acting, failed};
use crate::testing::session::Reply;
use crate::testing::world::World;

pub(super) fn step(world: &World, is_bearer: bool, answer: &[u8]) -> Outcome {
    let Some((user, token)) = std::str::from_utf8(answer).ok().and_then(|text| read(text, is_bearer)) else {
        return Outcome::Refused(Reply::bad("Not a valid message"));
    };
    let has_it = |name: &str| {
        let known = world.users.get(name).and_then(|user| user.token.as_ref());
        known.is_some_and(|known| known.text == token && !known.is_expired)
    };
    if has_it(&user) {
        return Outcome::In(user);
    }
    // The token shows who it is, and what is named is whom they act as (RFC 7628 section 3.1).
    if let Some(master) = world.settings.masters.iter().find(|name| is_bearer && has_it(name)) {
        return match acting(world, master.clone(), user.as_bytes()) {
            Ok(user) => Outcome::In(user),
            Err(reply) => Outcome::Refused(reply),
        };
    }
    let json = world.settings.token_failure.clone().unwrap_or_else(|| {
        let status = if is_bearer { "invalid_token" } else { "401" };
        format!(r#"{{"status":"{status}","schemes":"bearer","scope":"https://mail.example.org/"}}"#)
    });
    Outcome::Challenge(json.into_bytes(), Dialogue::Last(Err(failed())))
}

/// User and token.
fn read(text: &str, is_bearer: bool) -> Option<(String, String)> {
    let text = text.strip_suffix("\x01\x01")?;
    let (user, rest) = if is_bearer {
        // A GS2 header without a binding, with the user.
        let (header, rest) = text.split_once('\x01')?;
        let user = header.strip_prefix("n,a=")?.strip_suffix(',')?;
        (user.replace("=2C", ",").replace("=3D", "="), rest)
    } else {
        let (user, rest) = text.strip_prefix("user=")?.split_once('\x01')?;
        (user.to_owned(), rest)
    };
    let token = rest.split('\x01').find_map(|pair| pair.strip_prefix("auth=Bearer "))?;
    Some((user, token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let read = |text: &str, is_bearer| {
            read(text, is_bearer).map(|(user, token)| format!("{user} {token}")).unwrap_or_default()
        };
        // As in Google's description, and RFC 7628 section 4.1.
        assert_eq!(
            read("user=someuser@example.com\x01auth=Bearer ya29.vF\x01\x01", false),
            "someuser@example.com ya29.vF"
        );
        let bearer =
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4==\x01\x01";
        assert_eq!(read(bearer, true), "user@example.com vF9dft4==");
        assert_eq!(read("n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01", true), "a,b=c t");
        for bad in ["", "user=a\x01auth=Bearer t", "user=a\x01\x01", "n,,\x01auth=Bearer t\x01\x01", "user=a"]
        {
            assert_eq!(read(bad, false) + &read(bad, true), "", "{bad:?}");
        }
    }
}
