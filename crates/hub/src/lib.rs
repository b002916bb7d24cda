//! Named streams of frames: the ring, its publishers and its subscribers.
//!
//! Here lives everything that decides *who gets which frame*. Nothing here reads bytes of a picture, opens a
//! socket, logs, sleeps or knows a runtime: futures are hand-written over `std::task`, and the time is passed in.
//!
//! # Invariants
//! **Frame** — F1 a frame never changes after `publish`. F2 its payload owns its own bytes, never a slice of a
//! larger read buffer. F3 `seq` is given by the stream, from 1, without holes; the publisher's own number travels
//! beside it. F4 three times of three types, never compared with one another: received (monotonic, ours), wall
//! (ours, for people), captured (theirs, may lie: what cannot be true is left out). F5 the format says all that is
//! needed to read the payload.
//!
//! **Ring** — R1 bounded by count and by bytes; the newest frame is always kept. R2 under the lock a frame gets its
//! number, is pushed, evicts and is counted; nothing is copied, awaited, logged or called back, and evicted frames
//! are freed after unlocking. R3 one row per subscriber lives in the ring: taking a frame and registering a waker are one
//! step under one lock, so no wake-up can be lost; wakers are called after unlocking. R4 two reading rules,
//! [`Rule::Latest`] and [`Rule::InOrder`]; taken + skipped = published since the reader came, always.
//!
//! **Publisher** — P1 `publish` is synchronous and no reader can slow it. P2 dropping the last publisher does not
//! end a stream: a restarting robot finds its viewers still there. P3 one-shot publishers share a stream,
//! connections claim it, and taking over is explicit ([`Claim`]).
//!
//! **Subscriber** — S1 `recv` is cancel-safe. S2 it holds no frame between calls. S3 dropping it is unsubscribing.
//! S4 its class is viewer or service: only viewers are counted as viewers, both keep demand alive.
//!
//! **Derived** — D1 a derived stream's frames keep the number, times and metadata of the frames that they are made of,
//! so its numbers grow but may have holes. D2 its viewers count as its parent's, in the limit and in the demand. D3 it
//! ends with its [`Derived`], and keeps no name.
//!
//! **Hub** — H1 a name is checked once, when text becomes a [`StreamName`]. H2 an epoch distinguishes a re-created stream
//! from the old one. H3 locks are taken in the order hub, stream, and never across an await. H4 counters live
//! here, so every protocol has them. H5 memory is bounded by arithmetic over [`Limits`].

mod capture;
mod demand;
mod derived;
mod error;
mod frame;
mod hub;
mod name;
mod publisher;
mod rate;
mod ring;
mod stats;
mod stream;
mod subscriber;
mod sync;
mod want;

pub use demand::Demand;
pub use derived::Derived;
pub use error::{ClaimError, Closed, PublishError, SubscribeError};
pub use frame::{CaptureTime, Codec, Format, Frame, Moment, NewFrame};
pub use hub::{Changes, Hub, Limits};
pub use name::{InvalidName, StreamName};
pub use publisher::{Claim, Publisher, STALE_CLAIM};
pub use ring::{Class, Delivery, RingLimits, Rule, Start};
pub use stats::{HubStats, StreamStats, Totals};
pub use stream::Stream;
pub use subscriber::Subscriber;
pub use want::Want;
