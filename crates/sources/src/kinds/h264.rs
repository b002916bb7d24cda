//! H.264 to JPEG, on a thread that takes access units out of a short queue.

use std::{
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};

use h264_reader::{nal::sps::SeqParameterSet, rbsp};
use hub::CaptureTime;
use media::h264::{Decoder, Range};
use tokio::sync::mpsc;

use crate::Error;

/// Access units that wait: a third of a second at 25 a second. Key frames take longest.
const MOST_WAITING: usize = 8;

/// One access unit: NAL units behind lengths of four bytes.
pub(super) struct Unit {
    pub(super) avcc: Vec<u8>,
    pub(super) key: bool,
    /// `Some` when they are new.
    pub(super) parameters: Option<Parameters>,
    /// Whether it is also encoded as a picture; it is decoded in any case.
    pub(super) wanted: bool,
    pub(super) captured: Option<CaptureTime>,
}

/// Parameter sets without start codes, and the size that is shown.
pub(super) struct Parameters {
    pub(super) sps: Vec<u8>,
    pub(super) pps: Vec<u8>,
    pub(super) size: (u32, u32),
}

/// The outcome for an access unit.
pub(super) enum Made {
    Picture {
        jpeg: Vec<u8>,
        size: (u32, u32),
        captured: Option<CaptureTime>,
    },
    /// It is damaged.
    Nothing(media::Error),
}

/// The decoding thread and its queues; dropping this ends it.
pub(super) struct Decoding {
    units: SyncSender<Unit>,
    made: mpsc::Receiver<Made>,
    /// Units are dropped until the next key frame.
    waits_for_key: bool,
    pub(super) has_parameters: bool,
}

impl Decoding {
    pub(super) fn start(quality: u8) -> Result<Self, Error> {
        let (units, work) = sync_channel(MOST_WAITING);
        let (done, made) = mpsc::channel(1);
        thread::Builder::new()
            .name("h264 source".to_owned())
            .spawn(move || decode(&work, &done, quality))
            .map_err(Error::no_thread)?;
        Ok(Self { units, made, waits_for_key: true, has_parameters: false })
    }

    /// Queues an access unit; where the queue is full, drops it and all that follow up to the next key frame.
    pub(super) fn give(&mut self, unit: Unit) -> Result<(), Error> {
        if self.waits_for_key && !unit.key {
            return Ok(());
        }
        self.has_parameters |= unit.parameters.is_some();
        self.waits_for_key = false;
        match self.units.try_send(unit) {
            Ok(()) => {}
            Err(TrySendError::Full(lost)) => {
                self.waits_for_key = true;
                // The parameters that were in it have to come again.
                self.has_parameters &= lost.parameters.is_none();
            }
            Err(TrySendError::Disconnected(_)) => return Err(Error::Panicked),
        }
        Ok(())
    }

    /// Cancel-safe. The thread ends early only by a panic.
    pub(super) async fn next(&mut self) -> Result<Made, Error> {
        self.made.recv().await.ok_or(Error::Panicked)
    }
}

fn decode(work: &Receiver<Unit>, done: &mpsc::Sender<Made>, quality: u8) {
    let mut decoder = None;
    while let Ok(unit) = work.recv() {
        let made = match decode_one(&mut decoder, unit, quality) {
            Ok(None) => continue,
            Ok(Some(picture)) => picture,
            Err(error) => Made::Nothing(error),
        };
        if done.blocking_send(made).is_err() {
            return;
        }
    }
}

fn decode_one(decoder: &mut Option<Decoder>, unit: Unit, quality: u8) -> media::Result<Option<Made>> {
    if let Some(Parameters { sps, pps, size: (width, height) }) = &unit.parameters {
        *decoder = Some(Decoder::new(sps, pps)?.cropped(*width, *height).of_range(range(sps)));
    }
    // Without parameters there is no decoder yet.
    let Some(decoder) = decoder else { return Ok(None) };
    let Some(picture) = decoder.decode(&unit.avcc)? else { return Ok(None) };
    if !unit.wanted {
        return Ok(None);
    }
    let (width, height) = picture.size();
    let size = (width as u32, height as u32);
    Ok(Some(Made::Picture { jpeg: picture.to_jpeg(quality)?, size, captured: unit.captured }))
}

/// Cameras use the limited range (16 to 235) unless they say otherwise (H.264, E.2.1).
fn range(sps: &[u8]) -> Range {
    let full = || {
        let bits = rbsp::decode_nal(sps).ok()?;
        let bits = rbsp::BitReader::new(&bits[..]);
        let parameters = SeqParameterSet::from_bits(bits).ok()?;
        Some(parameters.vui_parameters?.video_signal_type?.video_full_range_flag)
    };
    if full() == Some(true) { Range::Full } else { Range::Limited }
}
