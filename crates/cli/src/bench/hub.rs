//! The hub that is measured: one that runs already, or one that this command starts for the occasion and
//! stops again. Also what the hub says about its own use of the machine.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use client::Endpoint;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::record::Folder;
use super::run::Plan;

/// A hub that has not said its address by then will not.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A hub stops its streams at once, and cuts the rest off after its own five seconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);

/// How the first line of `framehub serve` begins; the address follows.
const READY: &str = "Framehub is ready: ";

/// Of the environment only this reaches a hub that we start: a measurement must not depend on keys and
/// settings that happen to be set.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"];

/// Of every hub that is started here: a free port of this machine, and nothing that is not measured.
const SETTINGS: [&str; 5] = [
    "server.host=127.0.0.1",
    "server.port=0",
    "demo.enabled=false",
    "recording.enabled=false",
    "logging.file=none",
];

/// The end of what a hub that failed had to say.
const LONGEST_COMPLAINT_BYTES: usize = 2000;

#[derive(Debug)]
pub(super) struct Hub {
    pub(super) endpoint: Endpoint,
    started: Option<Started>,
}

#[derive(Debug)]
struct Started {
    process: Child,
    _folder: Folder,
}

/// What the hub has used since its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Usage {
    pub(super) cpu_secs: f64,
    pub(super) memory_bytes: f64,
}

impl Hub {
    /// A hub that runs already.
    pub(super) async fn running(endpoint: Endpoint) -> anyhow::Result<Hub> {
        client::http::get_json(&endpoint, "/health").await.context("the hub to measure does not answer")?;
        Ok(Hub { endpoint, started: None })
    }

    /// Starts `framehub serve` with [`SETTINGS`] and these.
    pub(super) async fn start(settings: Vec<String>) -> anyhow::Result<Hub> {
        let program = std::env::current_exe().context("cannot find the program to start the hub from")?;
        // An empty folder: no config.yaml, no .env, and whatever the hub writes goes with it.
        let folder = Folder::make(Some(&std::env::temp_dir()))?;
        let kept = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut process = Command::new(&program)
            .arg("serve")
            .args(SETTINGS)
            .args(settings)
            .current_dir(&folder.path)
            .env_clear()
            .envs(kept)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let address = address_of(&mut process).await;
        let started = Started { process, _folder: folder };
        let endpoint = match address {
            Ok(address) => Endpoint::parse(&address)?,
            Err(error) => {
                started.stop().await;
                return Err(error);
            }
        };
        Ok(Hub { endpoint, started: Some(started) })
    }

    /// Whether this command started it.
    pub(super) fn is_ours(&self) -> bool {
        self.started.is_some()
    }

    /// What it has used so far; `None` where it does not show it.
    pub(super) async fn usage(&self) -> Option<Usage> {
        let metrics = client::http::get_text(&self.endpoint, "/metrics").await.ok()?;
        usage_in(&metrics)
    }

    /// Stops it if it is ours.
    pub(super) async fn stop(self) {
        if let Some(started) = self.started {
            started.stop().await;
        }
    }
}

impl Started {
    async fn stop(mut self) {
        #[cfg(unix)]
        if let Some(pid) = self.process.id().and_then(|id| rustix::process::Pid::from_raw(id as i32)) {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        if timeout(STOP_TIMEOUT, self.process.wait()).await.is_err() {
            let _ = self.process.kill().await;
        }
    }
}

/// Limits that fit the plan.
pub(super) fn settings(plan: &Plan) -> Vec<String> {
    // Room for those who come back after a lost connection, for /metrics, and for the default stream.
    let connections = plan.viewers * 2 + plan.streams * 2 + 64;
    let frame_mb = (plan.frame_bytes as f64 / 1e6 * 2.0).clamp(10.0, 100.0);
    vec![
        format!("server.max_connections={connections}"),
        format!("server.max_frame_size_mb={frame_mb}"),
        format!("streams.max_concurrent={}", plan.streams + 8),
        "viewers.stream_fps=0".to_owned(),
        format!("viewers.max_per_stream={}", plan.viewers.max(1) * 2),
    ]
}

/// Waits for the line that says where the hub listens, then keeps reading what it says, so that it never
/// waits for us.
async fn address_of(process: &mut Child) -> anyhow::Result<String> {
    let (Some(stdout), Some(mut stderr)) = (process.stdout.take(), process.stderr.take()) else {
        bail!("the hub was started without its output");
    };
    let mut lines = BufReader::new(stdout).lines();
    let complaint = tokio::spawn(async move {
        let mut tail = Vec::new();
        let mut piece = [0; 4096];
        while let Ok(bytes @ 1..) = stderr.read(&mut piece).await {
            tail.extend_from_slice(&piece[..bytes]);
            let excess = tail.len().saturating_sub(LONGEST_COMPLAINT_BYTES);
            tail.drain(..excess);
        }
        String::from_utf8_lossy(&tail).trim().to_owned()
    });
    let found = timeout(START_TIMEOUT, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = line.strip_prefix(READY) {
                return Some(address.trim().to_owned());
            }
        }
        None
    });
    match found.await {
        Ok(Some(address)) => {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            Ok(address)
        }
        Ok(None) => bail!("the hub did not start:\n{}", complaint.await.unwrap_or_default()),
        Err(_) => bail!("the hub did not say its address within {START_TIMEOUT:?}"),
    }
}

/// Picks the process's figures out of a metrics page (Prometheus text format).
fn usage_in(metrics: &str) -> Option<Usage> {
    let value = |name: &str| {
        let rest = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix([' ', '{']))?;
        // A timestamp may follow the value, labels may stand before it.
        let rest = rest.rsplit_once('}').map_or(rest, |(_, after)| after);
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some(Usage {
        cpu_secs: value("process_cpu_seconds_total")?,
        memory_bytes: value("process_resident_memory_bytes")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_a_metrics_page() {
        let page = "# HELP process_cpu_seconds_total Total\n# TYPE process_cpu_seconds_total counter\n\
            process_cpu_seconds_total 12.5\nprocess_resident_memory_bytes{node=\"a b\"} 1.5e+07 1700000000\n";
        assert_eq!(usage_in(page), Some(Usage { cpu_secs: 12.5, memory_bytes: 1.5e7 }));
        assert_eq!(usage_in("process_cpu_seconds_total_x 1\n"), None);
        assert_eq!(usage_in(""), None);
    }
}
