//! What happens between a program and its server: dials that fail, throttling, passwords that
//! change, peers that say nothing any more, stores that fail.

use imap_duplex::Error;
use imap_duplex::types::Code;

use super::programs::Failure;
use super::{Model, Random};

/// How the next write fails, if it does.
pub(super) fn failure(random: &mut Random) -> Option<Failure> {
    let all = [Failure::Before, Failure::Between, Failure::After];
    if random.below(10) == 0 { random.one_of(&all) } else { None }
}

/// Whether a program is given this error because its store has failed.
pub(super) fn is_of_store(error: &Error) -> bool {
    error.to_string().contains("could not be stored")
}

impl Model {
    /// Something between program and server goes wrong. Whether the program may get errors, until
    /// there are other credentials.
    pub(super) fn fault(&mut self) -> bool {
        let server = self.world.server.clone();
        match self.random.below(6) {
            0 => {
                let dials = 1 + self.random.below(4);
                self.note(format!("the server is away for {dials} dials"));
                self.world.be_away(dials);
                server.disconnect(true);
            }
            kind @ (1 | 2) => {
                let (what, times) = match kind {
                    1 => ("Request is throttled. Suggested Backoff Time: 90000 milliseconds", 1),
                    _ => ("too many of you", 1 + self.random.below(3)),
                };
                self.note(format!("logins are refused {times} times: {what}"));
                for command in ["AUTHENTICATE", "LOGIN"] {
                    server.on(command).no_with(Code::Unavailable, what).times(times);
                }
                server.disconnect(false);
            }
            3 => {
                let number = self.number();
                self.note("the password is another one, and the provider knows it if it is asked again");
                self.password(number, "expired");
            }
            4 => {
                let number = self.number();
                self.note("the password is another one, and the provider does not know it");
                self.password(number, "expired");
                self.provider.has("expired", "wrong as well");
                return true;
            }
            _ => {
                let is_known = self.random.below(2) == 0;
                self.note(format!("all connections hang, and the network has changed: {is_known}"));
                self.world.hang();
                if is_known {
                    self.account().network_changed();
                }
            }
        }
        false
    }

    fn password(&mut self, number: u32, at_hand: &str) {
        self.current_password = format!("password {number}");
        self.world.server.set_password(self.current_password.as_str());
        self.provider.has(at_hand, &self.current_password);
        self.world.server.disconnect(true);
    }

    /// The user has logged in at the provider again.
    pub(super) fn log_in(&mut self) {
        self.note("the provider has the password");
        self.provider.has(&self.current_password, &self.current_password);
        self.account().credentials_changed();
    }
}
