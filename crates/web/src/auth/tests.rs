//! Every route with every sort of key, through the front as a function: no byte of video without the right.

#![allow(clippy::unwrap_used)]

use std::{fmt::Write, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use http::Method;
use http_body_util::BodyExt;
use hub::{Claim, Format, Hub, Limits, NewFrame, RingLimits};
use record::Recordings;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{App, ConnectionLimits, HealthInfo, Settings, clock, front::Front, routes, tail};

/// What the stream `front` shows: a picture to everybody but a decoder.
const PICTURE: &[u8] = b"\xff\xd8 the picture of the front door \xff\xd9";

struct House {
    front: Front,
    hub: Hub,
    _folder: TempDir,
}

impl House {
    fn new(auth: AuthSettings) -> Self {
        let ring = RingLimits { frames: 4, history_bytes: 1000, backlog_frames: 4, backlog_bytes: 1000 };
        let hub = Hub::new(Limits { streams: 9, viewers_per_stream: 99, ring });
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::start(hub.clone(), recorder(&folder));
        let app = App::new(hub.clone(), recordings, settings(auth), CancellationToken::new());
        let house = Self { front: Front::new(app), hub, _folder: folder };
        house.publish("front");
        house
    }

    fn publish(&self, stream: &str) {
        let publisher = self.hub.publisher(&stream.parse().unwrap(), Claim::Shared, clock::now()).unwrap();
        let frame = NewFrame::new(Bytes::from_static(PICTURE), Format::jpeg(1, 1));
        publisher.publish(frame, clock::now()).unwrap();
    }

    async fn ask(&self, method: &Method, uri: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.front.answer(request.body(Body::empty()).unwrap()).await
    }

    async fn get(&self, uri: &str, key: &str) -> Response {
        self.ask(&Method::GET, uri, &[("x-api-key", key)]).await
    }
}

fn recorder(folder: &TempDir) -> record::Config {
    record::Config {
        directory: folder.path().to_owned(),
        automatic: false,
        codec: record::Codec::Mp4v,
        target_fps: 30.0,
        segment: Duration::from_secs(60),
        sync: Duration::from_secs(60),
        retention: record::Retention {
            max_age: Duration::from_secs(60),
            max_total_bytes: None,
            min_free_bytes: 0,
        },
        schedule: record::TimeOfDay::default(),
    }
}

fn settings(auth: AuthSettings) -> Settings {
    let second = Duration::from_secs(1);
    Settings {
        address: ([127, 0, 0, 1], 5000).into(),
        max_frame_bytes: 1000,
        body_timeout: second,
        publisher_idle: second,
        stream_fps: None,
        heartbeat: second,
        default_stream: None,
        cors: true,
        jpeg_quality: 90,
        auth,
        connections: ConnectionLimits {
            max: 9,
            header_timeout: second,
            idle_timeout: second,
            stall_timeout: second,
            send_buffer: 1000,
            shutdown: second,
        },
        health: HealthInfo { stream_timeout: second, simulator_ip: String::new(), simulator_port: 0 },
    }
}

fn key(secret: &str, scopes: &[Scope], streams: &str) -> Key {
    Key {
        name: secret.to_owned(),
        digest: Key::digest_of(secret),
        scopes: scopes.iter().copied().collect(),
        streams: streams.split(' ').map(|pattern| pattern.parse().unwrap()).collect(),
        expires: None,
    }
}

fn secret() -> SigningSecret {
    SigningSecret::new(*b"the hub's own")
}

/// A key for each scope on `front`, one for everything on `yard`, one that has expired, and one with every right.
fn with_keys(public: &[Scope]) -> AuthSettings {
    let mut keys: Vec<Key> =
        Scope::EVERY.iter().map(|&s| key(&format!("{s}-front"), &[s], "front")).collect();
    keys.push(key("all-yard", &Scope::EVERY, "yard yard-*"));
    let expires = Some(SystemTime::now() - Duration::from_secs(1));
    keys.push(Key { expires, ..key("all-expired", &Scope::EVERY, "*") });
    keys.push(key("all", &[Scope::Admin], "*"));
    AuthSettings { keys, public: public.iter().copied().collect(), secret: secret() }
}

/// Whether any of the stream's picture is in what the response begins with.
async fn shows_picture(response: Response) -> bool {
    let (response, live) = tail::begin_live(response);
    let mut seen = live;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        seen.extend(response.into_body().collect().await.unwrap().to_bytes());
    }
    seen.windows(PICTURE.len()).any(|window| window == PICTURE)
}

