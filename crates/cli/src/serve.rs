//! `framehub serve`: the hub, until a signal stops it.

use std::io::IsTerminal;
use std::time::Instant;

use anyhow::Context;
use server::{
    Server,
    config::{self, Loaded, Override},
    logging,
};
use tokio_util::sync::CancellationToken;

use crate::banner::Banner;
use crate::inputs::InputArgs;
use crate::terminal::{Signals, print};

/// What `serve` takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: InputArgs,
    /// The port to listen on, short for server.port=PORT
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,
    /// The address to listen on, short for server.host=ADDRESS: 0.0.0.0 lets other machines in
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<String>,
    /// A camera, stream or file to open, NAME=URL#options (repeatable): door=http://10.0.0.7/video.mjpg, v4l2:0,
    /// rtsp://…, ws://…, file:…, testsrc:
    #[arg(long = "source", value_name = "SOURCE")]
    pub(crate) sources: Vec<String>,
}

/// What a frame of a typical camera has, for the memory that the hub will need in practice.
const USUAL_FRAME_BYTES: u64 = 100 * 1024;

impl ServeArgs {
    /// What the arguments set; the short forms are said last, and win.
    pub(crate) fn settings(&self) -> Vec<Override> {
        let short = [("server.host", &self.host), ("server.port", &self.port)];
        let short = short.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
        let short = short.map(|(key, value)| Override { key: key.to_owned(), value });
        self.config.overrides.iter().cloned().chain(short).collect()
    }
}

pub(crate) fn run(args: ServeArgs) -> anyhow::Result<()> {
    let arguments = args.settings();
    let inputs = config::Inputs { arguments, sources: args.sources, ..args.config.into() };
    let loaded = config::load(&inputs)?;
    let runtime = server::runtime(loaded.config.server.threads).context("cannot start the runtime")?;
    let patience = loaded.config.server.shutdown;
    let ending_since = runtime.block_on(serve(loaded))?;
    // What still waits for a disk that does not answer is not waited for.
    runtime.shutdown_timeout(patience.saturating_sub(ending_since.elapsed()));
    Ok(())
}

/// Serves until a signal; gives when that came.
async fn serve(loaded: Loaded) -> anyhow::Result<Instant> {
    let config = loaded.config;
    let banner = Banner::of(&config);
    let logging = config.logging.clone();
    let server = Server::bind(config)?;
    let config = server.config();
    let bounds = [config.memory_bound(), config.memory_bound_with(USUAL_FRAME_BYTES)].map(|b| b.to_string());
    let url = server.url();
    let is_terminal = std::io::stdout().is_terminal();
    // A person looks for the address, and not between the lines of the log.
    if is_terminal {
        print(&banner.text(&url, server.address().port()))?;
    }
    let _log = logging::start(&logging)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    let [worst, usual] = &bounds;
    tracing::info!("memory bound: {}", worst.split(": ").next().unwrap_or(worst));
    tracing::debug!("memory bound, its terms: {worst}");
    tracing::debug!("with usual frames: {usual}");
    let shutdown = CancellationToken::new();
    // Before the line that says that the hub is ready: a supervisor may send a signal right after it.
    let signals = Signals::listen().context("cannot listen for signals")?;
    tokio::spawn(stop_on_signal(signals, shutdown.clone()));
    if !is_terminal {
        print(&format!("Framehub is ready: {url}/\n"))?;
    }
    let ending = shutdown.clone().cancelled_owned();
    let ending = tokio::spawn(async move {
        ending.await;
        Instant::now()
    });
    server.run(shutdown).await?;
    tracing::info!("stopped");
    Ok(ending.await?)
}

/// The first SIGINT or SIGTERM stops in order; a second one at once.
async fn stop_on_signal(mut signals: Signals, shutdown: CancellationToken) {
    signals.next().await;
    tracing::info!("stopping: viewers are told that their streams end");
    shutdown.cancel();
    signals.next().await;
    std::process::exit(130);
}
