//! Scopes: the rights that a key may be given.

use std::{fmt, str::FromStr};

/// One right. `Admin` includes the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Watch live streams: a right of links. Keys have it with `View`.
    Live,
    /// Send messages to the simulator of a session: a right of the links that its maker gets. Keys have it with `Publish`.
    Signal,
    /// Watch: live views, snapshots, statistics, recordings.
    View,
    /// Send frames.
    Publish,
    /// Start and stop recordings, save clips.
    Record,
    /// Delete streams and recordings.
    Admin,
}

impl Scope {
    /// Those that a key may be given.
    pub const EVERY: [Self; 4] = [Self::View, Self::Publish, Self::Record, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Signal => "signal",
            Self::View => "view",
            Self::Publish => "publish",
            Self::Record => "record",
            Self::Admin => "admin",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// The right of keys that includes it: in their words, which have neither `live` nor `signal`.
    pub fn of_keys(self) -> Self {
        match self {
            Self::Live => Self::View,
            Self::Signal => Self::Publish,
            own => own,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope: there are view, publish, record and admin")]
pub struct UnknownScope(String);

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let found = Self::EVERY.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or_else(|| UnknownScope(text.chars().take(40).collect()))
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    pub const NONE: Self = Self(0);

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `scope` is in it, by itself or through one that includes it.
    pub fn contain(self, scope: Scope) -> bool {
        self.0 & (scope.bit() | scope.of_keys().bit() | Scope::Admin.bit()) != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn admin_includes_the_rest_and_nothing_else_includes_anything() {
        for own in Scope::EVERY {
            for wanted in Scope::EVERY {
                let contained = Scopes::from_iter([own]).contain(wanted);
                assert_eq!(contained, own == wanted || own == Scope::Admin, "{own} for {wanted}");
            }
        }
        assert!(!Scopes::NONE.contain(Scope::View));
        assert!(Scopes::from_iter([Scope::View]).contain(Scope::Live));
        assert!(!Scopes::from_iter([Scope::Live]).contain(Scope::View));
        assert!(Scopes::from_iter([Scope::Publish]).contain(Scope::Signal));
        assert!(!Scopes::from_iter([Scope::View, Scope::Live]).contain(Scope::Signal));
        assert!(!Scopes::from_iter([Scope::Signal]).contain(Scope::Publish));
        for of_links in ["live", "signal"] {
            assert!(of_links.parse::<Scope>().is_err(), "a key is not given it alone");
        }
    }

    #[test]
    fn scopes_are_written_as_words() {
        for scope in Scope::EVERY {
            assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
        }
        assert!("watch".parse::<Scope>().unwrap_err().to_string().contains("\"watch\" is not a scope"));
    }
}
