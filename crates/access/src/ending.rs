//! When rights end: at a time, or with the login that they come from.

use std::{collections::BTreeSet, sync::Arc, time::SystemTime};

use net::Lock;
use tokio::sync::Notify;

use crate::{
    key::time_left,
    token::{LoginId, unix_secs},
};

/// Logins that were ended before their time are remembered until then, but no more than these.
const REMEMBERED: usize = 4096;

/// When rights end. Without either, they last as long as the hub.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending {
    pub(crate) until: Option<SystemTime>,
    pub(crate) login: Option<(LoginId, Arc<Logouts>)>,
}

/// Why rights have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Expired,
    LoggedOut,
}

impl Ending {
    pub(crate) fn is_never(&self) -> bool {
        self.until.is_none() && self.login.is_none()
    }

    /// Waits for it. Cancel-safe.
    pub(crate) async fn reached(&self) -> Ended {
        let expired = async {
            match self.until {
                Some(until) => tokio::time::sleep(time_left(SystemTime::now(), until)).await,
                None => std::future::pending().await,
            }
        };
        let logged_out = async {
            match &self.login {
                Some((login, logouts)) => logouts.wait_for(login).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = expired => Ended::Expired,
            () = logged_out => Ended::LoggedOut,
        }
    }
}

/// The logins that were ended before their time.
#[derive(Debug, Default)]
pub(crate) struct Logouts {
    /// Nothing awaits under the lock.
    known: Lock<Known>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// The first is the one that would have expired first.
    ended: BTreeSet<LoginId>,
    /// Logins that expire by then count as ended: for one of them there was no room any more.
    all_until: u64,
}

impl Logouts {
    /// Ends a login, and everything that was begun with it.
    pub(crate) fn end(&self, login: LoginId, now: SystemTime) {
        let mut known = self.known.lock();
        let now = unix_secs(now);
        known.ended.retain(|login| login.until > now);
        known.ended.insert(login);
        if known.ended.len() > REMEMBERED
            && let Some(first) = known.ended.pop_first()
        {
            // Forgetting it would let it in again: rather, people log in anew.
            known.all_until = first.until;
        }
        drop(known);
        self.news.notify_waiters();
    }

    pub(crate) fn have_ended(&self, login: &LoginId) -> bool {
        let known = self.known.lock();
        login.until <= known.all_until || known.ended.contains(login)
    }

    async fn wait_for(&self, login: &LoginId) {
        loop {
            let news = self.news.notified();
            if self.have_ended(login) {
                return;
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::key::Fingerprint;

    fn login(until: u64, nonce: u64) -> LoginId {
        LoginId { until, key: Fingerprint(1), nonce }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_logout_hears_of_it() {
        let logouts = Arc::new(Logouts::default());
        let (own, other) = (login(9, 1), login(9, 2));
        let ending = Ending { until: None, login: Some((own, Arc::clone(&logouts))) };
        let waiting = tokio::spawn(async move { ending.reached().await });
        tokio::task::yield_now().await;
        logouts.end(other, SystemTime::UNIX_EPOCH);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "another's logout is none of its own");
        logouts.end(own, SystemTime::UNIX_EPOCH);
        assert_eq!(waiting.await.unwrap(), Ended::LoggedOut);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_no_ended_login_comes_back() {
        let logouts = Logouts::default();
        let ended: Vec<LoginId> = (0..REMEMBERED as u64 + 10).map(|n| login(1000 + n, n)).collect();
        for login in &ended {
            logouts.end(*login, SystemTime::UNIX_EPOCH);
        }
        assert_eq!(logouts.known.lock().ended.len(), REMEMBERED);
        assert!(ended.iter().all(|login| logouts.have_ended(login)));
        assert!(!logouts.have_ended(&login(1_000_000, 0)), "newer logins stay");
        logouts.end(login(1_000_000, 0), SystemTime::UNIX_EPOCH + Duration::from_secs(999_999));
        assert_eq!(logouts.known.lock().ended.len(), 1, "what would have expired anyway is forgotten");
    }
}
