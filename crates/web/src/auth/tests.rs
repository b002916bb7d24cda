//! Every route with every sort of key, through the dispatcher as a function: no byte of video without the right.

#![allow(clippy::unwrap_used)]

use std::{fmt::Write, time::Duration};

use access::{Key, Scopes, Settings, SigningSecret, share_token};
use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use hub::{Claim, Format, Hub, Limits, NewFrame, RingLimits};
use record::Recordings;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{App, Rooms, clock, dispatch::Dispatch, routes, tests::support};

/// What the stream `front` shows: a picture to everybody but a decoder.
const PICTURE: &[u8] = b"\xff\xd8 the picture of the front door \xff\xd9";

struct House {
    dispatch: Dispatch,
    hub: Hub,
    _folder: TempDir,
}

impl House {
    fn new(auth: Settings) -> Self {
        Self::with(crate::Settings { auth, cors: true, ..support::settings() })
    }

    fn with(settings: crate::Settings) -> Self {
        let ring = RingLimits { frames: 4, history_bytes: 1000, backlog_frames: 4, backlog_bytes: 1000 };
        let hub = Hub::new(Limits { streams: 9, viewers_per_stream: 99, ring });
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::start(hub.clone(), support::config(folder.path().to_owned()));
        let uploads = support::uploads(&hub, folder.path().join("artifacts"));
        let simulators = support::simulators(&hub);
        let derive = support::derive(&hub);
        let rooms = Rooms {
            hub: hub.clone(),
            recordings,
            sources: sources::Sources::default(),
            uploads,
            simulators,
            derive,
        };
        let app = App::new(rooms, settings, CancellationToken::new());
        let house = Self { dispatch: Dispatch::new(app), hub, _folder: folder };
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
        self.dispatch.answer(request.body(Body::empty()).unwrap()).await
    }

