//! Video4Linux: the system calls, on a thread of its own.

use std::{
    io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use ingest::pull::captured_now;
use linuxvideo::{
    BufType, Device, Fract,
    format::{FrameSizes, PixFormat, PixelFormat},
    stream::ReadStream,
};
use media::raw::Layout;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;

use super::{
    capture::{Capture, Mode, Pixels},
    choose::{Offer, Preference, choose},
};
use crate::Error;

/// How long the thread waits for a picture before it checks whether it is still needed.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// A camera and the thread that reads it; dropping this closes it.
pub(super) struct Camera {
    pub(super) captures: mpsc::Receiver<Capture>,
    thread: Option<JoinHandle<Result<(), Error>>>,
    stop: Arc<AtomicBool>,
}

impl Camera {
    pub(super) fn start(path: &Path, preferred: Preference) -> Result<Self, Error> {
        // One capture is being encoded, one waits, further ones are dropped.
        let (captured, captures) = mpsc::channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let thread = {
            let (path, stop) = (path.to_owned(), stop.clone());
            let work = move || read(&path, &preferred, &captured, &stop);
            std::thread::Builder::new().name("camera".to_owned()).spawn(work).map_err(Error::no_thread)?
        };
        Ok(Self { captures, thread: Some(thread), stop })
    }

    /// Why there are no more captures.
    pub(super) async fn end(mut self) -> Error {
        let Some(thread) = self.thread.take() else { return Error::ended() };
        match tokio::task::spawn_blocking(move || thread.join()).await {
            Ok(Ok(Err(error))) => error,
            Ok(Ok(Ok(()))) => Error::ended(),
            _ => Error::Panicked,
        }
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn read(
    path: &Path,
    preferred: &Preference,
    captured: &mpsc::Sender<Capture>,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let unread = |error| Error::Read { path: path.to_owned(), error };
    let (mut stream, mode) = open(path, preferred)?;
    tracing::info!(camera = %path.display(), ?mode, "camera opened");
    while !stop.load(Ordering::Relaxed) {
        if !is_ready(&stream).map_err(unread)? {
            continue;
        }
        let taken_at = captured_now();
        let capture = stream.dequeue(|view| {
            Ok(Capture { mode, bytes: view.to_vec(), captured: taken_at, damaged: view.is_error() })
        });
        match captured.try_send(capture.map_err(unread)?) {
            Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => {}
            Err(mpsc::error::TrySendError::Closed(_)) => return Ok(()),
        }
    }
    Ok(())
}

/// Waits in `poll`, which has a time limit; a wait in the driver has none.
fn is_ready(stream: &ReadStream) -> io::Result<bool> {
    let mut files = [PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)];
    match poll(&mut files, Some(&LOOK)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn open(path: &Path, preferred: &Preference) -> Result<(ReadStream, Mode), Error> {
    let unread = |error| Error::Read { path: PathBuf::from(path), error };
    let device = Device::open(path).map_err(unread)?;
    let offers = offers(&device).map_err(unread)?;
    let Some(offer) = choose(&offers, preferred) else {
        return Err(Error::CameraOffers { device: path.to_owned(), known: known_names() });
    };
    let (fourcc, _) = KNOWN[KNOWN.iter().position(|(_, pixels)| *pixels == offer.pixels).unwrap_or(0)];
    let wanted = PixFormat::new(offer.width, offer.height, PixelFormat::from_fourcc(fourcc));
    let capture = device.video_capture(wanted).map_err(unread)?;
    let given = capture.format();
    let Some(pixels) = pixels_of(given.pixel_format()) else {
        let format = format!("{:?}", given.pixel_format());
        return Err(Error::CameraFormat { device: path.to_owned(), format });
    };
    let mode = Mode { pixels, width: given.width(), height: given.height(), stride: given.bytes_per_line() };
    // Some drivers have one rate only; that is no reason to fail.
    if let Err(error) =
        capture.set_frame_interval(Fract::new(1000, (preferred.fps() * 1000.0).round().max(1.0) as u32))
    {
        tracing::debug!(camera = %path.display(), %error, "the camera keeps its own rate");
    }
    let stream = capture.into_stream().map_err(unread)?;
    Ok((stream, mode))
}

/// The formats that can be used, by V4L2's names.
const KNOWN: [([u8; 4], Pixels); 8] = [
    (*b"MJPG", Pixels::Jpeg),
    (*b"JPEG", Pixels::Jpeg),
    (*b"YUYV", Pixels::Raw(Layout::Yuyv)),
    (*b"UYVY", Pixels::Raw(Layout::Uyvy)),
    (*b"NV12", Pixels::Raw(Layout::Nv12)),
    (*b"RGB3", Pixels::Raw(Layout::Rgb)),
    (*b"BGR3", Pixels::Raw(Layout::Bgr)),
    (*b"GREY", Pixels::Raw(Layout::Grey)),
];

fn known_names() -> String {
    let names: Vec<_> = KNOWN.iter().map(|(fourcc, _)| fourcc.escape_ascii().to_string()).collect();
    names.join(", ")
}

fn pixels_of(format: PixelFormat) -> Option<Pixels> {
    let fourcc = format.as_fourcc();
    KNOWN.iter().find(|(known, _)| *known == fourcc).map(|(_, pixels)| *pixels)
}

fn offers(device: &Device) -> io::Result<Vec<Offer>> {
    let mut offers = Vec::new();
    for format in device.formats(BufType::VIDEO_CAPTURE) {
        let format = format?.pixel_format();
        let Some(pixels) = pixels_of(format) else { continue };
        for (width, height) in sizes(device, format) {
            let fps = device.frame_intervals(format, width, height).ok().map(|intervals| {
                let shortest = intervals.min();
                f64::from(shortest.denominator()) / f64::from(shortest.numerator().max(1))
            });
            offers.push(Offer { pixels, width, height, fps });
        }
    }
    Ok(offers)
}

/// The sizes of a format; of a range, its ends and the usual sizes within.
fn sizes(device: &Device, format: PixelFormat) -> Vec<(u32, u32)> {
    const USUAL: [(u32, u32); 7] =
        [(320, 240), (480, 360), (640, 480), (800, 600), (1280, 720), (1920, 1080), (3840, 2160)];
    match device.frame_sizes(format) {
        Ok(FrameSizes::Discrete(sizes)) => sizes.iter().map(|size| (size.width(), size.height())).collect(),
        Ok(FrameSizes::Stepwise(range) | FrameSizes::Continuous(range)) => {
            let inside = |(width, height): &(u32, u32)| {
                (range.min_width()..=range.max_width()).contains(width)
                    && (range.min_height()..=range.max_height()).contains(height)
            };
            let ends = [(range.min_width(), range.min_height()), (range.max_width(), range.max_height())];
            USUAL.into_iter().filter(inside).chain(ends).collect()
        }
        // Some drivers list no sizes; they adjust the usual one.
        Err(_) => vec![(640, 480)],
    }
}
