//! `rtsp://`: cameras that send H.264, which is decoded and encoded as JPEG once, or JPEG, which passes as it is.
//!
//! H.264 has to be decoded without a gap, so access units wait in a short queue for a thread of their own. Where that
//! thread is too slow, the rest of a group of pictures is dropped: the picture freezes for a moment, but is never old.

use std::{convert::Infallible, time::Duration};

use futures_util::StreamExt;
use ingest::{
    Jpeg,
    pull::{Intake, captured_now, credentials},
};
use retina::{
    client::{
        Credentials, Demuxed, InitialTimestampPolicy, PlayOptions, Session, SessionOptions, SetupOptions,
        TcpTransportOptions, UdpTransportOptions, UnknownRtcpSsrcPolicy,
    },
    codec::{CodecItem, FrameFormat, ParametersRef, VideoFrame, VideoParametersCodec},
};
use tokio::{select, time::timeout};
use url::Url;
use wire::address::redacted_within;

use super::h264::{Decoding, Made, Unit};
use crate::{Error, Transport};

/// DESCRIBE, SETUP and PLAY together.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn run(
    url: &Url,
    transport: Transport,
    intake: &mut Intake<'_>,
) -> Result<Infallible, Error> {
    let playing = timeout(SETUP_TIMEOUT, play(url, transport)).await;
    let slow = |_| net::Error::Slow {
        what: "the camera's answers to DESCRIBE, SETUP and PLAY",
        after: SETUP_TIMEOUT,
    };
    match playing.map_err(slow)?? {
        (session, Codec::H264) => h264(session, intake).await,
        (session, Codec::Jpeg) => jpeg(session, intake).await,
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Codec {
    H264,
    Jpeg,
}

async fn play(url: &Url, transport: Transport) -> Result<(Demuxed, Codec), Error> {
    let mut options =
        SessionOptions::default().user_agent(concat!("framehub/", env!("CARGO_PKG_VERSION")).to_owned());
    let mut address = url.clone();
    if !url.username().is_empty() {
        let (username, password) = credentials(url);
        options = options.creds(Some(Credentials { username, password }));
        // Both are possible: the address has a host.
        let _ = (address.set_username(""), address.set_password(None));
    }
    let mut session = Session::describe(address, options).await.map_err(broken)?;
    let (index, codec) =
        choose(session.streams().iter().map(|stream| (stream.media(), stream.encoding_name())))?;
    let transport = match transport {
        Transport::Tcp => retina::client::Transport::Tcp(TcpTransportOptions::default()),
        Transport::Udp => retina::client::Transport::Udp(UdpTransportOptions::default()),
    };
    let setup = SetupOptions::default().transport(transport).frame_format(FrameFormat::MP4);
    session.setup(index, setup).await.map_err(broken)?;
    // Many cameras violate what these options check.
    let play = PlayOptions::default()
        .initial_timestamp(InitialTimestampPolicy::Permissive)
        .unknown_rtcp_ssrc(UnknownRtcpSsrcPolicy::DropPackets);
    let session = session.play(play).await.map_err(broken)?;
    Ok((session.demuxed().map_err(broken)?, codec))
}

/// The camera's and the library's words may hold the address, and its query a password.
fn broken(error: retina::Error) -> net::Error {
    match net::Error::broken(&error) {
        net::Error::Broken { reason } => net::Error::Broken { reason: redacted_within(&reason) },
        other => other,
    }
}

/// The stream to take of those that the camera describes as (medium, encoding).
fn choose<'a>(streams: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(usize, Codec), Error> {
    let videos: Vec<_> = streams.enumerate().filter(|(_, (media, _))| *media == "video").collect();
    let find = |name: &str| videos.iter().find(|(_, (_, encoding))| encoding.eq_ignore_ascii_case(name));
    if let Some((index, _)) = find("h264") {
        return Ok((*index, Codec::H264));
    }
    if let Some((index, _)) = find("jpeg") {
        return Ok((*index, Codec::Jpeg));
    }
    let offered: Vec<_> = videos.iter().map(|(_, (_, encoding))| *encoding).collect();
    let offered = if offered.is_empty() { "no video".to_owned() } else { offered.join(", ") };
    Err(Error::RtspCodec { offered })
}

async fn jpeg(mut session: Demuxed, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    loop {
        let frame = next(&mut session).await?;
        intake.picture(frame.into_data().into(), captured_now()).await?;
    }
}

async fn h264(mut session: Demuxed, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    let mut decoding = Decoding::start(intake.admission().quality())?;
    loop {
        select! {
            frame = next(&mut session) => {
                let frame = frame?;
                let parameters = if frame.has_new_parameters() || !decoding.has_parameters {
                    parameters(&session, frame.stream_id())
                } else {
                    None
                };
                let unit = Unit {
                    key: frame.is_random_access_point(),
                    parameters,
                    wanted: intake.wants(),
                    captured: captured_now(),
                    avcc: frame.into_data(),
                };
                decoding.give(unit)?;
            }
            made = decoding.next() => match made? {
                Made::Picture { jpeg, size, captured } => intake.encoded(Jpeg::encoded(jpeg.into(), size), captured)?,
                Made::Nothing(error) => intake.skip(&error),
            },
        }
    }
}

async fn next(session: &mut Demuxed) -> Result<VideoFrame, Error> {
    loop {
        match session.next().await {
            Some(Ok(CodecItem::VideoFrame(frame))) => return Ok(frame),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(broken(error).into()),
            None => return Err(Error::ended()),
        }
    }
}

fn parameters(session: &Demuxed, stream: usize) -> Option<super::h264::Parameters> {
    let Some(ParametersRef::Video(video)) = session.streams().get(stream)?.parameters() else { return None };
    let size = video.pixel_dimensions();
    match video.codec_params() {
        VideoParametersCodec::H264 { sps, pps } => {
            Some(super::h264::Parameters { sps: sps.to_vec(), pps: pps.to_vec(), size })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn h264_is_preferred_and_what_cannot_be_read_is_named() {
        let chosen = |streams: &[(&'static str, &'static str)]| choose(streams.iter().copied());
        assert_eq!(
            chosen(&[("audio", "pcmu"), ("video", "jpeg"), ("video", "h264")]).unwrap(),
            (2, Codec::H264)
        );
        assert_eq!(chosen(&[("video", "JPEG")]).unwrap(), (0, Codec::Jpeg));
        let error =
            chosen(&[("video", "h265"), ("application", "vnd.onvif.metadata")]).unwrap_err().to_string();
        assert!(error.contains("h265") && error.contains("settings"), "{error}");
        assert!(chosen(&[]).unwrap_err().to_string().contains("no video"));
    }
}