    async fn get(&self, uri: &str, key: &str) -> Response {
        self.ask(&Method::GET, uri, &[("x-api-key", key)]).await
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
pub(super) fn with_keys(public: &[Scope]) -> Settings {
    let mut keys: Vec<Key> =
        Scope::EVERY.iter().map(|&s| key(&format!("{s}-front"), &[s], "front")).collect();
    keys.push(key("all-yard", &Scope::EVERY, "yard yard-*"));
    let expires = Some(SystemTime::now() - Duration::from_secs(1));
    keys.push(Key { expires, ..key("all-expired", &Scope::EVERY, "*") });
    keys.push(key("all", &[Scope::Admin], "*"));
    Settings {
        keys,
        public: public.iter().copied().collect(),
        secret: secret(),
        failed_keys_per_minute: None,
    }
}

/// Whether any of the stream's picture is in what the response begins with.
async fn shows_picture(response: Response) -> bool {
    let (response, live) = transport::testing::begin_live(response);
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
    let path = path.replace("{id}", name);
    path.replace("{*path}", "app.js").replace("{*rest}", "index.css")
}

fn all_routes() -> Vec<(Method, String, Need)> {
    routes::all().iter().map(|(method, path, need)| (method.clone(), path.to_owned(), need)).collect()
}

/// The guide's table is the one that the router is built from.
#[test]
fn the_guide_names_the_right_of_every_route() {
    let mut table = String::new();
    for (method, path, need) in all_routes() {
        let need = match need {
            Need::Nothing => "nothing".to_owned(),
            Need::Any => "any key".to_owned(),
            Need::On(Scope::Live) => "`view` on the stream, or a link to it".to_owned(),
            Need::Somewhere(Scope::Live) => "`view`, or a link; shows what it opens".to_owned(),
            Need::On(scope) => format!("`{scope}` on the stream"),
            Need::Somewhere(scope) => format!("`{scope}`; shows what the key may see"),
            Need::Keyed(scope) => format!("`{scope}`, always with a key"),
            Need::LiveOrUpload => "`view`, or a link; to upload frames `publish`".to_owned(),
        };
        writeln!(table, "| `{method} {path}` | {need} |").unwrap();
    }
    let guide = include_str!("../../../../docs/guide/keys.md");
    assert!(
        guide.contains(&table),
        "put this table into docs/guide/keys.md, with the right that you mean:\n{table}"
    );
}

/// What a route with that need answers to a key, a link to `front`, the cookie of a login with `view-front`, or to
/// nobody where watching is public.
fn expected(need: Need, key: &str) -> Result<(), StatusCode> {
    let missing = Err(StatusCode::UNAUTHORIZED);
    let lacking = Err(StatusCode::FORBIDDEN);
    match (need, key) {
        (Need::Nothing, _) | (_, "all") => Ok(()),
        (need, "cookie") => expected(need, "view-front"),
        (Need::Keyed(_), "public") => missing,
        (need, "public") => expected(need, "view-front").map_err(|_lacking| StatusCode::UNAUTHORIZED),
        (Need::On(scope) | Need::Somewhere(scope) | Need::Keyed(scope), "link") => {
            if scope == Scope::Live {
                Ok(())
            } else {
                lacking
            }
        }
        (_, "" | "wrong" | "revoked" | "all-expired") => missing,
        (Need::Any, _) => Ok(()),
        (Need::On(_), "all-yard") => lacking,
        (Need::Somewhere(_) | Need::Keyed(_) | Need::LiveOrUpload, "all-yard") => Ok(()),
        // No WebSocket is asked for here.
        (Need::LiveOrUpload, key) => expected(Need::Somewhere(Scope::Live), key),
        (Need::On(scope) | Need::Somewhere(scope) | Need::Keyed(scope), key) => {
            let own = key.strip_suffix("-front").unwrap();
            if own == scope.of_keys().as_str() || own == "admin" { Ok(()) } else { lacking }
        }
    }
}

const KEYS: [&str; 13] = [
    "link",
    "cookie",
    "public",
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
    // What a login is answered depends on the key in its body, and what others make has a stream of a name of its own.
    let is_alike = |route: &str| !["/api/login", "/session/create", "/analyze"].contains(&route);
    let routes = all_routes().into_iter().filter(|(_, route, _)| is_alike(route));
    // Signed with the secret of all these houses.
    let cookie = cookie(&login(&House::new(with_keys(&[])), "view-front").await);
    let in_an_hour = SystemTime::now() + Duration::from_secs(3600);
    let link = share_token(&secret(), &"front".parse().unwrap(), in_an_hour).unwrap();
    for (method, route, need) in routes {
        for key in KEYS {
            for as_websocket in [false, true] {
                let case = format!("{method} {route}, key {key:?}, WebSocket: {as_websocket}");
                let house = House::new(with_keys(if key == "public" { &[Scope::View] } else { &[] }));
                let mut headers = if as_websocket { upgrade.to_vec() } else { Vec::new() };
                let mut uri = path(&route, "front");
                match key {
                    "" | "public" => {}
                    "link" => uri += &format!("?token={link}"),
                    "cookie" => headers.push(("cookie", &cookie)),
                    key => headers.push(("x-api-key", key)),
                }
                let response = house.ask(&method, &uri, &headers).await;
                let status = response.status();
                let need = match need {
                    Need::LiveOrUpload if as_websocket => Need::Somewhere(Scope::Publish),
                    other => other,
                };
                let need = match need {
                    // Where there are keys, links are made with one.
                    Need::On(scope) if route.ends_with("/share") && key == "public" => Need::Keyed(scope),
                    other => other,
                };
                match expected(need, key) {
                    Ok(()) => {
                        let is_refusal = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                        assert!(!is_refusal, "{case}: {status}");
                    }
                    Err(refusal) => assert_eq!(status, refusal, "{case}"),
                }
                let may_see =
                    matches!(key, "view-front" | "admin-front" | "all" | "link" | "cookie" | "public");
                assert!(may_see || !shows_picture(response).await, "{case}: the picture is in the answer");
                assert_eq!(house.hub.len(), usize::from(!may_delete(&method, &route, key)), "{case}");
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
        (Method::GET, "/api/robot/stream", StatusCode::UNAUTHORIZED),
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
    let house = House::new(Settings {
        keys: Vec::new(),
        public: Scopes::NONE,
        secret: secret(),
        failed_keys_per_minute: None,
    });
    for (method, route, need) in all_routes() {
        let status = house.ask(&method, &path(&route, "yard"), &[]).await.status();
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
    let house =
        House::new(Settings { keys, public: Scopes::NONE, secret: secret(), failed_keys_per_minute: None });
    let mut live = transport::take_live(&mut house.get("/stream/front", "for-an-hour").await).unwrap();
    let start = tokio::time::Instant::now();
    // Heartbeats go on until then.
    while std::future::poll_fn(|cx| live.poll_part(cx)).await.is_some() {}
    assert_eq!(start.elapsed().as_secs().next_multiple_of(10), hour.as_secs());
}

/// A body that sends frames without end.
fn eternal() -> Body {
    let part = format!("--b\r\nContent-Length: {}\r\n\r\n", PICTURE.len()).into_bytes();
    let part = Bytes::from([&part[..], PICTURE, b"\r\n"].concat());
    let parts = transport::testing::every(Duration::from_secs(1), part);
    Body::new(parts)
}

/// For an hour, by the key and by the cookie of a login with it.
#[tokio::test(start_paused = true)]
async fn whatever_a_key_lets_one_begin_ends_with_it() {
    let hour = Duration::from_secs(3600);
    for (method, route, need) in all_routes() {
        if need == Need::Nothing {
            continue;
        }
        for by_cookie in [false, true] {
            let case = format!("{method} {route}, cookie: {by_cookie}");
            let expires = Some(SystemTime::now() + hour);
            let keys = vec![Key { expires, ..key("for-an-hour", &[Scope::Admin], "*") }];
            let house = House::new(Settings { keys, ..with_keys(&[]) });
            let request = Request::builder().method(&method).uri(path(&route, "front"));
            let request = request.header("content-type", "multipart/x-mixed-replace; boundary=b");
            let request = match by_cookie {
                true => request.header("cookie", cookie(&login(&house, "for-an-hour").await)),
                false => request.header("x-api-key", "for-an-hour"),
            };
            let start = tokio::time::Instant::now();
            let mut response = house.dispatch.answer(request.body(eternal()).unwrap()).await;
            if let Some(mut live) = transport::take_live(&mut response) {
                while std::future::poll_fn(|cx| live.poll_part(cx)).await.is_some() {}
            }
            assert!(start.elapsed() <= hour + Duration::from_secs(1), "{case}: {:?}", start.elapsed());
        }
    }
}

/// A JSON body.
async fn post(house: &House, uri: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut request = Request::builder().method(Method::POST).uri(uri).header("host", "hub:5000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    house.dispatch.answer(request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn login(house: &House, key: &str) -> Response {
    post(house, "/api/login", &[], &format!("{{\"key\": \"{key}\"}}")).await
}

/// The cookie as a browser sends it back.
fn cookie(response: &Response) -> String {
    let set = response.headers()["set-cookie"].to_str().unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_login_stands_for_its_key() {
    let house = House::new(with_keys(&[]));
    let response = login(&house, "view-front").await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = cookie(&response);
    assert!(!cookie.contains("view-front"), "the key itself stays out of it");
    let with_cookie = [("cookie", cookie.as_str())];
    assert!(shows_picture(house.ask(&Method::GET, "/stream/front", &with_cookie).await).await);
    let forbidden = house.ask(&Method::DELETE, "/api/streams/front", &with_cookie).await;
    assert_eq!(forbidden.status(), StatusCode::FORBIDDEN);

    let mut revoked = with_keys(&[]);
    revoked.keys.retain(|key| key.name != "view-front");
    let after_restart = House::new(revoked);
    let refused = after_restart.ask(&Method::GET, "/stream/front", &with_cookie).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "its key is gone");

    for wrong in ["", "wrong", "all-expired"] {
        let response = login(&house, wrong).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{wrong:?}");
        assert!(!response.headers().contains_key("set-cookie"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_ends_the_cookie_and_what_was_begun_with_it() {
    let house = House::new(with_keys(&[]));
    let [ended, kept] =
        [cookie(&login(&house, "view-front").await), cookie(&login(&house, "view-front").await)];
    assert_ne!(ended, kept, "each login is one of its own");
    let watch = async |cookie: &str| {
        let mut response = house.ask(&Method::GET, "/stream/front", &[("cookie", cookie)]).await;
        transport::take_live(&mut response).unwrap()
    };
    let (mut ending, mut staying) = (watch(&ended).await, watch(&kept).await);
    let out = post(&house, "/api/logout", &[("cookie", &ended)], "").await;
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert!(std::future::poll_fn(|cx| ending.poll_part(cx)).await.is_none());
    assert!(std::future::poll_fn(|cx| staying.poll_part(cx)).await.is_some());
    let again = house.ask(&Method::GET, "/stream/front", &[("cookie", &ended)]).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    assert!(shows_picture(house.ask(&Method::GET, "/stream/front", &[("cookie", &kept)]).await).await);
    // Another page may not log its visitor out.
    let foreign = [("cookie", kept.as_str()), ("origin", "http://evil.example")];
    assert_eq!(json(post(&house, "/api/logout", &foreign, "").await).await["code"], "ORIGIN_REFUSED");
    post(&house, "/api/logout?token=x", &foreign, "").await;
    assert!(shows_picture(house.ask(&Method::GET, "/stream/front", &[("cookie", &kept)]).await).await);
}

#[tokio::test(start_paused = true)]
async fn a_link_opens_the_views_of_its_stream_alone() {
    let house = House::new(with_keys(&[]));
    house.publish("yard");
    let answer =
        post(&house, "/api/streams/front/share", &[("x-api-key", "view-front")], "{\"seconds\": 60}").await;
    assert_eq!(answer.status(), StatusCode::OK);
    let link = json(answer).await;
    let token = link["token"].as_str().unwrap();
    assert_eq!(link["url"], format!("http://hub:5000/stream/front?token={token}"));
    let get = |uri: &str| house.dispatch.answer(Request::get(uri).body(Body::empty()).unwrap());
    for view in ["", "/mjpeg", "/snapshot.jpg"] {
        assert!(shows_picture(get(&format!("/stream/front{view}?token={token}")).await).await, "{view}");
    }
    for route in all_routes() {
        let (method, route, need) = route;
        let response = house.ask(&method, &format!("{}?token={token}", path(&route, "yard")), &[]).await;
        let is_shut =
            matches!(need, Need::On(_) | Need::Somewhere(Scope::View | Scope::Publish) | Need::Keyed(_));
        assert_eq!(response.status() == StatusCode::FORBIDDEN, is_shut, "{method} {route}");
    }
    for past in
        ["/stream/front?t=-1s&", "/stream/front/snapshot.jpg?t=-1s&", "/api/recordings?", "/stream?t=-1s&"]
    {
        assert_eq!(get(&format!("{past}token={token}")).await.status(), StatusCode::FORBIDDEN, "{past}");
    }
    let again = post(&house, &format!("/api/streams/front/share?token={token}"), &[], "").await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN, "a link makes no links");

    let mut revoked = with_keys(&[]);
    revoked.keys.retain(|key| key.name != "view-front");
    let after_restart = House::new(revoked);
    let refused = after_restart.ask(&Method::GET, &format!("/stream/front?token={token}"), &[]).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "the key that made it is gone");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_wrong_or_over_opens_nothing() {
    let house = House::new(with_keys(&[]));
    let now = SystemTime::now();
    let token =
        |secret: &SigningSecret, until| share_token(secret, &"front".parse().unwrap(), until).unwrap();
    let minute = Duration::from_secs(60);
    let good = token(&secret(), now + minute);
    assert!(shows_picture(house.ask(&Method::GET, &format!("/stream/front?token={good}"), &[]).await).await);
    let foreign = token(&SigningSecret::new(*b"another hub's"), now + minute);
    let login = login(&house, "view-front").await;
    let login = cookie(&login).split_once('=').unwrap().1.to_owned();
    for wrong in [token(&secret(), now - minute), foreign, login, String::new(), "a.b".to_owned()] {
        let response = house.ask(&Method::GET, &format!("/stream/front?token={wrong}"), &[]).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{wrong}");
    }
    for longer_than_its_key in ["all-expired", "wrong", ""] {
        let key = [("x-api-key", longer_than_its_key)];
        assert_eq!(
            post(&house, "/api/streams/front/share", &key, "").await.status(),
            StatusCode::UNAUTHORIZED
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_ends_with_the_key_that_made_it() {
    let until = SystemTime::now() + Duration::from_secs(600);
    let keys = vec![Key { expires: Some(until), ..key("ten-minutes", &[Scope::View], "*") }];
    let house =
        House::new(Settings { keys, public: Scopes::NONE, secret: secret(), failed_keys_per_minute: None });
    let answer = post(&house, "/api/streams/front/share", &[("x-api-key", "ten-minutes")], "").await;
    let ends = json(answer).await["expires_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(SystemTime::from(ends) <= until);
}

/// What a browser sends when somebody opens an address.
const OPENING: [(&str, &str); 2] = [("user-agent", "Mozilla/5.0"), ("accept", "text/html,*/*")];

#[tokio::test(start_paused = true)]
async fn a_browser_is_asked_for_a_key_by_a_page() {
    let house = House::new(with_keys(&[]));
    for (uri, root) in [("/", "./"), ("/recordings", "./"), ("/stream/front/embed?x=/", "./../../")] {
        let response = house.ask(&Method::GET, uri, &OPENING).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"Framehub\"");
        let page = text(response).await;
        assert!(page.contains(&format!("data-hub=\"{root}\"")), "{uri}");
        assert!(!page.contains("assets/"), "it loads nothing");
    }
    let program = house.ask(&Method::GET, "/", &[("accept", "text/html")]).await;
    assert!(program.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
}

#[tokio::test(start_paused = true)]
async fn a_page_opened_by_its_address_loads_its_files() {
    let house = House::new(with_keys(&[]));
    let link = share_token(&secret(), &"front".parse().unwrap(), SystemTime::now() + Duration::from_secs(60))
        .unwrap();
    let uris = ["/?api_key=view-front".to_owned(), format!("/stream/front/embed?token={link}")];
    for uri in uris {
        let page = text(house.ask(&Method::GET, &uri, &OPENING).await).await;
        let from = page.find("assets/~").unwrap();
        let asset = &page[from..from + page[from..].find('"').unwrap()];
        assert!(!asset.contains("view-front") && !asset.contains(&link), "{asset}");
        let none: &[(&str, &str)] = &[];
        assert_eq!(
            house.ask(&Method::GET, &format!("/{asset}"), none).await.status(),
            StatusCode::OK,
            "{asset}"
        );
        let ticket = asset.split('/').nth(1).unwrap();
        let beside = house.ask(&Method::GET, &format!("/assets/{ticket}/recordings/list.js"), none).await;
        assert_eq!(beside.status(), StatusCode::OK);
        let ticket = ticket.trim_start_matches('~');
        let shut = house.ask(&Method::GET, &format!("/stream/front?token={ticket}"), none).await;
        assert_eq!(shut.status(), StatusCode::UNAUTHORIZED, "a ticket is no link");
    }
    assert_eq!(house.ask(&Method::GET, "/assets/~a.b/app.js", &[]).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(start_paused = true)]
async fn another_sites_page_does_nothing_in_its_visitors_name() {
    let house = House::new(with_keys(&[]));
    let cookie = cookie(&login(&house, "all").await);
    let from = |origin: &'static str| [("cookie", cookie.as_str()), ("host", "hub:5000"), ("origin", origin)];
    let foreign = house.ask(&Method::DELETE, "/api/streams/front", &from("http://evil.example")).await;
    assert_eq!(json(foreign).await["code"], "ORIGIN_REFUSED");
    assert_eq!(house.hub.len(), 1);
    let upgrade = [("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-version", "13")];
    let mut wall = upgrade.to_vec();
    wall.push(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="));
    wall.extend(from("http://evil.example"));
    assert_eq!(house.ask(&Method::GET, "/api/wall", &wall).await.status(), StatusCode::FORBIDDEN);
    let own = house.ask(&Method::DELETE, "/api/streams/front", &from("http://hub:5000")).await;
    assert_eq!(own.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_not_used_does_not_hide_whose_name_a_page_acts_in() {
    let house = House::new(with_keys(&[]));
    let login = cookie(&login(&house, "all").await);
    for (name, value) in [("cookie", login.as_str()), ("authorization", "Basic dTphbGw=")] {
        for unused in ["", "?api_key=", "?token=", "?api_key", "?api_key=&token="] {
            let uri = format!("/api/streams/front{unused}");
            let headers = [(name, value), ("host", "hub:5000"), ("origin", "http://evil.example")];
            let refused = house.ask(&Method::DELETE, &uri, &headers).await;
            assert_eq!(json(refused).await["code"], "ORIGIN_REFUSED", "{name}, {unused:?}");
        }
    }
    let basic =
        [("authorization", "Basic dTphbGw="), ("host", "hub:5000"), ("origin", "http://evil.example")];
    let refused = house.ask(&Method::DELETE, "/api/streams/front?token=x", &basic).await;
    assert_eq!(json(refused).await["code"], "ORIGIN_REFUSED", "the password is what is used");
    assert_eq!(house.hub.len(), 1);
}

/// Without keys, and with `server.cors_enabled` as said.
fn open_house(cors: bool) -> House {
    House::with(crate::Settings { cors, ..support::settings() })
}

#[tokio::test(start_paused = true)]
async fn an_open_hub_for_its_own_pages_obeys_no_other() {
    let house = open_house(false);
    let upgrade = [
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    for (method, route, _) in all_routes() {
        for key in ["", "?api_key=x", "?token=x"] {
            let mut headers = vec![("host", "127.0.0.1:5000"), ("origin", "http://evil.example")];
            if method == Method::GET {
                headers.extend(upgrade);
            }
            let answer = house.ask(&method, &format!("{}{key}", path(&route, "front")), &headers).await;
            assert_eq!(json(answer).await["code"], "ORIGIN_REFUSED", "{method} {route}{key}");
        }
    }
    let own = [("host", "127.0.0.1:5000"), ("origin", "http://127.0.0.1:5000")];
    let delete = house.ask(&Method::DELETE, "/api/streams/front", &own).await;
    assert_eq!(delete.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn where_no_key_is_needed_the_name_of_the_hub_matters() {
    let rebound = [("host", "evil.example:5000"), ("user-agent", "Mozilla/5.0")];
    let program = [("host", "evil.example:5000"), ("user-agent", "curl/8")];
    for (house, public) in [(open_house(true), "all"), (House::new(with_keys(&[Scope::View])), "view")] {
        let refused = house.ask(&Method::GET, "/api/streams", &rebound).await;
        assert_eq!(json(refused).await["code"], "HOST_REFUSED", "{public}");
        for headers in [&program[..], &[("host", "127.0.0.1:5000"), ("user-agent", "Mozilla/5.0")]] {
            let answer = house.ask(&Method::GET, "/api/streams", headers).await;
            assert_eq!(answer.status(), StatusCode::OK, "{public}");
        }
    }
    let house = House::new(with_keys(&[]));
    let with_key = [rebound[0], rebound[1], ("x-api-key", "view-front")];
    assert_eq!(house.ask(&Method::GET, "/api/streams", &with_key).await.status(), StatusCode::OK);
    let opening = [rebound[0], OPENING[0], OPENING[1]];
    let page = house.ask(&Method::GET, "/", &opening).await;
    assert_eq!(page.status(), StatusCode::UNAUTHORIZED, "the page that asks for a key is shown");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_only_what_the_request_named() {
    let robot = crate::RobotInfo { stream: Some("cellar".parse().unwrap()), ..support::settings().robot };
    let house = House::with(crate::Settings { auth: with_keys(&[]), robot, ..support::settings() });
    house.publish("cellar");
    let create = async |key: &str| {
        text(post(&house, "/session/create", &[("x-api-key", key)], "{\"robotId\":\"b\"}").await).await
    };
    let before = create("publish-front").await;
    let session =
        json(post(&house, "/session/create", &[("x-api-key", "all")], "{\"robotId\":\"b\"}").await).await;
    assert_eq!(create("publish-front").await, before, "it is told nothing of the session that there is");
    assert!(!before.contains("robot_b") && before.contains("publish"), "{before}");
    assert!(create("all").await.contains(session["sessionId"].as_str().unwrap()));
    for uri in ["/api/robot/stream", "/api/robot/stream/stats"] {
        let refused = house.get(uri, "view-front").await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{uri}");
        assert!(!text(refused).await.contains("cellar"), "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_counted_is_what_may_be_seen() {
    let house = House::new(with_keys(&[]));
    house.publish("cellar");
    post(&house, "/session/create", &[("x-api-key", "all")], "").await;
    for (key, streams, sessions) in [("all", 3, 1), ("view-front", 1, 0), ("", 0, 0), ("wrong", 0, 0)] {
        let health = json(house.get("/health", key).await).await;
        let counted = (&health["active_streams"], &health["active_sessions"]);
        assert_eq!(counted, (&streams.into(), &sessions.into()), "{key:?}");
    }
    let metrics = text(house.get("/metrics", "view-front").await).await;
    for of_all in ["framehub_recorded", "framehub_rendition", "framehub_connections", "framehub_frame_age"] {
        assert!(!metrics.contains(of_all), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_tries_keys_is_made_to_wait() {
    let house = House::new(Settings { failed_keys_per_minute: Some(3), ..with_keys(&[]) });
    let ask = |address: [u8; 4], key: &str| {
        let mut request = Request::get("/stream/front/snapshot.jpg").header("x-api-key", key);
        let peer = std::net::SocketAddr::from((address, 1));
        request = request.extension(axum::extract::ConnectInfo(peer));
        house.dispatch.answer(request.body(Body::empty()).unwrap())
    };
    let (guesser, neighbour) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    for guess in ["one", "two", "two", "two", "three"] {
        assert_eq!(ask(guesser, guess).await.status(), StatusCode::UNAUTHORIZED);
    }
    let waits = ask(guesser, "view-front").await;
    assert_eq!(waits.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(waits.headers()["retry-after"], "20");
    assert!(shows_picture(ask(neighbour, "view-front").await).await);
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(shows_picture(ask(guesser, "view-front").await).await);
}
