//! `framehub serve`: the hub, until a signal stops it.

use std::io::IsTerminal;

use anyhow::Context;
use server::{
    Server,
    config::{self, Config},
    logging,
};
use tokio_util::sync::CancellationToken;

use crate::inputs::InputArgs;
use crate::terminal::{Signals, print};

/// What `serve` takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: InputArgs,
    /// A camera, stream or file to open, NAME=URL#options (repeatable): door=http://10.0.0.7/video.mjpg, v4l2:0,
    /// rtsp://…, ws://…, file:…, testsrc:
    #[arg(long = "source", value_name = "SOURCE")]
    pub(crate) sources: Vec<String>,
}

/// What a frame of a typical camera has, for the memory that the hub will need in practice.
const USUAL_FRAME_BYTES: u64 = 100 * 1024;

pub(crate) fn run(args: ServeArgs) -> anyhow::Result<()> {
    let mut inputs = config::Inputs::from(args.config);
    inputs.sources = args.sources;
    let loaded = config::load(&inputs)?;
    let _log = logging::start(&loaded.config.logging)?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    raise_open_files();
    let runtime = server::runtime(loaded.config.server.threads).context("cannot start the runtime")?;
    runtime.block_on(serve(loaded.config))
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let bounds = [config.memory_bound(), config.memory_bound_with(USUAL_FRAME_BYTES)];
    let server = Server::bind(config)?;
    let url = server.url();
    tracing::info!("memory bound: {}", bounds[0]);
    tracing::info!("with usual frames: {}", bounds[1]);
    let shutdown = CancellationToken::new();
    // Before the line that says that the hub is ready: a supervisor may send a signal right after it.
    let signals = Signals::listen().context("cannot listen for signals")?;
    tokio::spawn(stop_on_signal(signals, shutdown.clone()));
    print(&format!("Framehub is ready: {url}/\n"))?;
    if std::io::stdout().is_terminal() {
        print(&hints(&url))?;
    }
    server.run(shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

fn hints(url: &str) -> String {
    format!(
        "  watch    open the page above in a browser\n  \
         publish  curl -F frame=@picture.jpg {url}/publish/camera1\n  \
         stop     Ctrl-C\n"
    )
}

/// The first SIGINT or SIGTERM stops in order; a second one at once.
async fn stop_on_signal(mut signals: Signals, shutdown: CancellationToken) {
    signals.next().await;
    tracing::info!("stopping: viewers are told that their streams end");
    shutdown.cancel();
    signals.next().await;
    std::process::exit(130);
}

/// Each viewer is an open file; the usual soft limit of 1024 would be the first to give.
fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!(%error, "cannot raise the limit of open files");
        }
    }
}
