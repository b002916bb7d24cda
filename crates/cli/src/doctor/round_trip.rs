//! One stream of ten pictures, published to the hub and watched at once: whether WebSockets come through, whether
//! anything on the way holds pictures back, and how old they are when they arrive.

use std::time::{Duration, Instant};

use bytes::Bytes;
use client::post::{Poster, Wrap};
use client::publish::{Metadata, Options, Publisher};
use client::watch::{self, Watcher};
use client::{Endpoint, Error, Target, http};
use media::pattern::TestPattern;
use tokio::time::timeout;

use super::finding::Finding;
use super::probe_name;

const PICTURES: u64 = 10;
/// A picture that takes longer is held back somewhere.
const PATIENCE: Duration = Duration::from_secs(3);
/// Older pictures are no longer live.
const SLOW: Duration = Duration::from_millis(500);
/// How often the recording is asked to go: a recorder needs a moment to end its file.
const TRIES: u32 = 10;

pub(super) async fn examine(hub: &Endpoint) -> Vec<Finding> {
    let name = match probe_name() {
        Ok(name) => name,
        Err(error) => return vec![Finding::note("round trip", error.to_string(), "try again")],
    };
    // Whoever may not delete a stream would leave it behind.
    match http::delete(hub, &format!("/api/streams/{name}")).await {
        Err(Error::Refused { status: 401 | 403, .. }) => {
            let mend = "run it again with a key that has the scope admin (--api-key)";
            return vec![Finding::note("round trip", "not tried: this key may not delete streams", mend)];
        }
        Err(Error::Refused { status: 404, .. }) | Ok(_) => {}
        Err(error) => {
            let mend = "let the proxy pass the method DELETE to the hub";
            return vec![Finding::wrong("round trip", error.to_string(), mend)];
        }
    }
    let findings = there_and_back(hub, &name).await;
    remove(hub, &name).await;
    findings
}

/// The way in: the WebSocket, or requests where no WebSocket comes through.
enum Sender {
    Socket(Publisher),
    Requests(Poster),
}

impl Sender {
    async fn open(hub: &Endpoint, name: &str) -> (Sender, Finding) {
        let error = match Sender::socket(hub, name).await {
            Ok(publisher) => {
                return (Sender::Socket(publisher), Finding::ok("WebSocket", "messages go both ways"));
            }
            Err(error) => error,
        };
        let mend = "let the proxy pass upgrades on (nginx: proxy_http_version 1.1 and the headers Upgrade and Connection; \
                    deploy/nginx.conf has the lines)";
        let poster = Poster::new(hub, name, Wrap::Raw);
        (Sender::Requests(poster), Finding::wrong("WebSocket", error.to_string(), mend))
    }

    /// Open, and heard from: the hub says at once who reads the stream.
    async fn socket(hub: &Endpoint, name: &str) -> Result<Publisher, Error> {
        let options = Options { demand: true, ..Options::default() };
        let mut publisher = Publisher::connect(hub, name, &options).await?;
        let url = publisher.url().to_owned();
        match timeout(PATIENCE, publisher.next_demand()).await {
            Ok(demand) => demand.map(|_| publisher),
            Err(_) => Err(Error::Timeout { url, what: "the first message", after: PATIENCE }),
        }
    }

    async fn send(&mut self, jpeg: Bytes) -> Result<(), Error> {
        match self {
            Sender::Socket(publisher) => publisher.send(jpeg, &Metadata::default()).await,
            Sender::Requests(poster) => poster.post(&[jpeg]).await,
        }
    }
}

async fn there_and_back(hub: &Endpoint, name: &str) -> Vec<Finding> {
    let (sender, socket) = Sender::open(hub, name).await;
    let ages = ages(hub, name, sender).await;
    vec![socket, ages.map_or_else(|finding| finding, |ages| verdict(&ages))]
}

