//! Which mechanism is used: the strongest that both sides have, unless the user names one.
//!
//! In: what the server offers, what there is to show, what the user named. Out: the ways in, the
//! best first; after a refusal the next one, if there is any sense in trying it.

use super::mechanism::{Material, Mechanism};
use crate::types::Code;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// AUTHENTICATE with the user's own mechanism of this index.
    Own(usize),
    /// AUTHENTICATE with this mechanism.
    Sasl(Mechanism),
    /// The command LOGIN.
    Command,
}

/// What can be chosen from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer<'a> {
    /// The mechanisms that the server names.
    pub(super) mechanisms: &'a [String],
    /// LOGINDISABLED.
    pub(super) login_disabled: bool,
    /// Something binds a login to this connection.
    pub(super) can_bind: bool,
    /// The user is to act as another one.
    pub(super) acts: bool,
}

impl Offer<'_> {
    pub(super) fn has(&self, mechanism: Mechanism) -> bool {
        self.mechanisms.iter().any(|name| name.eq_ignore_ascii_case(mechanism.name()))
    }

    fn can(&self, mechanism: Mechanism) -> bool {
        self.has(mechanism) && (self.can_bind || !mechanism.is_bound())
    }

    /// Whether a login without a binding says that we could have bound it: then a server that has
    /// such a mechanism, whose name someone has taken out of its list, refuses it (RFC 5802 section
    /// 6, `y`).
    pub(super) fn shows_downgrade(&self) -> bool {
        self.can_bind
            && !Mechanism::ALL.into_iter().any(|mechanism| mechanism.is_bound() && self.has(mechanism))
    }

    /// The ways in by the user's own mechanisms, of these names, in their order.
    pub(super) fn own_ways<'n>(&self, names: impl Iterator<Item = &'n str>) -> Vec<Way> {
        let can = |name: &str| {
            let is_bound = name.to_ascii_uppercase().ends_with("-PLUS");
            (self.can_bind || !is_bound) && self.mechanisms.iter().any(|one| one.eq_ignore_ascii_case(name))
        };
        names.enumerate().filter(|(_, name)| can(name)).map(|(index, _)| Way::Own(index)).collect()
    }

    /// The ways in by the mechanisms of this library, the best first.
    pub(super) fn ways(&self, material: Material, named: Option<Mechanism>) -> Vec<Way> {
        let is_wanted = |mechanism: Mechanism| named.is_none_or(|named| named == mechanism);
        let mut ways: Vec<Way> = Mechanism::ALL
            .into_iter()
            .filter(|mechanism| {
                let is_fit = mechanism.material() == material && (mechanism.can_act_as() || !self.acts);
                is_fit && is_wanted(*mechanism) && self.can(*mechanism)
            })
            .map(Way::Sasl)
            .collect();
        if material == Material::Password && is_wanted(Mechanism::Login) && !self.login_disabled && !self.acts
        {
            ways.push(Way::Command);
        }
        ways
    }
}

/// The way after one that was refused before anything had been shown of the password: then it was
/// not the password that was wrong. So it is where the server can't use the binding that we have,
/// or keeps the password in a form that SCRAM can't use.
pub(super) fn after(ways: &[Way], refused: Mechanism, code: Option<&Code>) -> Option<Way> {
    // Who is not known to SCRAM is not known to it without the binding either.
    let is_unknown = matches!(code, Some(Code::AuthenticationFailed));
    let is_scram = |way: &Way| matches!(way, Way::Sasl(mechanism) if mechanism.is_scram());
    let others = || ways.iter().copied().find(|way| !is_scram(way));
    without_binding(ways, refused).filter(|_| !is_unknown).or_else(others)
}

