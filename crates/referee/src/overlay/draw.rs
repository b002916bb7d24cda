//! What is drawn over a picture: people, the time, the lamps, and at the end the verdict.

use media::canvas::{Rect, fill, line, ring, shade};
use media::text::{Face, Pen};
use media::{Colour, Picture};

use crate::decision::{Decision, Winner};
use crate::signal::{Event, Kind, Side};
use crate::tracks::{Bounds, KeyPoint, Pair, Person};

/// The fencers' colours are those of the apparatus: the left lamp is red, the right one green.
const LEFT: Colour = [255, 84, 74];
const RIGHT: Colour = [66, 214, 112];
const WHITE: Colour = [245, 247, 250];
const GREY: Colour = [150, 156, 166];
const DARK: Colour = [12, 14, 18];
const SPARK: Colour = [255, 206, 84];

/// A key point less sure than this is not drawn (as Ultralytics plots them).
const SURE: f64 = 0.5;

/// Bones between key points, in COCO's order.
const BONES: [(usize, usize); 16] = [
    (5, 6),
    (5, 7),
    (7, 9),
    (6, 8),
    (8, 10),
    (5, 11),
    (6, 12),
    (11, 12),
    (11, 13),
    (13, 15),
    (12, 14),
    (14, 16),
    (0, 5),
    (0, 6),
    (0, 1),
    (0, 2),
];

/// An event is shown for so long.
pub(super) const EVENT_SECS: f64 = 0.6;
/// A lamp stays on for so long.
pub(super) const LAMP_SECS: f64 = 4.0;

/// Draws on pictures of one size.
#[derive(Debug)]
pub(super) struct Brush {
    /// Picture pixels for one of the tracks'.
    scale: f64,
    stroke: f32,
    words: Pen,
    clock: Pen,
    large: Pen,
}

impl Brush {
    pub(super) fn new(height: u32, scale: f64) -> Self {
        let height = height as f32;
        Self {
            scale,
            stroke: (height / 240.0).max(1.5),
            words: Pen::new(Face::Sans, (height / 26.0).max(9.0)),
            clock: Pen::new(Face::MonoBold, (height / 26.0).max(9.0)),
            large: Pen::new(Face::Sans, (height / 9.0).max(14.0)),
        }
    }

    /// A frame: both fencers, the time, and what the apparatus said just before.
    pub(super) fn frame(&mut self, picture: &mut Picture, pair: &Pair, events: &[Event]) {
        for (person, colour) in [(&pair.left, LEFT), (&pair.right, RIGHT)] {
            if let Some(person) = person {
                self.person(picture, person, colour);
            }
        }
        self.bar(picture, pair.time_secs, events);
    }

    fn person(&self, picture: &mut Picture, person: &Person, colour: Colour) {
        let at = |point: KeyPoint| ((point.x * self.scale) as f32, (point.y * self.scale) as f32);
        self.outline(picture, person.bounds, colour);
        for (from, to) in BONES {
            let (from, to) = (person.key_points[from], person.key_points[to]);
            // Bridged points are half as sure as those around them, and paler.
            let sure = from.score.min(to.score);
            if sure >= SURE / 2.0 {
                let opacity = if sure >= SURE { 0.95 } else { 0.5 };
                line(picture, at(from), at(to), self.stroke * 1.6, colour, opacity);
            }
        }
        for point in person.key_points.iter().filter(|point| point.score >= SURE) {
            ring(picture, at(*point), 0.0, self.stroke * 1.5, WHITE, 0.9);
        }
    }

    fn outline(&self, picture: &mut Picture, bounds: Bounds, colour: Colour) {
        let place = |value: f64| (value * self.scale).round() as i32;
        let (left, top) = (place(bounds.left), place(bounds.top));
        let (width, height) = (place(bounds.right) - left, place(bounds.bottom) - top);
        let thin = (self.stroke / 2.0).ceil() as i32;
        for area in [
            Rect { x: left, y: top, width, height: thin },
            Rect { x: left, y: top + height - thin, width, height: thin },
            Rect { x: left, y: top, width: thin, height },
            Rect { x: left + width - thin, y: top, width: thin, height },
        ] {
            shade(picture, area, colour, 150);
        }
    }