/// The path of a route, about the stream `name`.
fn path(route: &str, name: &str) -> String {
    let file = format!("{name}_20260121_103000.mp4");
    let path = route.replace("{name}", name).replace("{stream}", name).replace("{file}", &file);
    path.replace("{*path}", "app.js").replace("{*rest}", "index.css")
}

fn all_routes() -> Vec<(Method, &'static str, Need)> {
    let (_router, table) = routes::all().into_parts();
    table.iter().map(|(method, path, need)| (method.clone(), path, need)).collect()
}

/// The guide's table is the one that the router is built from.
#[test]
fn the_guide_names_the_right_of_every_route() {
    let mut table = String::new();
    for (method, path, need) in all_routes() {
        let need = match need {
            Need::Nothing => "nothing".to_owned(),
            Need::Any => "any key".to_owned(),
            Need::On(scope) => format!("`{scope}` on the stream"),
            Need::Somewhere(scope) => format!("`{scope}`; shows what the key may see"),
            Need::Keyed(scope) => format!("`{scope}`, always with a key"),
        };
        writeln!(table, "| `{method} {path}` | {need} |").unwrap();
    }
    let guide = include_str!("../../../../docs/guide/keys.md");
    assert!(
        guide.contains(&table),
        "put this table into docs/guide/keys.md, with the right that you mean:\n{table}"
    );
}

/// What a route with that need answers to a key.
fn expected(need: Need, key: &str) -> Result<(), StatusCode> {
    let missing = Err(StatusCode::UNAUTHORIZED);
    let lacking = Err(StatusCode::FORBIDDEN);
    match (need, key) {
        (Need::Nothing, _) | (_, "all") => Ok(()),
        (_, "" | "wrong" | "revoked" | "all-expired") => missing,
        (Need::Any, _) => Ok(()),
        (Need::On(_), "all-yard") => lacking,
        (Need::Somewhere(_) | Need::Keyed(_), "all-yard") => Ok(()),
        (Need::On(scope) | Need::Somewhere(scope) | Need::Keyed(scope), key) => {
            let own = key.strip_suffix("-front").unwrap();
            if own == scope.as_str() || own == "admin" { Ok(()) } else { lacking }
        }
    }
}

const KEYS: [&str; 10] = [
    "",
    "wrong",
    "revoked",
    "all-expired",
    "all-yard",
    "view-front",
    "publish-front",
    "record-front",
    "admin-front",
    "all",
];

#[tokio::test(start_paused = true)]
async fn every_route_with_every_sort_of_key() {
    let upgrade = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (method, route, need) in all_routes() {
        for key in KEYS {
            for as_websocket in [false, true] {
                let case = format!("{method} {route}, key {key:?}, WebSocket: {as_websocket}");
                let house = House::new(with_keys(&[]));
                let mut headers = if as_websocket { upgrade.to_vec() } else { Vec::new() };
                if !key.is_empty() {
                    headers.push(("x-api-key", key));
                }
                let response = house.ask(&method, &path(route, "front"), &headers).await;
                let status = response.status();
                match expected(need, key) {
                    Ok(()) => {
                        let is_refusal = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                        assert!(!is_refusal, "{case}: {status}");
                    }
                    Err(refusal) => assert_eq!(status, refusal, "{case}"),
                }
                let may_see = matches!(key, "view-front" | "admin-front" | "all");
                assert!(may_see || !shows_picture(response).await, "{case}: the picture is in the answer");
                assert_eq!(house.hub.len(), usize::from(!may_delete(&method, route, key)), "{case}");
            }
        }
    }
}

fn may_delete(method: &Method, route: &str, key: &str) -> bool {
    method == Method::DELETE && route == "/api/streams/{name}" && matches!(key, "admin-front" | "all")
}

#[tokio::test(start_paused = true)]
async fn the_right_key_sees_the_picture() {
    let house = House::new(with_keys(&[]));
    for uri in ["/stream", "/stream/front", "/stream/front/mjpeg", "/stream/front/snapshot.jpg"] {
        assert!(shows_picture(house.get(uri, "view-front").await).await, "{uri}");
        assert!(!shows_picture(house.get(uri, "all-yard").await).await, "{uri}");
    }
}

