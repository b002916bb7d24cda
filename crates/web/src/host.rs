//! The one host that a request names.

use axum::body::Body;
use http::{HeaderValue, Request, Version, header};

use crate::error::ApiError;

/// One name of one host, where HTTP/1.1 has it. With two, a proxy and this server might each believe another one
/// (RFC 9112 section 3.2). A whole address in the request line counts before the header (section 3.2.2), and HTTP/2 has
/// the name in the address alone.
pub(crate) fn name_one(request: &mut Request<Body>) -> Result<(), ApiError> {
    let named = request.headers().get_all(header::HOST).iter().count();
    let least = usize::from(request.version() == Version::HTTP_11);
    if !(least..=1).contains(&named) {
        let message = format!("the request has {named} Host lines: HTTP/1.1 asks for one");
        return Err(ApiError::bad_request("BAD_HOST", message));
    }
    let authority = request.uri().authority().and_then(|name| HeaderValue::from_str(name.as_str()).ok());
    if let Some(authority) = authority {
        request.headers_mut().insert(header::HOST, authority);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_host_is_found_in_one_place() {
        let named = |uri: &str, host: Option<&str>| {
            let builder =
                host.into_iter().fold(Request::get(uri), |builder, host| builder.header("host", host));
            let version = if host.is_some() { Version::HTTP_11 } else { Version::HTTP_2 };
            let mut request = builder.version(version).body(Body::empty()).unwrap();
            name_one(&mut request).unwrap();
            request.headers().get(header::HOST).map(|host| host.to_str().unwrap().to_owned())
        };
        assert_eq!(named("https://cams.example:8443/", None), Some("cams.example:8443".into()));
        assert_eq!(named("https://cams.example/", Some("other")), Some("cams.example".into()));
        assert_eq!(named("/", Some("cams.example")), Some("cams.example".into()));
        assert_eq!(named("/", None), None);
    }

    #[test]
    fn one_host_is_named_and_no_more() {
        for (version, hosts, is_good) in [
            (Version::HTTP_11, &["a"][..], true),
            (Version::HTTP_11, &[], false),
            (Version::HTTP_11, &["a", "a"], false),
            (Version::HTTP_10, &[], true),
            (Version::HTTP_10, &["a", "b"], false),
            (Version::HTTP_2, &[], true),
        ] {
            let builder = hosts.iter().fold(Request::get("/"), |builder, host| builder.header("host", *host));
            let mut request = builder.version(version).body(Body::empty()).unwrap();
            assert_eq!(name_one(&mut request).is_ok(), is_good, "{version:?} {hosts:?}");
        }
    }
}
