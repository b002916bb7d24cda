//! Who may do what. Here are keys and their scopes, patterns of stream names, the signed tokens of links and logins,
//! and how often an address may ask. [`Guard`] turns what a client has sent (a [`Credential`]) into a [`Grant`], and
//! checks the grant against a scope on a stream.
//!
//! Nothing here knows a protocol: how a request carries its credential, which right a route needs and how a refusal
//! is answered is the business of the server that asks.

mod cidr;
mod ending;
mod error;
mod failures;
mod grant;
mod guard;
mod issue;
mod key;
mod key_entries;
mod limits;
mod pattern;
mod scope;
mod secret_file;
pub mod settings;
mod token;

pub use cidr::{Cidr, InvalidCidr, counted_as};
pub use error::Error;
pub use grant::Grant;
pub use guard::{Credential, Guard, Settings};
pub use issue::{Login, Share};
pub use key::{Key, KeyDigest};
pub use limits::Buckets;
pub use pattern::{InvalidPattern, StreamPattern};
pub use scope::{Scope, Scopes, UnknownScope};
pub use secret_file::SecretError;
pub use token::{SigningSecret, share_token};
