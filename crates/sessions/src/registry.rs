//! The table of sessions: made, found again by their robot, ended when they are idle. A plain state machine: the time is
//! passed in, and running a session is the caller's business.

use std::{collections::BTreeMap, time::Duration};

use hub::{Moment, StreamName};

/// Most characters of a text in a request.
const MAX_TEXT: usize = 256;

/// What a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateRequest {
    pub user_id: Option<String>,
    pub robot_name: Option<String>,
    /// A live session of this robot is used again.
    pub robot_id: Option<String>,
    /// The name of a simulator; without it the robot's name is looked for.
    pub simulator: Option<String>,
}

/// Why a session cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    #[error("{field} has more than {MAX_TEXT} characters")]
    TextTooLong { field: &'static str },
    #[error(
        "robotId is {robot_id:?}: it becomes part of a stream's name, so it is 1 to {} letters, digits, '_' or '-'",
        LONGEST_ROBOT_ID
    )]
    BadRobotId { robot_id: String },
    #[error(
        "session limit reached ({limit} sessions): destroy one, wait for an idle one to end, or raise sessions.max_concurrent"
    )]
    SessionLimit { limit: usize },
    #[error("this machine gives no random numbers for the session's id")]
    NoRandomness,
    #[error(transparent)]
    Stream(#[from] hub::ClaimError),
}

/// What stands around it takes 20 characters until the year 2286.
const LONGEST_ROBOT_ID: usize = StreamName::MAX_LEN - "robot__0123456789012".len();

impl CreateError {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TextTooLong { .. } => "TEXT_TOO_LONG",
            Self::BadRobotId { .. } => "BAD_ROBOT_ID",
            Self::SessionLimit { .. } => "SESSION_LIMIT",
            Self::NoRandomness => "INTERNAL",
            Self::Stream(error) => error.code(),
        }
    }
}

impl CreateRequest {
    fn check(&self) -> Result<(), CreateError> {
        let texts =
            [("userId", &self.user_id), ("robotName", &self.robot_name), ("simulator", &self.simulator)];
        for (field, text) in texts {
            if text.as_ref().is_some_and(|text| text.chars().count() > MAX_TEXT) {
                return Err(CreateError::TextTooLong { field });
            }
        }
        match &self.robot_id {
            Some(id) if id.is_empty() || id.len() > LONGEST_ROBOT_ID || id.parse::<StreamName>().is_err() => {
                Err(CreateError::BadRobotId { robot_id: id.chars().take(80).collect() })
            }
            _ => Ok(()),
        }
    }

    /// A name for a new session (`robot_<robotId>_<unix ms>`, `stream_<unix ms>_<9 random base36>`).
    ///
    /// # Errors
    /// Texts that are too long, and a robot's id that no stream's name can hold.
    pub(crate) fn new_id(&self, now: Moment, random: u64) -> Result<StreamName, CreateError> {
        self.check()?;
        let since = now.wall.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        let millis = since.as_millis();
        let id = match &self.robot_id {
            Some(robot) => format!("robot_{robot}_{millis}"),
            None => format!("stream_{millis}_{}", base36(random)),
        };
        id.parse()
            .map_err(|_| CreateError::BadRobotId { robot_id: self.robot_id.clone().unwrap_or_default() })
    }
}

/// A session, with the `T` that runs it.
#[derive(Debug, Clone)]
pub(crate) struct Entry<T> {
    pub(crate) request: CreateRequest,
    pub(crate) created: Moment,
    /// How many requests it has answered and are not taken back: each has a client of its own behind it.
    holders: usize,
    /// It has viewers, so it is not idle.
    is_wanted: bool,
    last_activity: Moment,
    pub(crate) running: T,
}

impl<T> Entry<T> {
    /// When something last happened.
    pub(crate) fn last_activity(&self, now: Moment) -> Moment {
        if self.is_wanted { now } else { self.last_activity }
    }
}

/// A session that a client has given back.
#[derive(Debug)]
pub(crate) enum Returned<T> {
    /// Others have it still.
    Shared {
        holders: usize,
    },
    Last(Entry<T>),
}

#[derive(Debug)]
pub(crate) struct Registry<T> {
    limit: usize,
    pub(crate) sessions: BTreeMap<StreamName, Entry<T>>,
}

impl<T> Registry<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, sessions: BTreeMap::new() }
    }

    /// The live session of the requested robot.
    pub(crate) fn of_robot(&self, request: &CreateRequest) -> Option<StreamName> {
        let robot = request.robot_id.as_ref()?;
        let of_it = |entry: &Entry<T>| entry.request.robot_id.as_ref() == Some(robot);
        self.sessions.iter().find(|(_, entry)| of_it(entry)).map(|(id, _)| id.clone())
    }

    /// # Errors
    /// There is no room for another session.
    pub(crate) fn check_room(&self) -> Result<(), CreateError> {
        if self.sessions.len() < self.limit {
            Ok(())
        } else {
            Err(CreateError::SessionLimit { limit: self.limit })
        }
    }

    pub(crate) fn insert(&mut self, id: StreamName, request: CreateRequest, now: Moment, running: T) {
        let entry =
            Entry { request, created: now, holders: 1, is_wanted: false, last_activity: now, running };
        self.sessions.insert(id, entry);
    }

    /// One more client has the session.
    pub(crate) fn share(&mut self, id: &StreamName, now: Moment) {
        if let Some(entry) = self.sessions.get_mut(id) {
            entry.holders += 1;
            entry.last_activity = now;
        }
    }

    /// One client gives the session back; the last one's goes with it. `None`: there is no such session.
    pub(crate) fn give_back(&mut self, id: &StreamName) -> Option<Returned<T>> {
        let entry = self.sessions.get_mut(id)?;
        entry.holders -= 1;
        if entry.holders > 0 {
            return Some(Returned::Shared { holders: entry.holders });
        }
        self.sessions.remove(id).map(Returned::Last)
    }

    /// The first viewer has come, or the last has left.
    pub(crate) fn set_wanted(&mut self, id: &StreamName, is_wanted: bool, now: Moment) {
        if let Some(entry) = self.sessions.get_mut(id) {
            entry.is_wanted = is_wanted;
            entry.last_activity = now;
        }
    }

    /// Those in which nothing has happened for `timeout`.
    pub(crate) fn idle(&self, timeout: Duration, now: Moment) -> Vec<StreamName> {
        let idle_for = |entry: &Entry<T>| now.mono.saturating_duration_since(entry.last_activity(now).mono);
        let idle = self.sessions.iter().filter(|(_, entry)| idle_for(entry) >= timeout);
        idle.map(|(id, _)| id.clone()).collect()
    }
}

/// Nine digits, of 47 bits.
fn base36(random: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let digit = |place: u32| char::from(DIGITS[(random / 36_u64.pow(place) % 36) as usize]);
    (0..9).map(digit).collect()
}

#[cfg(test)]
mod tests;
