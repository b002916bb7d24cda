//! Refusals: what was missing or wrong, and how to mend it, each with a stable code for programs.

use std::time::Duration;

use hub::StreamName;

use crate::Scope;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("an API key is needed")]
    KeyRequired,
    /// A key is needed even though everything else is open, and none is configured.
    #[error(
        "an API key is always needed here, and none is set: set API_KEYS (auth.api_keys) or auth.keys of the hub"
    )]
    NoKeyToSend,
    #[error("the API key is not known here: check it against auth.keys and API_KEYS of the hub")]
    KeyUnknown,
    #[error("the API key has expired: ask for a new one, or give it a later date in auth.keys of the hub")]
    KeyExpired,
    #[error("too many wrong API keys came from this address: wait, then send the right one")]
    TooManyWrongKeys { wait: Duration },
    #[error("the link's token is not one of this hub's: ask for a new link")]
    LinkInvalid,
    #[error("the link has expired: ask for a new one")]
    LinkExpired,
    #[error("the page has been open for too long: load it again")]
    TicketExpired,
    #[error("{holder} has no right to {scope}{}: use a key that has it there (auth.keys of the hub)", on(.stream.as_ref()))]
    Forbidden { holder: String, scope: Scope, stream: Option<StreamName> },
    #[error("a link cannot make another link: use the key that it was made with")]
    LinkFromLink,
    #[error(
        "a link needs no token here: without any key everything is open to everyone who knows its address"
    )]
    NoKeys,
    #[error("the hub cannot sign: see auth.secret")]
    CannotSign,
}

fn on(stream: Option<&StreamName>) -> String {
    stream.map_or(String::new(), |name| format!(" on the stream '{name}'"))
}

impl Error {
    pub fn code(&self) -> &'static str {
        match self {
            Self::KeyRequired | Self::NoKeyToSend => "API_KEY_REQUIRED",
            Self::KeyUnknown => "API_KEY_UNKNOWN",
            Self::KeyExpired => "API_KEY_EXPIRED",
            Self::TooManyWrongKeys { .. } => "TOO_MANY_WRONG_KEYS",
            Self::LinkInvalid => "LINK_INVALID",
            Self::LinkExpired => "LINK_EXPIRED",
            Self::TicketExpired => "TICKET_EXPIRED",
            Self::Forbidden { .. } | Self::LinkFromLink => "FORBIDDEN",
            Self::NoKeys => "NO_KEYS",
            Self::CannotSign => "INTERNAL",
        }
    }
}
