//! The operating system's limit of open files: each connection is one, and it must not be the first to give.

use crate::config::Config;

/// Files that a hub has open whatever it does: the listener, the log, the runtime's own, a library's.
const ALWAYS: u64 = 32;
/// Of a stream's recorder, or its source.
const PER_STREAM: u64 = 2;
/// Of an upload session: its spool, its artifacts, ffmpeg's pipes.
const PER_UPLOAD: u64 = 8;
/// Of a simulator session: the connections to it.
const PER_SESSION: u64 = 3;

/// Raises the limit as far as it may go, and lowers `server.max_connections` to what it leaves. What is to be said of it.
pub(crate) fn fit(config: &mut Config) -> Option<String> {
    let limit = raised()?;
    let wanted = config.server.max_connections;
    let most = connections_within(limit, config);
    if wanted <= most {
        return None;
    }
    config.server.max_connections = most;
    Some(format!(
        "server.max_connections is {most} instead of {wanted}: only {limit} files may be open (ulimit -n), some of which \
         recordings and sources need; raise that limit"
    ))
}

/// How many connections are left of `limit` open files, at least one.
fn connections_within(limit: u64, config: &Config) -> usize {
    let streams = config.streams.max_concurrent as u64 * PER_STREAM;
    let sessions = config.sessions.max_concurrent as u64 * PER_SESSION;
    let uploads = config.uploads.max_sessions as u64 * PER_UPLOAD;
    // Where files are this few, not all of that happens at once.
    let reserve = (ALWAYS + streams + sessions + uploads).min(limit / 2);
    usize::try_from(limit - reserve).unwrap_or(usize::MAX).max(1)
}

/// The limit of open files, once it is as high as it may be; `None`: there is none.
#[cfg(unix)]
fn raised() -> Option<u64> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "cannot raise the limit of open files");
    }
    getrlimit(Resource::Nofile).current
}

#[cfg(not(unix))]
fn raised() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_sources_and_uploads_have_files_of_their_own() {
        let config = Config::default();
        assert_eq!(connections_within(1024, &config), 1024 - (32 + 50 * 2 + 25 * 3 + 10 * 8));
        assert_eq!(connections_within(100, &config), 50, "never more than half");
        assert_eq!(connections_within(0, &config), 1);
    }
}