    /// The strip at the top: lamps, time, the newest event.
    fn bar(&mut self, picture: &mut Picture, now: f64, events: &[Event]) {
        let (width, line_height) = (picture.width as i32, self.words.line_height() as i32);
        let height = line_height * 3 / 2;
        shade(picture, Rect { x: 0, y: 0, width, height }, DARK, 190);
        let y = (height - line_height) / 2;
        let radius = line_height as f32 * 0.36;
        for (side, colour) in [(Side::Left, LEFT), (Side::Right, RIGHT)] {
            let x = side.of(height, width - height) as f32 - side.of(0.3, -0.3) * height as f32;
            let centre = (x, height as f32 / 2.0);
            ring(picture, centre, radius * 0.8, radius, GREY, 0.9);
            if is_lit(side, now, events) {
                ring(picture, centre, 0.0, radius, colour, 1.0);
                let x = side.of(0, width / 2);
                let lamp = Rect { x, y: height, width: width / 2, height: height / 6 };
                fill(picture, lamp, colour);
            }
        }
        let words = newest(now, events).map_or("", said);
        let clock = format!("{now:7.2} s");
        let room = self.clock.width(&clock) as i32;
        let x = (width - room) / 2;
        self.clock.draw(picture, x, y, WHITE, &clock);
        let aside = x + room + line_height;
        let fitted = self.words.fitted(words, (width - height - aside).max(0) as u32).into_owned();
        self.words.draw(picture, aside, y, SPARK, &fitted);
    }

    /// The closing card, over the last picture.
    pub(super) fn card(&mut self, picture: &mut Picture, verdict: &Decision) {
        let (width, height) = (picture.width as i32, picture.height as i32);
        shade(picture, Rect { x: 0, y: 0, width, height }, DARK, 200);
        let (name, colour) = match verdict.winner {
            Winner::Left => ("Left", LEFT),
            Winner::Right => ("Right", RIGHT),
            Winner::Abstain => ("No decision", WHITE),
        };
        let top = height * 3 / 10;
        centred(&mut self.large, picture, top, colour, name);
        let below = top + self.large.line_height() as i32;
        let room = (width * 9 / 10) as u32;
        let reason = self.words.fitted(&verdict.reason, room).into_owned();
        centred(&mut self.words, picture, below + height / 24, WHITE, &reason);
        if verdict.confidence > 0.0 {
            let sure = format!("{:.0} % sure", verdict.confidence * 100.0);
            let y = below + height / 24 + self.words.line_height() as i32 * 3 / 2;
            centred(&mut self.words, picture, y, GREY, &sure);
        }
        let edge = height / 60 + 1;
        match verdict.winner {
            Winner::Left => fill(picture, Rect { x: 0, y: 0, width: edge, height }, LEFT),
            Winner::Right => fill(picture, Rect { x: width - edge, y: 0, width: edge, height }, RIGHT),
            Winner::Abstain => {}
        }
    }
}

fn centred(pen: &mut Pen, picture: &mut Picture, y: i32, colour: Colour, words: &str) {
    let x = (picture.width as i32 - pen.width(words) as i32) / 2;
    pen.draw(picture, x, y, colour, words);
}

/// Whether something is seen of an event at a time.
pub(super) fn is_shown(event: &Event, now: f64) -> bool {
    let lasts = match event.kind {
        Kind::Hit(_) | Kind::HitsOfBoth => LAMP_SECS,
        Kind::BladeContact | Kind::OffTarget | Kind::Lockout => EVENT_SECS,
        Kind::Started | Kind::Ended => return false,
    };
    (event.time_secs..event.time_secs + lasts).contains(&now)
}

fn is_lit(side: Side, now: f64, events: &[Event]) -> bool {
    let of_side = |event: &&Event| event.kind == Kind::Hit(side) || event.kind == Kind::HitsOfBoth;
    events.iter().filter(of_side).any(|event| is_shown(event, now))
}

/// The last event that is still worth a word.
fn newest(now: f64, events: &[Event]) -> Option<Kind> {
    let shown = |event: &&Event| is_shown(event, now) && now < event.time_secs + EVENT_SECS;
    events.iter().rev().find(shown).map(|event| event.kind)
}

fn said(kind: Kind) -> &'static str {
    match kind {
        Kind::Hit(Side::Left) => "Left hits",
        Kind::Hit(Side::Right) => "Right hits",
        Kind::HitsOfBoth => "Both hit",
        Kind::BladeContact => "Blade contact",
        Kind::OffTarget => "Off target",
        Kind::Lockout => "Lockout",
        Kind::Started | Kind::Ended => "",
    }
}
