//! Bodies of several parts, within the hub's limits.

use http::StatusCode;
use wire::multipart::{self, Limits, Parser};

use super::Publishing;
use crate::error::ApiError;

/// Enough for any client's part header; more is an attack.
pub(super) const MAX_HEADER_BYTES: usize = 8 * 1024;

pub(super) fn parser(publishing: &Publishing, boundary: &str, announced: Option<u64>) -> Parser {
    Parser::new(boundary, limits(publishing)).with_total(announced)
}

pub(super) fn limits(publishing: &Publishing) -> Limits {
    Limits { max_part_bytes: publishing.admission.limits().max_bytes, max_header_bytes: MAX_HEADER_BYTES }
}

pub(super) fn bad_multipart(publishing: &Publishing, error: &multipart::Error) -> ApiError {
    match error {
        // The same trouble as in a body that is the picture itself, so the same words.
        multipart::Error::PartTooLarge { .. } => publishing.admission.limits().too_large().into(),
        multipart::Error::NotPictures { .. } => {
            ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.code(), error.to_string())
        }
        _ => ApiError::bad_request(error.code(), error.to_string()),
    }
}
