//! Prometheus metrics: the hub's own counters read at scrape time, and the few things counted outside the hub.
//! Names follow the Prometheus naming rules; the only label of unbounded origin is a live stream's name, of which
//! there are at most `streams.max_concurrent`.

use std::{net::SocketAddr, sync::Arc, time::SystemTime};

use access::{Grant, Scope};
use derive::RenditionTotals;
use hub::Moment;
use ingest::Admission;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text::encode},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};
use record::State;
use tokio_util::sync::CancellationToken;
use transport::Connections;

use crate::{HealthInfo, clock, live::Live};

/// Seconds; fine where a viewer notices the difference, coarse beyond.
pub(crate) const AGE_BUCKETS: [f64; 12] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// The server as supervisors and monitors see it.
#[derive(Debug)]
pub(crate) struct Monitor {
    pub(crate) live: Arc<Live>,
    pub(crate) started: Moment,
    /// The address that the listener is bound to.
    pub(crate) address: SocketAddr,
    pub(crate) health: HealthInfo,
    pub(crate) shutdown: CancellationToken,
    pub(crate) connections: Arc<Connections>,
    pub(crate) admission: Admission,
    /// Ages of frames at the moment at which they are handed to a viewer's connection, in seconds.
    pub(crate) frame_age: Histogram,
}

impl Monitor {
    /// The exposition in OpenMetrics text format: of the streams that the grant shows. What is counted over all streams
    /// would tell of the others.
    pub(crate) fn expose(&self, grant: &Grant) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::default();
        registry.register(
            "framehub_build",
            "Version of the running hub",
            Info::new([("version", env!("CARGO_PKG_VERSION"))]),
        );
        if shows_all(grant) {
            registry.register_with_unit(
                "framehub_frame_age",
                "Age of frames when handed to a viewer's connection",
                Unit::Seconds,
                self.frame_age.clone(),
            );
        }
        registry.register_collector(Box::new(Snapshot::take(self, grant)));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// The hub and the process at the moment of the scrape.
#[derive(Debug)]
struct Snapshot {
    hub: hub::HubStats,
    recordings_active: usize,
    rejected: u64,
    /// For those who may see every stream.
    sums: Option<Sums>,
    started: SystemTime,
    process: Option<Process>,
}

/// What is counted over all streams, those that have ended included.
#[derive(Debug)]
struct Sums {
    recorded: record::Totals,
    renditions: RenditionTotals,
    connections: usize,
}

fn shows_all(grant: &Grant) -> bool {
    grant.allows_everywhere(Scope::View)
}

impl Snapshot {
    fn take(monitor: &Monitor, grant: &Grant) -> Self {
        let live = &monitor.live;
        let mut hub = live.hub.stats(clock::now());
        if !shows_all(grant) {
            hub.retain(|name| grant.shows(name));
        }
        let sums = shows_all(grant).then(|| Sums {
            recorded: live.recordings.totals(),
            renditions: live.derive.rendition_totals(),
            connections: monitor.connections.open(),
        });
        let activities = live.recordings.activities().into_iter();
        let active = activities.filter(|r| r.state == State::Recording && grant.shows(&r.stream));
        Self {
            recordings_active: active.count(),
            // Before its first good frame no stream is there to count for.
            rejected: if sums.is_some() { monitor.admission.rejected() } else { hub.totals.rejected },
            sums,
            hub,
            started: monitor.started.wall,
            process: Process::read(),
        }
    }
}

type Encoded = Result<(), std::fmt::Error>;

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Encoded {
        let e = &mut encoder;
        let totals = &self.hub.totals;
        counter(e, "framehub_frames_received", "Frames published, over all streams", None, totals.frames)?;
        counter(e, "framehub_frames_rejected", "Frames refused at the door", None, self.rejected)?;
        counter(e, "framehub_frames_served", "Frames handed to viewers", None, totals.served)?;
        let help = "Frames that viewers passed over for a newer one";
        counter(e, "framehub_frames_skipped", help, None, totals.skipped)?;
        gauge(e, "framehub_streams", "Live streams", None, self.hub.streams.len() as f64)?;
        let help = "Streams being recorded";
        gauge(e, "framehub_recordings_active", help, None, self.recordings_active as f64)?;
        self.encode_streams(e)?;
        self.sums.as_ref().map_or(Ok(()), |sums| sums.encode(e))?;
        let started = self.started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let help = "Start time of the process since the Unix epoch";
        gauge(e, "process_start_time", help, Some(&Unit::Seconds), started.as_secs_f64())?;
        self.process.as_ref().map_or(Ok(()), |process| process.encode(e))
    }
}

impl Sums {
    fn encode(&self, e: &mut DescriptorEncoder<'_>) -> Encoded {
        gauge(e, "framehub_connections", "Open connections", None, self.connections as f64)?;
        self.encode_recordings(e)?;
        self.encode_renditions(e)
    }

