//! SASL mechanisms, by rsasl, as exchanges that AUTHENTICATE can run.

use rsasl::prelude::{Mechname, SASLClient, SASLConfig, Session, State};
use zeroize::Zeroizing;

use crate::command::{Exchange, Secret};
use crate::error::{Error, ErrorKind, Result};

/// An exchange run by rsasl.
struct Running {
    mechanism: String,
    session: Session,
    finished: bool,
    secret: Secret,
}

/// PLAIN (RFC 4616): user and password as they are.
pub(super) fn plain(user: &str, password: &Secret) -> Result<impl Exchange + use<>> {
    let failed =
        |e: &dyn std::fmt::Display| Error::new(ErrorKind::Login, format!("PLAIN can't be used: {e}"));
    let config = SASLConfig::with_credentials(None, user.to_owned(), password.expose().to_owned())
        .map_err(|e| failed(&e))?;
    let offered = [Mechname::parse(b"PLAIN").map_err(|e| failed(&e))?];
    let session = SASLClient::new(config).start_suggested(&offered).map_err(|e| failed(&e))?;
    Ok(Running { mechanism: "PLAIN".into(), session, finished: false, secret: password.clone() })
}

impl Exchange for Running {
    fn mechanism(&self) -> &str {
        &self.mechanism
    }

    fn is_client_first(&self) -> bool {
        self.session.are_we_first()
    }

    fn secret(&self) -> &Secret {
        &self.secret
    }

    fn is_over(&self) -> bool {
        self.finished
    }

    fn step(&mut self, challenge: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>> {
        if self.finished {
            return Err(Error::protocol("the server sent a challenge after the exchange had ended"));
        }
        let mut answer = Zeroizing::new(Vec::new());
        // rsasl's errors contain no secrets: they name the property that was missing or malformed.
        let state = self
            .session
            .step(challenge, &mut *answer)
            .map_err(|e| Error::new(ErrorKind::Login, format!("{} failed: {e}", self.mechanism)))?;
        self.finished = matches!(state, State::Finished(_));
        Ok(answer)
    }
}
