//! Sources that the hub opens by itself: cameras, RTSP, MJPEG and WebSocket upstreams, files, commands, a test picture.
//!
//! What belongs here: opening and reading them, one file a kind of source ([`Kind`]), one enum and one `match`; a source
//! is an async function that ends by being dropped. What does not: the way of a picture into its stream and what is
//! counted on it (`ingest::pull`), routes, configuration files.
//!
//! Two ways to run a source:
//! - [`Sources`] keeps any number of them going for as long as the hub lives: opened on demand, tried again.
//! - [`Playback`] plays one once, to its end: [`Spec::of_argument`] reads what a command line names (a path, `-`, a URL),
//!   [`Playback::open`] finds mistakes, [`Playback::run`] ends with the reason, and the pictures are those of
//!   [`Playback::stream`].
//!
//! ```no_run
//! # async fn example(hub: hub::Hub, admission: ingest::Admission) -> Result<(), Box<dyn std::error::Error>> {
//! use hub::{Class, Rule, Start};
//!
//! let spec = sources::Spec::of_argument("talk".parse()?, "talk.mp4");
//! let playback = sources::Playback::open(&hub, spec, &admission).await?;
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
//! - **SO1** One source, one capture, and at most one encode a picture, whatever the number of viewers.
//! - **SO2** A source that is `on_demand` is closed some seconds after its last viewer has left.
//! - **SO3** Every wait has a limit; a source without pictures is opened anew, with growing waits in between.
//! - **SO4** No picture can end a source: what cannot be used is counted and skipped, and a flood is thinned out.
//! - **SO5** No secret of a URL or a command is ever shown.

mod blocking;
mod error;
mod kinds;
pub mod play;
mod playback;
pub mod settings;
mod spec;
mod supervisor;

pub use error::Error;
pub use playback::{OpenError, Playback};
pub use spec::{Kind, Spec, SpecError, Transport};
pub use supervisor::Sources;