async fn json(response: Response) -> serde_json::Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn lists_name_what_the_key_may_see() {
    let house = House::new(with_keys(&[]));
    house.publish("yard");
    house.publish("cellar");
    for (key, seen, default) in [
        ("view-front", vec!["front"], "front"),
        ("all-yard", vec!["yard"], "yard"),
        ("all", vec!["cellar", "front", "yard"], "front"),
    ] {
        let list = json(house.get("/api/streams", key).await).await;
        let names: Vec<&str> =
            list["streams"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
        assert_eq!(names, seen, "{key}");
        assert_eq!(list["default"], default);
        assert_eq!(json(house.get("/stats", key).await).await["stream"], default);
        let metrics = text(house.get("/metrics", key).await).await;
        for name in ["front", "yard", "cellar"] {
            assert_eq!(
                metrics.contains(&format!("stream=\"{name}\"")),
                seen.contains(&name),
                "{key}: {name}"
            );
        }
        assert!(metrics.contains(&format!("framehub_frames_received_total {}\n", seen.len())), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_public_needs_no_key_and_the_rest_does() {
    let house = House::new(with_keys(&[Scope::View]));
    let none: &[(&str, &str)] = &[];
    assert!(shows_picture(house.ask(&Method::GET, "/stream/front", none).await).await);
    for (method, uri, status) in [
        (Method::GET, "/", StatusCode::OK),
        (Method::POST, "/publish/front", StatusCode::UNAUTHORIZED),
        (Method::DELETE, "/api/streams/front", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(house.ask(&method, uri, none).await.status(), status, "{uri}");
    }
    let wrong = house.get("/stream/front", "wrong").await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED, "a wrong key is wrong even where none is needed");
    assert!(shows_picture(house.get("/stream/front", "all-yard").await).await, "a key has what all have");
}

#[tokio::test(start_paused = true)]
async fn without_keys_all_is_open() {
    let house = House::new(AuthSettings { keys: Vec::new(), public: Scopes::NONE, secret: secret() });
    for (method, route, need) in all_routes() {
        let status = house.ask(&method, &path(route, "yard"), &[]).await.status();
        assert_eq!(status == StatusCode::UNAUTHORIZED, matches!(need, Need::Keyed(_)), "{method} {route}");
    }
    assert!(shows_picture(house.get("/stream/front", "any").await).await);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_in_the_table_is_nowhere() {
    let house = House::new(with_keys(&[]));
    for uri in
        ["/nothing", "/stream/front/", "/stream//front", "//stream/front", "/STREAM/front", "/docs/../stream"]
    {
        let response = house.get(uri, "view-front").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{uri}");
        assert_eq!(house.get(uri, "wrong").await.status(), StatusCode::UNAUTHORIZED, "{uri}");
    }
    assert_eq!(
        house.ask(&Method::PATCH, "/stream", &[("x-api-key", "all")]).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_is_the_same_however_it_is_written() {
    let house = House::new(with_keys(&[]));
    for uri in ["/stream/%66ront", "/stream/fr%6Fnt/mjpeg", "/stream/%66%72%6f%6e%74/snapshot.jpg"] {
        assert!(shows_picture(house.get(uri, "view-front").await).await, "{uri}");
        assert_eq!(house.get(uri, "all-yard").await.status(), StatusCode::FORBIDDEN, "{uri}");
    }
    for uri in ["/stream/yard%2f..%2ffront", "/stream/%ff", "/stream/a%20b"] {
        assert_eq!(house.get(uri, "all-yard").await.status(), StatusCode::BAD_REQUEST, "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_live_view_ends_with_its_key() {
    let hour = Duration::from_secs(3600);
    let until = SystemTime::now() + hour;
    let keys = vec![Key { expires: Some(until), ..key("for-an-hour", &[Scope::View], "*") }];
    let house = House::new(AuthSettings { keys, public: Scopes::NONE, secret: secret() });
    let mut live = tail::take_live(&mut house.get("/stream/front", "for-an-hour").await).unwrap();
    let start = tokio::time::Instant::now();
    // Heartbeats go on until then.
    while std::future::poll_fn(|cx| live.poll_part(cx)).await.is_some() {}
    assert_eq!(start.elapsed().as_secs().next_multiple_of(10), hour.as_secs());
}
