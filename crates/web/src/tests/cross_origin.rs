//! What responses tell browsers about pages of other origins.

use http::Method;

use super::support::{House, house_with, settings};
use crate::Settings;

const APP: (&str, &str) = ("origin", "https://app.example");

fn house(cors: bool, allowed: &[&str]) -> House {
    let allowed_origins = allowed.iter().map(|&origin| origin.to_owned()).collect();
    let house = house_with(Settings { cors, allowed_origins, ..settings() });
    house.publish("cam", b"\xff\xd8 a picture \xff\xd9");
    house
}

#[tokio::test]
async fn a_page_elsewhere_may_ask_first_for_whatever_the_api_takes() {
    let house = house(true, &[]);
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
        let asking = [
            APP,
            ("access-control-request-method", method),
            ("access-control-request-headers", "content-type,x-api-key,x-frame-metadata"),
            ("access-control-request-private-network", "true"),
        ];
        let answer = house.send(Method::OPTIONS, "/publish/cam", &asking, "").await;
        assert_eq!(answer.status, 204);
        assert!(answer.header("access-control-allow-methods").split(", ").any(|known| known == method));
        assert_eq!(answer.header("access-control-allow-headers"), "content-type,x-api-key,x-frame-metadata");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-private-network"), "true");
    }
    let plain = [APP, ("access-control-request-method", "POST")];
    let answer = house.send(Method::OPTIONS, "/publish/cam", &plain, "").await;
    assert_eq!(answer.header("access-control-allow-private-network"), "", "it was not asked for");
}

#[tokio::test]
async fn pictures_are_shown_where_other_pages_are_wanted() {
    for (cors, policy, reader) in [(true, "cross-origin", "*"), (false, "same-origin", "")] {
        let house = house(cors, &[]);
        for uri in ["/stream/cam/snapshot.jpg", "/stream/cam/embed", "/api/streams", "/nowhere"] {
            let answer = house.send(Method::GET, uri, &[APP], "").await;
            assert_eq!(answer.header("cross-origin-resource-policy"), policy, "{uri}");
            assert_eq!(answer.header("access-control-allow-origin"), reader, "{uri}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{uri}");
            assert_eq!(answer.header("vary"), "", "{uri}");
        }
    }
    let house = house(false, &[]);
    let preflight =
        [APP, ("access-control-request-method", "POST"), ("access-control-request-private-network", "1")];
    let answer = house.send(Method::OPTIONS, "/publish/cam", &preflight, "").await;
    assert_eq!(answer.header("access-control-allow-private-network"), "");
    assert_eq!(answer.header("access-control-allow-methods"), "");
}

#[tokio::test]
async fn what_is_said_to_one_origin_is_kept_for_no_other() {
    let house = house(true, &["https://app.example"]);
    for (origin, reader) in [(Some(APP), APP.1), (Some(("origin", "https://evil.example")), ""), (None, "")] {
        let headers: Vec<(&str, &str)> = origin.into_iter().collect();
        let answer = house.send(Method::GET, "/stream/cam/snapshot.jpg", &headers, "").await;
        assert_eq!(answer.header("access-control-allow-origin"), reader);
        assert_eq!(answer.header("vary"), "Origin");
    }
}
