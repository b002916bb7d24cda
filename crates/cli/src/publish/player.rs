//! The loop between a source and the hub: waits until a frame is due, sends it, and skips what came too
//! late. A slow link makes the picture jump, never lag.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::live::{Keep, Live};
use sources::play::Clip;

/// After the request to stop, the frame under way may still get through.
const GRACE: Duration = Duration::from_secs(1);

/// Takes frames for a hub.
pub(super) trait Sink {
    /// Sends a frame. Not cancel-safe. An error ends the playing.
    async fn send(&mut self, jpeg: Bytes, seq: u64, taken: SystemTime) -> anyhow::Result<Outcome>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Sent,
    /// There is no connection at the moment.
    Away,
}

/// What has happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) sent: u64,
    pub(super) bytes: u64,
    /// Frames that were due while an earlier one was still being sent.
    pub(super) skipped: u64,
    /// Frames that were due while the hub was away.
    pub(super) away: u64,
}

/// How far the playing is.
#[derive(Clone, Debug, Default)]
pub(super) struct Position {
    /// In the source's own time, within the round.
    pub(super) at: Duration,
    /// From 1.
    pub(super) round: u64,
}

impl Position {
    /// The same, for a source that goes round by itself after `length` (ffmpeg does).
    pub(super) fn within(&self, length: Option<Duration>) -> Position {
        let Some(length) = length.filter(|length| self.round == 1 && self.at > *length) else {
            return self.clone();
        };
        let rounds = (self.at.as_secs_f64() / length.as_secs_f64()).floor();
        Position { at: self.at.saturating_sub(length.mul_f64(rounds)), round: rounds as u64 + 1 }
    }
}

pub(super) struct Player<S, R> {
    pub(super) sink: S,
    /// Called after each frame.
    pub(super) report: R,
    pub(super) totals: Totals,
    pub(super) stop: CancellationToken,
    /// A send was given up half-way: the connection is of no more use.
    pub(super) interrupted: bool,
}

impl<S: Sink, R: FnMut(&Totals, &Position)> Player<S, R> {
    pub(super) fn new(sink: S, report: R, stop: CancellationToken) -> Self {
        Player { sink, report, totals: Totals::default(), stop, interrupted: false }
    }

    /// Plays a source whose frames have their times, to its end or to the stop.
    pub(super) async fn play(&mut self, clip: Arc<Clip>) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut number = 0;
        while clip.schedule.picture(number).is_some() {
            if !self.waited_until(start + clip.schedule.due(number)).await {
                return Ok(());
            }
            let newest = clip.schedule.newest_due(start.elapsed(), number);
            self.totals.skipped += newest - number;
            number = newest;
            let Some(picture) = clip.schedule.picture(number) else { return Ok(()) };
            let source = clip.clone();
            let jpeg = tokio::task::spawn_blocking(move || source.jpeg(picture)).await??;
            if !self.send(jpeg, number, SystemTime::now()).await? {
                return Ok(());
            }
            (self.report)(&self.totals, &position(&clip, number));
            number += 1;
        }
        // The last frame is shown for its own time, too: a file of a second lasts a second.
        self.waited_until(start + clip.schedule.due(number)).await;
        Ok(())
    }

    /// Plays a source that comes by itself: each frame as it comes, or `fps` of them a second.
    pub(super) async fn relay(&mut self, mut live: Live, fps: Option<f64>) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut due = start;
        let mut expected = 0;
        loop {
            let arrival = tokio::select! {
                arrival = live.next() => arrival,
                () = self.stop.cancelled() => return Ok(()),
            };
            let Some(arrival) = arrival else { return live.outcome().await };
            self.totals.skipped += arrival.number - expected;
            expected = arrival.number + 1;
            if let Some(fps) = fps {
                if !self.waited_until(due).await {
                    return Ok(());
                }
                // Time lost on the way is not made up for: that would be a burst.
                due = (due + Duration::from_secs_f64(1.0 / fps)).max(Instant::now());
            }
            if !self.send(arrival.jpeg, arrival.number, arrival.taken).await? {
                return Ok(());
            }
            (self.report)(&self.totals, &Position { at: start.elapsed(), round: 1 });
        }
    }

    /// `false` if the stop came first.
    async fn waited_until(&self, due: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => false,
            () = sleep_until(due) => true,
        }
    }

    /// `false` if the stop came and the frame did not get through in time.
    async fn send(&mut self, jpeg: Bytes, seq: u64, taken: SystemTime) -> anyhow::Result<bool> {
        let bytes = jpeg.len() as u64;
        let stop = self.stop.clone();
        let stopped = async {
            stop.cancelled().await;
            sleep(GRACE).await;
        };
        let outcome = tokio::select! {
            biased;
            outcome = self.sink.send(jpeg, seq, taken) => outcome?,
            () = stopped => {
                self.interrupted = true;
                return Ok(false);
            }
        };
        match outcome {
            Outcome::Sent => {
                self.totals.sent += 1;
                self.totals.bytes += bytes;
            }
            Outcome::Away => self.totals.away += 1,
        }
        Ok(true)
    }
}

