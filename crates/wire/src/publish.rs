//! The texts of a WebSocket publisher: metadata before a frame; and of the hub to it: acknowledgements, demand.
//!
//! A text message is a JSON object about the next binary message. Two of its members mean something to the hub: when
//! the picture was taken, and the publisher's own number for it. All others travel with the frame as they came.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::json;

/// Bytes of a frame's metadata after blanks are taken out: it travels with every frame to every viewer.
pub const MAX_METADATA_BYTES: usize = 4096;

/// Bytes of the message before that.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// How deep arrays and objects may stand in each other: readers in other languages recurse.
pub const MAX_DEPTH: usize = 32;

/// What a publisher sends about its next frame.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// `timestamp`: when the picture was taken, Unix seconds, finite, not negative.
    pub captured: Option<f64>,
    /// `seq`, or else `frame_number`: the publisher's own count.
    pub seq: Option<u64>,
    /// The other members, one JSON object without blanks, in the order and the spelling in which they came; `None` if
    /// there are none.
    pub rest: Option<Arc<str>>,
}

/// Why a text message is no metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "the text message is no JSON object: {reason}; a text message is the metadata of the next binary one"
    )]
    NotAnObject { reason: String },
    #[error("the metadata has {bytes} bytes; at most {limit} travel with a frame")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the metadata nests arrays and objects deeper than {MAX_DEPTH}")]
    TooDeep,
}

impl Error {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnObject { .. } => "BAD_METADATA",
            Self::TooLarge { .. } => "METADATA_TOO_LARGE",
            Self::TooDeep => "METADATA_TOO_DEEP",
        }
    }
}

impl Metadata {
    /// Reads a text message, [mended](json::mended). A time or number that is none is passed over: the picture is
    /// worth more than its label.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(Error::TooLarge { bytes: text.len(), limit: MAX_MESSAGE_BYTES });
        }
        let text = json::mended(text);
        let Members(members) =
            serde_json::from_str(&text).map_err(|error| Error::NotAnObject { reason: error.to_string() })?;
        let mut metadata = Self::default();
        let mut frame_number = None;
        let mut rest = String::new();
        for (key, value) in members {
            match key.as_ref() {
                "timestamp" => metadata.captured = timestamp(value),
                "seq" => metadata.seq = number(value),
                "frame_number" => frame_number = number(value),
                _ => append_member(&mut rest, &key, value)?,
            }
        }
        metadata.seq = metadata.seq.or(frame_number);
        if !rest.is_empty() {
            rest.push('}');
            if rest.len() > MAX_METADATA_BYTES {
                return Err(Error::TooLarge { bytes: rest.len(), limit: MAX_METADATA_BYTES });
            }
            metadata.rest = Some(Arc::from(rest));
        }
        Ok(metadata)
    }

    /// The text message; what [`parse`](Self::parse) gave comes out the same.
    pub fn to_json(&self) -> String {
        let mut text = String::from("{");
        let mut member = |key: &str, value: &str| {
            let comma = if text.len() > 1 { "," } else { "" };
            text.push_str(&format!("{comma}\"{key}\":{value}"));
        };
        if let Some(captured) = self.captured.filter(|it| it.is_finite()) {
            member("timestamp", &json::text(&captured));
        }
        if let Some(seq) = self.seq {
            member("seq", &json::text(&seq));
        }
        let rest = self.rest.as_deref().and_then(|rest| rest.strip_prefix('{')).unwrap_or("}");
        if text.len() > 1 && rest != "}" {
            text.push(',');
        }
        text.push_str(rest);
        text
    }
}

/// Valid JSON in ASCII alone, for a header: what lies beyond stands only in strings, where it may be escaped.
pub fn in_ascii(json: &str) -> Cow<'_, str> {
    let fits = |char: &char| char.is_ascii() && *char != '\x7f';
    if json.chars().all(|char| fits(&char)) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(2 * json.len());
    for char in json.chars() {
        if fits(&char) {
            text.push(char);
            continue;
        }
        for unit in char.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Cow::Owned(text)
}

fn timestamp(value: &RawValue) -> Option<f64> {
    serde_json::from_str::<f64>(value.get()).ok().filter(|secs| secs.is_finite() && *secs >= 0.0)
}

fn number(value: &RawValue) -> Option<u64> {
    serde_json::from_str(value.get()).ok()
}

fn append_member(rest: &mut String, key: &str, value: &RawValue) -> Result<(), Error> {
    rest.push(if rest.is_empty() { '{' } else { ',' });
    rest.push_str(&json::text(&key));
    rest.push(':');
    append_compact(rest, value.get())
}

/// Copies valid JSON without the blanks between its tokens.
fn append_compact(out: &mut String, json: &str) -> Result<(), Error> {
    // The object itself is the first level.
    let mut depth = 1usize;
    let mut in_string = false;
    let mut escaped = false;
    for char in json.chars() {
        if in_string {
            in_string = escaped || char != '"';
            escaped = !escaped && char == '\\';
            out.push(char);
            continue;
        }
        match char {
            '"' => in_string = true,
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            ' ' | '\t' | '\r' | '\n' => continue,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        out.push(char);
    }
    Ok(())
}

/// The members of an object in the order in which they stand, values as they are spelt.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::new();
                let mut places = BTreeMap::new();
                while let Some(Key(key)) = map.next_key()? {
                    let value = map.next_value()?;
                    // Of a key that comes twice the last value counts, as everywhere.
                    match places.insert(key.clone(), members.len()) {
                        Some(place) => {
                            members[place].1 = value;
                            places.insert(key, place);
                        }
                        None => members.push((key, value)),
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A key, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The hub's answer to a frame, where the publisher asked for answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Reply {
    /// The frame is published under the stream's number `seq`.
    Ack { stream: String, seq: u64, frame_size: usize },
    /// The frame was refused; the stream keeps its last good one.
    Error { error: String, code: String },
}

impl Reply {
    /// Reads an answer; `None` if it is none that we know.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// `{"type":"ack","stream":…,"seq":…,"frame_size":…}`
pub fn ack(stream: &str, seq: u64, frame_size: usize) -> String {
    json::text(&Reply::Ack { stream: stream.to_owned(), seq, frame_size })
}

/// `{"type":"error","error":…,"code":…}`
pub fn error(error: &str, code: &str) -> String {
    json::text(&Reply::Error { error: error.to_owned(), code: code.to_owned() })
}

/// Who reads the stream: sent to a publisher that asked for it (`?demand=1`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Demand {
    /// People watching.
    pub viewers: u64,
    /// Recorders, analyses, links.
    pub services: u64,
}

/// What the hub sends without a frame as the cause.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Notice {
    Demand(Demand),
}

impl Demand {
    /// Reads `{"type":"demand",…}`; `None` if the text is something else.
    pub fn parse(text: &str) -> Option<Self> {
        let Notice::Demand(demand) = serde_json::from_str(text).ok()?;
        Some(demand)
    }

    /// `{"type":"demand","viewers":…,"services":…}`
    pub fn to_json(self) -> String {
        json::text(&Notice::Demand(self))
    }

    /// Whether anybody reads it.
    pub fn is_wanted(self) -> bool {
        self.viewers > 0 || self.services > 0
    }
}