    fn encode_recordings(&self, e: &mut DescriptorEncoder<'_>) -> Encoded {
        let totals = &self.recorded;
        counter(e, "framehub_recorded_frames", "Frames written to recordings", None, totals.frames)?;
        counter(
            e,
            "framehub_recorded_lost",
            "Frames that recorders could not write",
            None,
            totals.frames_lost,
        )?;
        counter(e, "framehub_recorded", "Bytes written to recordings", Some(&Unit::Bytes), totals.bytes)
    }

    fn encode_renditions(&self, e: &mut DescriptorEncoder<'_>) -> Encoded {
        let RenditionTotals { active, counts } = &self.renditions;
        gauge(e, "framehub_renditions_active", "Renditions that are being made", None, *active as f64)?;
        counter(e, "framehub_rendition_frames", "Pictures encoded for renditions", None, counts.made)?;
        counter(
            e,
            "framehub_rendition_errors",
            "Frames of which no rendition could be made",
            None,
            counts.errors,
        )?;
        let help = "Time spent decoding, scaling and encoding for renditions";
        counter(e, "framehub_rendition_busy", help, Some(&Unit::Seconds), counts.busy.as_secs_f64())
    }
}

impl Snapshot {
    fn encode_streams(&self, e: &mut DescriptorEncoder<'_>) -> Encoded {
        type Figure<T> = (&'static str, &'static str, Option<Unit>, fn(&hub::StreamStats) -> T);
        let counters: [Figure<u64>; 5] = [
            ("framehub_stream_frames", "Frames published into a stream", None, |s| s.totals.frames),
            ("framehub_stream_received", "Bytes published into a stream", Some(Unit::Bytes), |s| {
                s.totals.bytes
            }),
            ("framehub_stream_rejected", "Frames of a stream refused at the door", None, |s| {
                s.totals.rejected
            }),
            ("framehub_stream_served", "Frames of a stream handed to viewers", None, |s| s.totals.served),
            ("framehub_stream_skipped", "Frames of a stream that viewers passed over", None, |s| {
                s.totals.skipped
            }),
        ];
        for (name, help, unit, read) in counters {
            let mut family = e.encode_descriptor(name, help, unit.as_ref(), MetricType::Counter)?;
            for stream in &self.hub.streams {
                let labels = [("stream", stream.name.as_str())];
                ConstCounter::new(read(stream)).encode(family.encode_family(&labels)?)?;
            }
        }
        let gauges: [Figure<f64>; 4] = [
            ("framehub_stream_viewers", "Viewers of a stream", None, |s| s.demand.viewers as f64),
            ("framehub_stream_fps", "Frames a second of the last seconds", None, |s| s.fps),
            ("framehub_stream_inactive", "Time since a stream's newest frame", Some(Unit::Seconds), |s| {
                s.inactive.as_secs_f64()
            }),
            ("framehub_stream_buffer", "Bytes of frames that a stream keeps", Some(Unit::Bytes), |s| {
                s.buffered_bytes as f64
            }),
        ];
        for (name, help, unit, read) in gauges {
            let mut family = e.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
            for stream in &self.hub.streams {
                let labels = [("stream", stream.name.as_str())];
                ConstGauge::new(read(stream)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn counter<N>(e: &mut DescriptorEncoder<'_>, name: &str, help: &str, unit: Option<&Unit>, value: N) -> Encoded
where
    ConstCounter<N>: EncodeMetric,
{
    ConstCounter::new(value).encode(e.encode_descriptor(name, help, unit, MetricType::Counter)?)
}

fn gauge(e: &mut DescriptorEncoder<'_>, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> Encoded {
    ConstGauge::new(value).encode(e.encode_descriptor(name, help, unit, MetricType::Gauge)?)
}

/// What Linux says of this process (proc(5)); absent elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pub(crate) cpu_secs: f64,
    pub(crate) resident_bytes: u64,
    open_fds: usize,
}

impl Process {
    pub(crate) fn read() -> Option<Self> {
        // User and system time, fields 14 and 15, in ticks of 1/100 s: USER_HZ is 100 on every architecture of ours.
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let after_name = stat.rsplit_once(')')?.1;
        let field = |index: usize| after_name.split_ascii_whitespace().nth(index)?.parse::<u64>().ok();
        let ticks = field(11)? + field(12)?;
        let pages: u64 = std::fs::read_to_string("/proc/self/statm")
            .ok()?
            .split_ascii_whitespace()
            .nth(1)?
            .parse()
            .ok()?;
        let open_fds = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let resident_bytes = pages * rustix::param::page_size() as u64;
        Some(Self { cpu_secs: ticks as f64 / 100.0, resident_bytes, open_fds })
    }

    fn encode(&self, e: &mut DescriptorEncoder<'_>) -> Encoded {
        let help = "User and system time of the process";
        counter(e, "process_cpu", help, Some(&Unit::Seconds), self.cpu_secs)?;
        let help = "Resident memory of the process";
        gauge(e, "process_resident_memory", help, Some(&Unit::Bytes), self.resident_bytes as f64)?;
        gauge(e, "process_open_fds", "Open file descriptors", None, self.open_fds as f64)
    }
}
