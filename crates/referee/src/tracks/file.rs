//! The bytes of a `*.keypoints.json` file, each list bounded while it is read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::unseen::{Seen, filled};
use super::{Bounds, Error, KeyPoint, MAX_FILE_BYTES, MAX_FRAMES, Pair, Person, Tracks, Unit};

type Points = [KeyPoint; 17];
/// Left, top, right, bottom, score.
type Boxed = [f64; 5];

/// The file as it is read.
#[derive(serde::Deserialize)]
struct Incoming {
    fps: f64,
    #[serde(default)]
    unit: Unit,
    time_secs: Option<Frames<f64>>,
    #[serde(deserialize_with = "left")]
    left: Frames<Option<[Point; 17]>>,
    #[serde(deserialize_with = "right")]
    right: Frames<Option<[Point; 17]>>,
    left_box: Option<Frames<Option<Boxed>>>,
    right_box: Option<Frames<Option<Boxed>>>,
}

/// The file as it is written.
#[derive(serde::Serialize)]
struct Outgoing {
    fps: f64,
    unit: Unit,
    time_secs: Vec<f64>,
    left: Vec<Option<Points>>,
    right: Vec<Option<Points>>,
    left_box: Vec<Option<Boxed>>,
    right_box: Vec<Option<Boxed>>,
}

impl Tracks {
    /// Reads a `*.keypoints.json` file.
    pub fn read(json: &[u8]) -> Result<Self, Error> {
        if json.len() > MAX_FILE_BYTES {
            return Err(Error::TooLarge { bytes: json.len() });
        }
        let text = str::from_utf8(json).map_err(|error| Error::Json { message: error.to_string() })?;
        let incoming: Incoming = serde_json::from_str(&wire::json::mended(text)).map_err(as_error)?;
        let tracks = incoming.into_tracks()?;
        tracks.check()?;
        Ok(tracks)
    }

    /// The bytes of a `*.keypoints.json` file, which [`Tracks::read`] gives back equal.
    pub fn write(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let left = || self.frames.iter().map(|pair| pair.left);
        let right = || self.frames.iter().map(|pair| pair.right);
        let outgoing = Outgoing {
            fps: self.fps,
            unit: self.unit,
            time_secs: self.frames.iter().map(|pair| pair.time_secs).collect(),
            left: left().map(|person| person.map(|p| p.key_points)).collect(),
            right: right().map(|person| person.map(|p| p.key_points)).collect(),
            left_box: left().map(|person| person.map(boxed)).collect(),
            right_box: right().map(|person| person.map(boxed)).collect(),
        };
        serde_json::to_vec(&outgoing).map_err(as_error)
    }
}

fn as_error(error: serde_json::Error) -> Error {
    Error::Json { message: error.to_string() }
}

fn boxed(person: Person) -> Boxed {
    let Bounds { left, top, right, bottom } = person.bounds;
    [left, top, right, bottom, person.score]
}

impl Incoming {
    fn into_tracks(self) -> Result<Tracks, Error> {
        let (left, right) = (people(self.left), people(self.right));
        let frames = left.len();
        if frames != right.len() {
            return Err(Error::Uneven { left: frames, right: right.len() });
        }
        let times = counted("time_secs", self.time_secs, frames)?;
        let left_box = counted("left_box", self.left_box, frames)?;
        let right_box = counted("right_box", self.right_box, frames)?;
        let pair = |n: usize| Pair {
            time_secs: times.as_ref().map_or(n as f64 / self.fps, |times| times[n]),
            left: person(left[n], left_box.as_ref().and_then(|boxes| boxes[n])),
            right: person(right[n], right_box.as_ref().and_then(|boxes| boxes[n])),
        };
        Ok(Tracks { fps: self.fps, unit: self.unit, frames: (0..frames).map(pair).collect() })
    }
}

fn people(frames: Frames<Option<[Point; 17]>>) -> Vec<Option<Points>> {
    let seen = |points: [Point; 17]| -> Seen { points.map(|Point(point)| point) };
    filled(frames.0.into_iter().map(|frame| frame.map(seen)).collect())
}

/// A list that may be left out, but if given has an entry a frame.
fn counted<T>(key: &'static str, list: Option<Frames<T>>, frames: usize) -> Result<Option<Vec<T>>, Error> {
    match list {
        Some(list) if list.0.len() != frames => Err(Error::Count { key, found: list.0.len(), frames }),
        list => Ok(list.map(|list| list.0)),
    }
}

fn person(points: Option<Points>, boxed: Option<Boxed>) -> Option<Person> {
    let key_points = points?;
    Some(match boxed {
        Some([left, top, right, bottom, score]) => {
            Person { bounds: Bounds { left, top, right, bottom }, score, key_points }
        }
        None => Person { bounds: Bounds::around(&key_points), score: 1.0, key_points },
    })
}

fn left<'de, D: Deserializer<'de>>(from: D) -> Result<Frames<Option<[Point; 17]>>, D::Error> {
    Frames::deserialize(from).map_err(|error| de::Error::custom(format!("left fencer, {error}")))
}

fn right<'de, D: Deserializer<'de>>(from: D) -> Result<Frames<Option<[Point; 17]>>, D::Error> {
    Frames::deserialize(from).map_err(|error| de::Error::custom(format!("right fencer, {error}")))
}

/// An entry a frame, at most [`MAX_FRAMES`]; an error says in which frame it is.
struct Frames<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Frames<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(FramesVisitor(PhantomData))
    }
}

struct FramesVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FramesVisitor<T> {
    type Value = Frames<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list with an entry a frame")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut frames = Vec::new();
        loop {
            let frame = frames.len();
            let entry =
                list.next_element().map_err(|error| de::Error::custom(format!("frame {frame}: {error}")))?;
            let Some(entry) = entry else { return Ok(Frames(frames)) };
            if frame == MAX_FRAMES {
                return Err(de::Error::custom(format!(
                    "more than {MAX_FRAMES} frames: cut the recording into phrases"
                )));
            }
            frames.push(entry);
        }
    }
}

/// A point is `[x, y]` where nothing is known of its score, else `[x, y, score]`; `null`, or `[null, null]`, where it was
/// not seen.
#[derive(Clone, Copy)]
struct Point(Option<KeyPoint>);

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PointVisitor)
    }
}

struct PointVisitor;

impl<'de> Visitor<'de> for PointVisitor {
    type Value = Point;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key point [x, y] or [x, y, score]")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Point, E> {
        Ok(Point(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Point, A::Error> {
        let x: Option<f64> = list.next_element()?.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let y: Option<f64> = list.next_element()?.ok_or_else(|| de::Error::invalid_length(1, &self))?;
        let score = list.next_element::<Option<f64>>()?.flatten().unwrap_or(1.0);
        match list.next_element::<de::IgnoredAny>()? {
            None => Ok(Point(x.zip(y).map(|(x, y)| KeyPoint { x, y, score }))),
            Some(_) => Err(de::Error::invalid_length(4, &self)),
        }
    }
}

impl Serialize for KeyPoint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.score {
            1.0 => [self.x, self.y].serialize(to),
            score => [self.x, self.y, score].serialize(to),
        }
    }
}
