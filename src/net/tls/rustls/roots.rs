//! The platform's verifiers, kept from one connection to the next: to make one, most systems read
//! and parse all certificates that they trust, more than a hundred.
//!
//! In: what is trusted beside the system's roots. Out: a verifier that was made not long ago, so
//! that a change of what the system trusts is noticed soon.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::Error;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// How many are kept: most programs need one, for they trust the same everywhere.
const MAX_KEPT: usize = 8;
/// How old one may be.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);

static KEPT: Mutex<Kept<Verifier>> = Mutex::new(Kept(VecDeque::new()));

/// The verifier that trusts the system's roots and these.
pub(super) fn platform_verifier(
    trusted: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<Verifier>, Error> {
    let lock = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(trusted, Instant::now()) {
        return Ok(known);
    }
    // Without the lock: others who connect at the same time need not wait for the disk.
    let made = Verifier::new_with_extra_roots(trusted.iter().cloned(), provider.clone())?;
    Ok(lock().add(trusted, Instant::now(), made))
}

/// Values with what they trust and when they were made, the oldest first.
struct Kept<T>(VecDeque<(Vec<CertificateDer<'static>>, Instant, Arc<T>)>);

impl<T> Kept<T> {
    fn get(&mut self, trusted: &[CertificateDer<'static>], now: Instant) -> Option<Arc<T>> {
        self.0.retain(|(_, made, _)| now.saturating_duration_since(*made) < MAX_AGE);
        let found = self.0.iter().find(|(of, ..)| of == trusted)?;
        Some(found.2.clone())
    }

    fn add(&mut self, trusted: &[CertificateDer<'static>], now: Instant, value: T) -> Arc<T> {
        self.0.retain(|(of, ..)| of != trusted);
        if self.0.len() >= MAX_KEPT {
            self.0.pop_front();
        }
        let value = Arc::new(value);
        self.0.push_back((trusted.to_vec(), now, value.clone()));
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(n: u8) -> CertificateDer<'static> {
        vec![n; 4].into()
    }

    #[test]
    fn one_is_kept_for_a_while_and_for_what_it_trusts_alone() {
        let (mut kept, begin) = (Kept(VecDeque::new()), Instant::now());
        let one = [certificate(1)];
        assert_eq!(kept.get(&one, begin), None);
        let made = kept.add(&one, begin, 1);
        let later = begin + MAX_AGE - Duration::from_secs(1);
        assert!(kept.get(&one, later).is_some_and(|found| Arc::ptr_eq(&found, &made)));
        for other in [&[][..], &[certificate(2)], &[certificate(1), certificate(2)]] {
            assert_eq!(kept.get(other, begin), None);
        }
        assert_eq!(kept.get(&one, begin + MAX_AGE), None, "the system may trust others by now");
        assert!(kept.0.is_empty());
    }

    #[test]
    fn few_are_kept_and_the_oldest_goes() {
        let (mut kept, now) = (Kept(VecDeque::new()), Instant::now());
        for n in 0..20 {
            kept.add(&[certificate(n)], now, n);
            kept.add(&[certificate(n)], now, n);
        }
        assert_eq!(kept.0.len(), MAX_KEPT);
        assert_eq!(kept.get(&[certificate(11)], now), None);
        assert_eq!(kept.get(&[certificate(12)], now).as_deref(), Some(&12));
    }

    #[test]
    fn connections_share_the_system_s() {
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let time = || {
            let begin = Instant::now();
            (platform_verifier(&[], &provider), begin.elapsed())
        };
        // A machine without any certificates has none to share.
        let (Ok(first), loaded) = time() else { return };
        let (again, found) = time();
        assert!(Arc::ptr_eq(&first, &again.expect("as before")), "{loaded:?}, then {found:?}");
    }
}
