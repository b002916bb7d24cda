//! `v4l2:`: a camera of this machine. Its JPEGs pass as they are (with the Huffman tables that UVC cameras leave out);
//! other pixels are encoded once, planes straight into the codec.
//!
//! `device` has the system calls, on a thread of its own; the rest works on the formats that it lists and the buffers
//! that it fills, so it is tested without a camera.

mod capture;
mod choose;
#[cfg(target_os = "linux")]
mod device;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, path::Path};

use ingest::{Jpeg, pull::Intake};
use media::raw::Raw;
use tokio::sync::mpsc;

use crate::{Error, blocking::blocking};
use capture::{Capture, Pixels};
use choose::Preference;

pub(super) async fn run(
    device: &Path,
    size: (Option<u32>, Option<u32>),
    fps: Option<f64>,
    intake: &mut Intake<'_>,
) -> Result<Infallible, Error> {
    let preferred = Preference { width: size.0, height: size.1, fps };
    #[cfg(target_os = "linux")]
    {
        let mut camera = device::Camera::start(device, preferred)?;
        show(&mut camera.captures, intake).await?;
        Err(camera.end().await)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (device, preferred, show);
        Err(Error::NoCameras)
    }
}

/// Hands captures over until there are no more.
async fn show(captures: &mut mpsc::Receiver<Capture>, intake: &mut Intake<'_>) -> Result<(), Error> {
    while let Some(Capture { mode, bytes, captured, damaged }) = captures.recv().await {
        if damaged {
            intake.skip(&"the driver says that it is damaged");
            continue;
        }
        let Pixels::Raw(layout) = mode.pixels else {
            intake.picture(bytes.into(), captured).await?;
            continue;
        };
        if !intake.wants() {
            continue;
        }
        let quality = intake.admission().quality();
        let work = move || {
            let (width, height, stride) = (mode.width as usize, mode.height as usize, mode.stride as usize);
            Raw { bytes: &bytes, layout, width, height, stride }.to_jpeg(quality).map_err(Error::from)
        };
        match blocking(work).await {
            Ok(jpeg) => intake.encoded(Jpeg::encoded(jpeg.into(), (mode.width, mode.height)), captured)?,
            Err(error) => intake.skip(&error),
        }
    }
    Ok(())
}