/// What of a pipe's frames is to be kept: whoever sets a pace wants all of them.
pub(super) fn keep_for(fps: Option<f64>) -> Keep {
    if fps.is_some() { Keep::Every } else { Keep::Newest }
}

fn position(clip: &Clip, number: u64) -> Position {
    let due = clip.schedule.due(number);
    let Some(round) = clip.schedule.round().filter(|_| clip.schedule.is_looping()) else {
        return Position { at: due, round: 1 };
    };
    let rounds = clip.schedule.frames().map_or(0, |len| number / len);
    Position { at: due.saturating_sub(round * rounds as u32), round: rounds + 1 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use media::container::JpegFile;
    use sources::play::PlayOptions;

    /// Takes `delay` for each frame, and notes when it got which.
    struct Slow {
        delay: Duration,
        start: Instant,
        got: Vec<(u64, u128)>,
    }

    impl Slow {
        fn new(delay_millis: u64) -> Slow {
            Slow { delay: Duration::from_millis(delay_millis), start: Instant::now(), got: Vec::new() }
        }
    }

    impl Sink for Slow {
        async fn send(&mut self, _: Bytes, seq: u64, _: SystemTime) -> anyhow::Result<Outcome> {
            self.got.push((seq, self.start.elapsed().as_millis()));
            sleep(self.delay).await;
            Ok(Outcome::Sent)
        }
    }

    fn clip(frames: u8, fps: f64, looping: bool) -> Arc<Clip> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mjpeg");
        let jpegs = (0..frames)
            .flat_map(|grey| media::jpeg::encode(&media::Picture::filled(8, 8, [grey; 3]), 90).unwrap());
        std::fs::write(&path, jpegs.collect::<Vec<u8>>()).unwrap();
        let wishes = PlayOptions { fps: Some(fps), quality: 80, looping, size: (0, 0) };
        Arc::new(Clip::file(JpegFile::open(&path).unwrap(), &wishes))
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_link_gets_every_frame_when_it_is_due() {
        let mut player = Player::new(Slow::new(0), |_: &Totals, _: &Position| {}, CancellationToken::new());
        let start = Instant::now();
        player.play(clip(4, 10.0, false)).await.unwrap();
        assert_eq!(player.sink.got, [(0, 0), (1, 100), (2, 200), (3, 300)]);
        assert_eq!((player.totals.sent, player.totals.skipped), (4, 0));
        assert_eq!(start.elapsed().as_millis(), 400, "the last frame has its time, too");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_link_gets_fewer_frames_and_no_old_ones() {
        let mut player = Player::new(Slow::new(250), |_: &Totals, _: &Position| {}, CancellationToken::new());
        player.play(clip(10, 10.0, false)).await.unwrap();
        assert_eq!(player.sink.got, [(0, 0), (2, 250), (5, 500), (7, 750), (9, 1000)]);
        assert_eq!((player.totals.sent, player.totals.skipped), (5, 5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_that_stalls_for_rounds_goes_on_with_the_newest() {
        let mut player =
            Player::new(Slow::new(1050), |_: &Totals, _: &Position| {}, CancellationToken::new());
        let stop = player.stop.clone();
        tokio::spawn(async move {
            sleep(Duration::from_millis(2000)).await;
            stop.cancel();
        });
        player.play(clip(3, 10.0, true)).await.unwrap();
        assert_eq!(player.sink.got, [(0, 0), (10, 1050)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_lets_the_frame_under_way_through_but_not_for_ever() {
        for (delay, sent) in [(500, 1), (5000, 0)] {
            let mut player =
                Player::new(Slow::new(delay), |_: &Totals, _: &Position| {}, CancellationToken::new());
            player.stop.cancel();
            let sent_it = player.send(Bytes::new(), 0, SystemTime::now()).await.unwrap();
            assert_eq!((sent_it, player.interrupted, player.totals.sent), (sent == 1, sent == 0, sent));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pipe_is_paced_where_a_pace_is_set() {
        let jpeg = media::jpeg::encode(&media::Picture::filled(8, 8, [1; 3]), 90).unwrap();
        let input = std::io::Cursor::new(jpeg.repeat(4));
        let mut player = Player::new(Slow::new(0), |_: &Totals, _: &Position| {}, CancellationToken::new());
        let live = Live::reading(input, keep_for(Some(5.0))).unwrap();
        player.relay(live, Some(5.0)).await.unwrap();
        let seqs: Vec<u64> = player.sink.got.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(seqs, [0, 1, 2, 3]);
        assert!(player.sink.got[3].1 >= 600);
    }

    #[test]
    fn the_position_starts_again_with_each_round() {
        let clip = clip(4, 10.0, true);
        let shown = position(&clip, 9);
        assert_eq!((shown.at.as_millis(), shown.round), (100, 3));
        let by_itself =
            Position { at: Duration::from_secs(9), round: 1 }.within(Some(Duration::from_secs(4)));
        assert_eq!((by_itself.at.as_millis(), by_itself.round), (1000, 3));
    }
}
