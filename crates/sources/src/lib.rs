//! Sources that the hub opens by itself: cameras, RTSP, MJPEG and WebSocket upstreams, files, commands, a test picture.
//!
//! What belongs here: dialling out, and everything between a device's bytes and a frame in the hub. What does not:
//! who watches (the hub says only whether anybody does), routes, configuration files. One file a kind of source
//! ([`Kind`]), one enum and one `match`; a source is an async function that ends by being dropped. Sources that clients
//! ask for at run time, and speak to, are [`simulators`]' sessions.
//!
//! Two ways to run a source:
//! - [`Sources`] keeps any number of them going for as long as the hub lives: opened on demand, tried again.
//! - [`Playback`] plays one once, to its end: [`Spec::of_argument`] reads what a command line names (a path, `-`, a URL),
//!   [`Playback::open`] finds mistakes, [`Playback::run`] ends with the reason, and the pictures are those of
//!   [`Playback::stream`].
//!
//! ```no_run
//! # async fn example(hub: hub::Hub, settings: sources::Settings) -> Result<(), Box<dyn std::error::Error>> {
//! use hub::{Class, Rule, Start};
//!
//! let spec = sources::Spec::of_argument("talk".parse()?, "talk.mp4");
//! let playback = sources::Playback::open(&hub, spec, settings).await?;
//! let mut pictures = playback.stream().subscribe(Rule::Latest, Class::Service, Start::Newest)?;
//! tokio::select! {
//!     end = playback.run() => end?,
//!     picture = pictures.recv() => drop(picture?),
//! }
//! println!("{:?} played, {} left out", playback.length(), playback.report().late);
//! # Ok(())
//! # }
//! ```
//!
//! Invariants:
//! - **SO1** One source, one capture, one encode at most a picture, however many watch.
//! - **SO2** Nothing is open while nobody reads the stream of a source that is `on_demand`, but for a few seconds.
//! - **SO3** Every wait has a limit; a source without pictures is opened anew, with growing waits in between.
//! - **SO4** No picture can end a source: what cannot be used is counted and skipped, and a flood is thinned out.
//! - **SO5** No secret of a URL or a command is ever shown.

mod backoff;
mod error;
mod ingest;
mod kinds;
mod pace;
pub mod play;
mod playback;
pub mod simulators;
mod spec;
mod state;
mod supervisor;

pub use error::Error;
pub use ingest::Settings;
pub use playback::{OpenError, Playback};
pub use simulators::Simulators;
pub use spec::{Kind, Spec, SpecError, Transport, redacted};
pub use state::{Report, State};
pub use supervisor::Sources;
