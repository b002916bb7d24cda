//! What a want on a stream is answered with.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use derive::{Analyser, Error, Limits, Registry};
use hub::{Claim, Codec, Format, Hub, Moment, NewFrame, Publisher, RingLimits, Stream, Want};
use serde_json::{Value, json};

/// Finds how many bytes a picture has.
#[derive(Debug)]
struct Length;

impl Analyser for Length {
    fn name(&self) -> &'static str {
        "length"
    }

    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    fn analyse(&self, jpeg: &[u8]) -> Result<Value, String> {
        Ok(json!(jpeg.len()))
    }
}

struct Setup {
    registry: Registry,
    publisher: Publisher,
}

fn setup(renditions: usize) -> Setup {
    let ring = RingLimits { frames: 9, history_bytes: 1 << 20, backlog_frames: 9, backlog_bytes: 1 << 20 };
    let hub = Hub::new(hub::Limits { streams: 9, viewers_per_stream: 9, ring });
    let publisher = hub.publisher(&"cam".parse().unwrap(), Claim::Shared, Moment::now()).unwrap();
    let limits = Limits { renditions, quality: 85, analyses: 1 };
    Setup { registry: Registry::new(hub, limits, vec![Arc::new(Length)]), publisher }
}

fn jpeg() -> Vec<u8> {
    let rgb = (0..64 * 48 * 3).map(|n| n as u8).collect();
    media::jpeg::encode(&media::Picture { width: 64, height: 48, rgb }, 85).unwrap()
}

fn want() -> Want {
    Want::in_codecs(&[Codec::Jpeg])
}

impl Setup {
    fn stream(&self) -> &Stream {
        self.publisher.stream()
    }

    fn publish(&self, codec: Codec) {
        let format = Format { codec, width: 64, height: 48, key: true };
        self.publisher.publish(NewFrame::new(Bytes::from(jpeg()), format), Moment::now()).unwrap();
    }
}

#[tokio::test]
async fn the_stream_itself_is_read_where_it_is_as_wanted() {
    let setup = setup(0);
    setup.publish(Codec::Jpeg);
    let mut reader = setup.registry.subscribe(setup.stream(), &want()).unwrap();
    assert_eq!(reader.stream().epoch(), setup.stream().epoch());
    assert_eq!(reader.recv().await.unwrap().frame.payload, jpeg());
}

#[tokio::test]
async fn those_who_want_the_same_share_a_worker() {
    let setup = setup(9);
    setup.publish(Codec::Jpeg);
    let small = want().scaled_to(32, None);
    let mut readers: Vec<_> =
        (0..3).map(|_| setup.registry.subscribe(setup.stream(), &small).unwrap()).collect();
    for reader in &mut readers {
        let frame = reader.recv().await.unwrap().frame;
        assert_eq!((frame.seq, frame.format), (1, Format::jpeg(32, 24)));
    }
    let [report] = &setup.registry.renditions(setup.stream().epoch())[..] else { panic!("one rendition") };
    assert_eq!((report.counts.made, report.stream.demand.viewers, &report.want), (1, 3, &small));
    assert_eq!(setup.stream().demand().viewers, 3, "viewers of the stream, too");
    setup.registry.subscribe(setup.stream(), &want().scaled_to(16, None)).unwrap();
    assert_eq!(setup.registry.rendition_totals().active, 2);
}

#[tokio::test]
async fn a_stream_in_another_codec_is_refused() {
    let setup = setup(9);
    assert!(setup.registry.newest(setup.stream(), &want()).unwrap().is_none(), "nothing is known yet");
    setup.publish(Codec::H264);
    for want in [want(), want().scaled_to(32, None)] {
        let error = setup.registry.subscribe(setup.stream(), &want).unwrap_err();
        assert_eq!(error.code(), "CODEC_UNAVAILABLE");
        let text = "stream 'cam' is H.264, which cannot be shown here as JPEG: publish it as JPEG";
        assert_eq!(error.to_string(), text);
    }
    assert!(setup.registry.newest(setup.stream(), &want()).is_err());
    assert_eq!(
        setup.registry.start_analysis(setup.stream(), "length").unwrap_err().code(),
        "CODEC_UNAVAILABLE"
    );
    let both = Want::in_codecs(&[Codec::Jpeg, Codec::H264]);
    let mut reader = setup.registry.subscribe(setup.stream(), &both).unwrap();
    assert_eq!(reader.recv().await.unwrap().frame.format.codec, Codec::H264);
}

#[tokio::test(start_paused = true)]
async fn frames_in_another_codec_are_passed_over_and_counted() {
    let setup = setup(9);
    setup.publish(Codec::Jpeg);
    let mut reader = setup.registry.subscribe(setup.stream(), &want()).unwrap();
    assert_eq!(reader.recv().await.unwrap().frame.seq, 1);
    setup.publish(Codec::H264);
    assert!(reader.newest().is_none());
    assert!(tokio::time::timeout(Duration::from_secs(1), reader.recv()).await.is_err());
    setup.publish(Codec::Jpeg);
    let delivery = reader.recv().await.unwrap();
    assert_eq!((delivery.frame.seq, delivery.skipped), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rendition_without_viewers_makes_room_and_goes() {
    let setup = setup(1);
    setup.publish(Codec::Jpeg);
    let [small, tiny] = [32, 16].map(|width| want().scaled_to(width, None));
    let reader = setup.registry.subscribe(setup.stream(), &small).unwrap();
    let refused = setup.registry.subscribe(setup.stream(), &tiny).unwrap_err();
    assert_eq!(refused, Error::RenditionLimit { max: 1 });
    drop(reader);
    drop(setup.registry.subscribe(setup.stream(), &tiny).unwrap());
    assert_eq!(setup.registry.rendition_totals().active, 1, "it is kept for a page that is loaded again");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(setup.registry.rendition_totals().active, 0);
}

#[tokio::test]
async fn an_analysis_is_read_while_it_runs() {
    let setup = setup(0);
    setup.publish(Codec::Jpeg);
    let pipeline = |name: &str| want().analysed_by(Arc::<str>::from(name));
    let code = |want: &Want| setup.registry.subscribe(setup.stream(), want).unwrap_err().code();
    assert_eq!(code(&pipeline("length")), "ANALYSIS_NOT_RUNNING");
    assert_eq!(code(&pipeline("dance")), "UNKNOWN_PIPELINE");
    setup.registry.start_analysis(setup.stream(), "length").unwrap();
    assert_eq!(code(&pipeline("length").scaled_to(32, None)), "BAD_QUERY");
    let mut reader = setup.registry.subscribe(setup.stream(), &pipeline("length")).unwrap();
    let frame = reader.recv().await.unwrap().frame;
    assert_eq!(frame.metadata.as_deref(), Some(&*format!(r#"{{"length":{}}}"#, jpeg().len())));
    assert_eq!(setup.registry.analysis(setup.stream()).unwrap().counts.made, 1);
    assert!(setup.registry.stop_analysis(setup.stream()) && !setup.registry.stop_analysis(setup.stream()));
    assert!(reader.recv().await.is_err(), "its stream has ended");
    assert!(setup.registry.analysis(setup.stream()).is_none());
}
