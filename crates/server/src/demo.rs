//! The demo stream: a moving test picture, drawn only while somebody watches.

use std::time::{Duration, SystemTime};

use hub::{CaptureTime, Claim, Format, Hub, Moment, NewFrame, PublishError, Publisher, StreamName};
use media::pattern::TestPattern;
use tokio::time::{Instant, MissedTickBehavior};

use crate::config::Demo;

/// Publishes until the stream is deleted or the hub shuts down.
pub(crate) async fn run(hub: Hub, name: StreamName, demo: Demo) {
    let publisher = match hub.publisher(&name, Claim::Source, now()) {
        Ok(publisher) => publisher,
        Err(error) => return tracing::warn!(%error, "no demo stream"),
    };
    if let Err(end) = publish(&publisher, &name, &demo).await {
        tracing::debug!(%end, "the demo stream has ended");
    }
}

fn now() -> Moment {
    Moment { mono: Instant::now().into_std(), wall: SystemTime::now() }
}

async fn publish(publisher: &Publisher, name: &StreamName, demo: &Demo) -> Result<(), PublishError> {
    let mut pattern = TestPattern::new(demo.width, demo.height);
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / demo.fps));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut number = 0;
    loop {
        publisher.wanted().await?;
        ticks.tick().await;
        number += 1;
        let taken = now();
        let Some((returned, jpeg)) = draw(pattern, number, taken.wall, name.to_string(), demo.quality).await
        else {
            return Ok(());
        };
        pattern = returned;
        let mut frame = NewFrame::new(jpeg.into(), Format::jpeg(pattern.width(), pattern.height()));
        let unix = taken.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        frame.captured = CaptureTime::from_unix_secs(unix);
        publisher.publish(frame, now())?;
    }
}

/// Draws and encodes off the async threads. `None` if that cannot be done at all.
async fn draw(
    mut pattern: TestPattern,
    number: u64,
    wall: SystemTime,
    caption: String,
    quality: u8,
) -> Option<(TestPattern, Vec<u8>)> {
    let work = move || {
        let picture = pattern.draw(number, &clock(wall), &caption);
        media::jpeg::encode(picture, quality).map(|jpeg| (pattern, jpeg))
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(drawn)) => Some(drawn),
        Ok(Err(error)) => {
            tracing::error!(%error, "cannot encode the demo picture");
            None
        }
        Err(error) => {
            tracing::error!(%error, "cannot draw the demo picture");
            None
        }
    }
}

/// The time of day in UTC, as in `12:34:56.789`.
fn clock(wall: SystemTime) -> String {
    jiff::Timestamp::try_from(wall).map_or_else(|_| String::new(), |t| t.strftime("%H:%M:%S%.3f").to_string())
}