/// The same way without the binding.
pub(super) fn without_binding(ways: &[Way], refused: Mechanism) -> Option<Way> {
    let unbound = Way::Sasl(refused.unbound());
    (refused.is_bound() && ways.contains(&unbound)).then_some(unbound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mechanism::{
        Anonymous, External, Login, OauthBearer, Plain, ScramSha1, ScramSha1Plus, ScramSha256,
        ScramSha256Plus, Xoauth2,
    };

    fn names(names: &str) -> Vec<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    const ALL: &str = "ANONYMOUS LOGIN XOAUTH2 PLAIN EXTERNAL scram-sha-1 CRAM-MD5 SCRAM-SHA-256 OAUTHBEARER \
        SCRAM-SHA-1-PLUS SCRAM-SHA-256-PLUS";

    fn ways(offered: &str, login_disabled: bool, can_bind: bool, material: Material) -> Vec<Way> {
        Offer { mechanisms: &names(offered), login_disabled, can_bind, acts: false }.ways(material, None)
    }

    #[test]
    fn the_strongest_comes_first_and_the_command_last() {
        use Way::{Command, Sasl};
        let password = Material::Password;
        let all = ways(ALL, false, true, password);
        let order = [ScramSha256Plus, ScramSha1Plus, ScramSha256, ScramSha1, Plain, Login].map(Sasl);
        assert_eq!(all, [&order[..], &[Command]].concat());
        assert_eq!(ways(ALL, false, false, password)[0], Sasl(ScramSha256), "nothing to bind to");
        assert_eq!(ways("PLAIN LOGIN", true, true, password), [Sasl(Plain), Sasl(Login)]);
        assert_eq!(ways("XOAUTH2", false, true, password), [Command]);
        assert_eq!(ways("XOAUTH2", true, true, password), []);
        assert_eq!(ways(ALL, false, true, Material::Token), [Sasl(OauthBearer), Sasl(Xoauth2)]);
        assert_eq!(ways("PLAIN", false, true, Material::Token), []);
        assert_eq!(ways(ALL, false, true, Material::Elsewhere), [Sasl(External)]);
        assert_eq!(ways(ALL, false, true, Material::Nothing), [Sasl(Anonymous)]);
    }

    #[test]
    fn what_the_user_names_is_the_only_way() {
        let offered = names(ALL);
        let offer = Offer { mechanisms: &offered, login_disabled: false, can_bind: true, acts: false };
        for mechanism in Mechanism::ALL {
            let ways = offer.ways(mechanism.material(), Some(mechanism));
            let also = (mechanism == Login).then_some(Way::Command);
            assert_eq!(ways, [Some(Way::Sasl(mechanism)), also].into_iter().flatten().collect::<Vec<_>>());
        }
        let none = Offer { mechanisms: &[], ..offer };
        assert_eq!(none.ways(Material::Password, Some(Login)), [Way::Command]);
        assert_eq!(none.ways(Material::Password, Some(Plain)), []);
        assert_eq!(Offer { login_disabled: true, ..none }.ways(Material::Password, Some(Login)), []);
        let unbound = Offer { can_bind: false, ..offer };
        assert_eq!(unbound.ways(Material::Password, Some(ScramSha256Plus)), []);
        assert_eq!(offer.ways(Material::Token, Some(Plain)), [], "a token is no password");
    }

    #[test]
    fn who_acts_as_another_needs_a_mechanism_that_says_so() {
        let offered = names(ALL);
        let offer = Offer { mechanisms: &offered, login_disabled: false, can_bind: true, acts: true };
        let order = [ScramSha256Plus, ScramSha1Plus, ScramSha256, ScramSha1, Plain].map(Way::Sasl);
        assert_eq!(offer.ways(Material::Password, None), order);
        assert_eq!(offer.ways(Material::Token, None), [Way::Sasl(OauthBearer)]);
        assert_eq!(offer.ways(Material::Elsewhere, None), [Way::Sasl(External)]);
        assert_eq!(offer.ways(Material::Nothing, None), []);
        assert_eq!(offer.ways(Material::Password, Some(Login)), []);
        assert_eq!(offer.ways(Material::Token, Some(Xoauth2)), []);
    }

    #[test]
    fn own_ones_are_used_in_their_order_where_they_are_offered() {
        let offered = names(ALL);
        let offer = Offer { mechanisms: &offered, login_disabled: false, can_bind: false, acts: false };
        let own = |names: &[&'static str]| offer.own_ways(names.iter().copied());
        assert_eq!(own(&["GSSAPI", "cram-md5", "PLAIN"]), [Way::Own(1), Way::Own(2)]);
        assert_eq!(own(&["SCRAM-SHA-1-plus", "X", ""]), []);
        let bound = Offer { can_bind: true, ..offer };
        assert_eq!(bound.own_ways(["scram-sha-1-PLUS"].into_iter()), [Way::Own(0)]);
    }

    #[test]
    fn the_downgrade_is_shown_only_where_there_may_be_one() {
        let shows = |offered: &str, can_bind| {
            Offer { mechanisms: &names(offered), login_disabled: false, can_bind, acts: false }
                .shows_downgrade()
        };
        assert!(shows("SCRAM-SHA-256 PLAIN", true));
        assert!(!shows("SCRAM-SHA-256 PLAIN", false));
        assert!(!shows("SCRAM-SHA-256 SCRAM-SHA-256-PLUS", true));
        assert!(!shows("SCRAM-SHA-256 SCRAM-SHA-1-PLUS", true));
    }

    #[test]
    fn after_an_early_refusal_comes_what_may_work() {
        use Way::{Command, Sasl};
        let all = ways(ALL, false, true, Material::Password);
        let failed = Code::AuthenticationFailed;
        assert_eq!(after(&all, ScramSha256Plus, None), Some(Sasl(ScramSha256)));
        assert_eq!(after(&all, ScramSha1Plus, None), Some(Sasl(ScramSha1)));
        assert_eq!(after(&all, ScramSha256Plus, Some(&failed)), Some(Sasl(Plain)));
        assert_eq!(after(&all, ScramSha256, Some(&failed)), Some(Sasl(Plain)));
        assert_eq!(after(&[Sasl(ScramSha1), Command], ScramSha1, None), Some(Command));
        assert_eq!(after(&[Sasl(ScramSha256)], ScramSha256, None), None);
        assert_eq!(after(&[Sasl(ScramSha256Plus)], ScramSha256Plus, None), None, "the user wants it bound");
    }
}