/// How long each picture took. `Err` says what kept them from coming.
async fn ages(hub: &Endpoint, name: &str, mut sender: Sender) -> Result<Vec<Duration>, Finding> {
    let failed = |error: Error| {
        Finding::wrong("round trip", error.to_string(), "the hub's log says more (logging.file)")
    };
    let mut pattern = TestPattern::new(320, 240);
    let mut ages = Vec::new();
    let mut watcher: Option<Watcher> = None;
    for number in 1..=PICTURES {
        let picture = pattern.draw(number, "", "framehub doctor");
        let jpeg = media::jpeg::encode(picture, 85)
            .map_err(|error| Finding::wrong("round trip", error.to_string(), "please report this"))?;
        let sent = Instant::now();
        sender.send(Bytes::from(jpeg)).await.map_err(failed)?;
        let watcher = match &mut watcher {
            Some(watcher) => watcher,
            none => none.insert(watch_from(hub, name).await.map_err(failed)?),
        };
        match timeout(PATIENCE, watcher.next()).await {
            Ok(Ok(Some(_))) => ages.push(sent.elapsed()),
            Ok(Ok(None)) => return Err(failed(ended(watcher))),
            Ok(Err(error)) => return Err(failed(error)),
            Err(_) => return Err(held_back(number)),
        }
    }
    // The first one had to wait for the viewer.
    ages.remove(0);
    Ok(ages)
}

/// The stream is there a moment after the frame that makes it was sent.
async fn watch_from(hub: &Endpoint, name: &str) -> Result<Watcher, Error> {
    let target = Target::stream(hub, name);
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Watcher::connect(&target, &watch::Options::default()).await {
            Err(Error::Refused { status: 404, .. }) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            watcher => return watcher,
        }
    }
}

fn ended(watcher: &Watcher) -> Error {
    Error::Closed { url: watcher.url().to_owned(), close_code: None, reason: "the stream ended".into() }
}

fn held_back(number: u64) -> Finding {
    let what = format!("picture {number} did not come within {} s of being sent", PATIENCE.as_secs());
    let mend = "something on the way collects the answer before it passes it on: turn buffering, caching and compression of \
                answers off for the hub (nginx: proxy_buffering off)";
    Finding::wrong("round trip", what, mend)
}

fn verdict(ages: &[Duration]) -> Finding {
    let mut ages = ages.to_vec();
    ages.sort();
    let median = ages.get(ages.len() / 2).copied().unwrap_or_default();
    let longest = ages.last().copied().unwrap_or_default();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let what = format!(
        "{} pictures published and seen: {:.1} ms each (median), {:.1} ms at most",
        ages.len() + 1,
        millis(median),
        millis(longest)
    );
    if median > SLOW {
        return Finding::note(
            "round trip",
            what,
            "the way to the hub is slow: is it a radio link, or a far proxy?",
        );
    }
    Finding::ok("round trip", what)
}

/// Takes the stream and its recording away again. What cannot be removed ends with streams.timeout_seconds.
async fn remove(hub: &Endpoint, name: &str) {
    // What is still being written cannot be deleted.
    let recording = format!("/api/streams/{name}/recording");
    let _ = http::post_json(hub, &recording, &serde_json::json!({ "action": "stop" })).await;
    let _ = http::delete(hub, &format!("/api/streams/{name}")).await;
    for _ in 0..TRIES {
        let Ok(list) = http::get_json(hub, &format!("/api/recordings?stream={name}")).await else { return };
        let files: Vec<&str> =
            list["recordings"].as_array().into_iter().flatten().filter_map(|r| r["file"].as_str()).collect();
        if files.is_empty() {
            return;
        }
        for file in files {
            let _ = http::delete(hub, &format!("/api/recordings/{name}/{file}")).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn slow_pictures_are_noted() {
        let millis = |millis| Duration::from_millis(millis);
        assert_eq!(verdict(&[millis(3), millis(900), millis(4)]).verdict, Verdict::Ok);
        assert_eq!(verdict(&[millis(800), millis(900), millis(700)]).verdict, Verdict::Note);
    }
}
