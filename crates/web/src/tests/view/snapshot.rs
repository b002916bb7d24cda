//! One frame as a JPEG: the newest, the one after the one that the client has, or none.

use std::time::{Duration, SystemTime};

use http::{Method, StatusCode};
use tokio::time::Instant;

use super::super::support::{house, jpeg, picture};

const URI: &str = "/stream/cam/snapshot.jpg";

#[tokio::test]
async fn it_is_the_newest_frame_with_its_number() {
    let house = house();
    for number in 1..=3 {
        house.publish("cam", &picture(number));
    }
    let answer = house.get(URI).await;
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &picture(3)[..]));
    assert_eq!(answer.header("content-type"), "image/jpeg");
    assert!(answer.header("etag").starts_with("\"3-"), "{}", answer.header("etag"));
    assert_eq!(answer.header("x-frame-seq"), "3");
    assert!(answer.header("x-timestamp").parse::<f64>().unwrap() > 1.7e9);
    assert!(answer.header("x-frame-age-ms").parse::<f64>().unwrap() >= 0.0);
    assert_eq!(answer.header("cache-control"), "no-cache, no-store, must-revalidate");
    let viewers = house.get("/api/streams/cam/stats").await.json()["viewer_count"].clone();
    assert_eq!(viewers, 0, "nobody has stayed");
}

#[tokio::test]
async fn head_has_the_headers_alone() {
    let house = house();
    house.publish("cam", &picture(1));
    let answer = house.send(Method::HEAD, URI, &[], "").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
    assert!(answer.header("etag").starts_with("\"1-"));
    assert_eq!(answer.header("content-type"), "image/jpeg");
    assert_eq!(answer.header("content-length"), picture(1).len().to_string());
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let house = house();
    house.publish("cam", &picture(1));
    let tag = house.get(URI).await.header("etag").to_owned();
    for tags in [tag.clone(), format!("W/{tag}"), format!("\"7\", {tag}"), "*".into()] {
        let answer = house.send(Method::GET, URI, &[("If-None-Match", &tags)], "").await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0), "{tags}");
        assert_eq!(answer.header("etag"), tag);
    }
    let other = house.send(Method::GET, URI, &[("If-None-Match", "\"2\"")], "").await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn a_frame_of_a_stream_made_anew_is_another_one() {
    let house = house();
    let mut tags: Vec<String> = Vec::new();
    for number in 1..=3 {
        house.publish("cam", &picture(number));
        let known = tags.last().cloned().unwrap_or_default();
        let followed = house.send(Method::GET, URI, &[("If-None-Match", &known)], "").await;
        assert_eq!((followed.status, &followed.body[..]), (StatusCode::OK, &picture(number)[..]));
        for after in [known.clone(), known.trim_matches('"').to_owned()] {
            let polled = house.get(&format!("{URI}?after={}", after.replace('"', "%22"))).await;
            assert!(after.is_empty() || polled.body == picture(number), "at once: {after}");
        }
        tags.push(followed.header("etag").to_owned());
        house.app.live().hub.remove(&"cam".parse().unwrap());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn what_pages_write_against_caches_breaks_no_picture() {
    let house = house();
    house.publish("cam", &picture(1));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let (seconds, millis) = (now.as_secs(), now.as_millis());
    for query in [
        format!("t={seconds}"),
        format!("t={millis}"),
        format!("t={millis}&t={millis}"),
        format!("{seconds}"),
        format!("_={millis}&ts={seconds}&cb=x&rnd=0.123"),
        "&".into(),
        "?".into(),
        "fps=5&fps=5".into(),
        format!("fps=5&amp;t={millis}&width"),
        "t=%zz&a=%".into(),
    ] {
        let query = query.replace("&width", "").replace("t=%zz&", "");
        for view in
            ["/stream/cam/snapshot.jpg", "/stream/cam", "/stream/cam/mjpeg", "/stream", "/stream/cam/embed"]
        {
            let answer = house.send(Method::HEAD, &format!("{view}?{query}"), &[], "").await;
            assert_eq!(answer.status, StatusCode::OK, "{view}?{query}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_newer_frame_is_waited_for() {
    let house = house();
    house.publish("cam", &picture(1));
    let at_once = house.get(&format!("{URI}?after=0")).await;
    assert_eq!(at_once.body, picture(1));
    let publish = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        house.publish("cam", &picture(2));
    };
    let begun = Instant::now();
    let uri = format!("{URI}?after=1");
    let (answer, ()) = tokio::join!(house.get(&uri), publish);
    assert_eq!((answer.status, &answer.body[..]), (StatusCode::OK, &picture(2)[..]));
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    let of_the_stream_before = house.get(&format!("{URI}?after=1000")).await;
    assert_eq!(of_the_stream_before.body, picture(2), "a number that was never given: of a stream made anew");
}

#[tokio::test(start_paused = true)]
async fn none_newer_is_said_in_time() {
    let house = house();
    house.publish("cam", &picture(1));
    for (query, secs) in [("after=1", 25), ("after=1&timeout=3", 3), ("after=1&timeout=999", 25)] {
        let begun = Instant::now();
        let answer = house.get(&format!("{URI}?{query}")).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{query}");
        assert!(answer.header("etag").starts_with("\"1-"), "{query}");
        assert_eq!(begun.elapsed().as_secs(), secs, "{query}");
    }
    let wrong = house.get(&format!("{URI}?after=1&timeout=-1")).await;
    assert_eq!((wrong.status, &*wrong.code()), (StatusCode::BAD_REQUEST, "BAD_QUERY"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_there_or_has_no_frame_is_said() {
    let house = house();
    let answer = house.get(URI).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "STREAM_NOT_FOUND"));
    let _publisher = house.claim("cam");
    let begun = Instant::now();
    let answer = house.get(URI).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "NO_FRAME"));
    assert_eq!(begun.elapsed().as_secs(), 5);
    let delete = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        house.app.live().hub.remove(&"cam".parse().unwrap());
    };
    let (gone, ()) = tokio::join!(house.get(URI), delete);
    assert_eq!((gone.status, &*gone.code()), (StatusCode::NOT_FOUND, "STREAM_NOT_FOUND"), "ended meanwhile");
}

#[tokio::test]
async fn a_smaller_one_is_made_for_the_request() {
    let house = house();
    house.publish("cam", &jpeg(64, 48));
    let answer = house.get(&format!("{URI}?width=32")).await;
    let picture = media::jpeg::decode(&answer.body, 10_000).unwrap();
    assert_eq!((answer.status, picture.width, picture.height), (StatusCode::OK, 32, 24));
    assert_eq!(answer.header("x-frame-seq"), "1");
    let known = [("If-None-Match", answer.header("etag"))];
    let known = house.send(Method::GET, &format!("{URI}?width=32"), &known, "").await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
}
