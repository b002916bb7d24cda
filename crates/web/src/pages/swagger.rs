//! The files of Swagger UI, served as they lie in its release: compressed, in a zip that is part of the binary.

use std::{io::Read, sync::LazyLock};

use axum::response::{IntoResponse, Response};
use flate2::bufread::DeflateDecoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rawzip::{CompressionMethod, ZipArchive, ZipSliceArchive};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

/// Shows our own description in place of Swagger's example.
const INITIALIZER: (&str, &str) = ("swagger-initializer.js", include_str!("swagger-initializer.js"));

/// It styles what it makes.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; \
    base-uri 'none'; form-action 'self'";

/// The file at `path` below `/docs/`.
pub(crate) fn file(path: &str, request: &HeaderMap) -> Response {
    let path = if path.is_empty() { "index.html" } else { path };
    if path == INITIALIZER.0 {
        return ([(header::CONTENT_TYPE, super::content_type(path))], INITIALIZER.1).into_response();
    }
    let found = find(path).map(|found| found.response(super::content_type(path), request));
    found.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

static ARCHIVE: LazyLock<Option<ZipSliceArchive<&[u8]>>> =
    LazyLock::new(|| ZipArchive::from_slice(SWAGGER_UI_VENDORED).ok());

struct Found {
    bytes: &'static [u8],
    is_deflated: bool,
    crc32: u32,
    length: u64,
}

fn find(path: &str) -> Option<Found> {
    let archive = ARCHIVE.as_ref()?;
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry().ok().flatten() {
        let name = entry.file_path();
        // swagger-ui-<version>/dist/<path>
        let in_dist = std::str::from_utf8(name.as_bytes()).ok().and_then(|name| name.split_once("/dist/"));
        if in_dist.is_none_or(|(above, file)| above.contains('/') || file != path || file.is_empty()) {
            continue;
        }
        return Some(Found {
            bytes: archive.get_entry(entry.wayfinder()).ok()?.data(),
            is_deflated: entry.compression_method() == CompressionMethod::DEFLATE,
            crc32: entry.crc32(),
            length: entry.uncompressed_size_hint(),
        });
    }
    None
}

impl Found {
    fn response(self, content_type: HeaderValue, request: &HeaderMap) -> Response {
        let kind = [
            (header::CONTENT_TYPE, content_type),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        ];
        if !self.is_deflated {
            return (kind, self.bytes).into_response();
        }
        if takes_gzip(request) {
            return (kind, [(header::CONTENT_ENCODING, "gzip")], self.gzip()).into_response();
        }
        let mut plain = Vec::new();
        match DeflateDecoder::new(self.bytes).read_to_end(&mut plain) {
            Ok(_) => (kind, plain).into_response(),
            Err(error) => {
                tracing::error!(%error, "the API page cannot be shown");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }

    /// The same deflated bytes between gzip's header and trailer (RFC 1952 section 2.3): nothing is inflated.
    fn gzip(&self) -> Vec<u8> {
        let mut member = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        member.extend_from_slice(self.bytes);
        member.extend_from_slice(&self.crc32.to_le_bytes());
        // The length modulo 2^32.
        member.extend_from_slice(&(self.length as u32).to_le_bytes());
        member
    }
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        name.trim().eq_ignore_ascii_case("gzip")
            && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use flate2::read::GzDecoder;
    use http_body_util::BodyExt;

    use super::*;

    async fn body(response: Response) -> Vec<u8> {
        response.into_body().collect().await.unwrap().to_bytes().into()
    }

    #[tokio::test]
    async fn files_come_as_gzip_or_plain_as_the_client_takes_them() {
        let mut request = HeaderMap::new();
        let plain = body(file("", &request)).await;
        assert!(String::from_utf8(plain.clone()).unwrap().contains("swagger-ui-bundle.js"));
        request.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
        let zipped = file("index.html", &request);
        assert_eq!(zipped.headers()[header::CONTENT_ENCODING], "gzip");
        let mut text = Vec::new();
        GzDecoder::new(&body(zipped).await[..]).read_to_end(&mut text).unwrap();
        assert_eq!(text, plain);
    }

    #[tokio::test]
    async fn the_page_shows_our_own_description_and_nothing_else_of_the_zip() {
        let none = HeaderMap::new();
        let own = String::from_utf8(body(file("swagger-initializer.js", &none)).await).unwrap();
        assert!(own.contains("../openapi.json"));
        for missing in ["none.js", "../package.json", "package.json", "/", "dist/index.html"] {
            assert_eq!(file(missing, &none).status(), StatusCode::NOT_FOUND, "{missing}");
        }
    }
}
