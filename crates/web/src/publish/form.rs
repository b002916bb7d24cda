//! A form with the picture in the field `frame`.

use wire::multipart::{Event, Part};

use super::{
    Publishing,
    incoming::Incoming,
    multipart::{MAX_HEADER_BYTES, bad_multipart, parser},
};
use crate::error::ApiError;

/// The form field that carries the picture.
const FIELD: &str = "frame";

/// The field with the picture; the others are skipped.
pub(super) async fn read(
    publishing: &Publishing,
    boundary: &str,
    mut body: Incoming,
) -> Result<Part, ApiError> {
    let max = publishing.admission.limits().max_bytes;
    if body.announced().is_some_and(|length| length > (max + MAX_HEADER_BYTES) as u64) {
        return Err(publishing.admission.limits().too_large().into());
    }
    let mut parser = parser(publishing, boundary, body.announced()).close_required();
    let mut found = None;
    let mut others = Vec::new();
    while let Some(chunk) = body.next().await? {
        let mut input = &chunk[..];
        while let Some(event) = parser.feed(&mut input).map_err(|error| bad_multipart(publishing, &error))? {
            let Event::Part(part) = event else { continue };
            match part.headers.name() {
                Some(FIELD) if found.is_none() => found = Some(part),
                Some(FIELD) => {
                    return Err(ApiError::bad_request("MANY_FRAMES", "send one field 'frame' a request"));
                }
                other if others.len() < 8 => {
                    others.push(other.unwrap_or("(unnamed)").chars().take(40).collect())
                }
                _ => {}
            }
        }
    }
    parser.finish().map_err(|error| bad_multipart(publishing, &error))?;
    found.ok_or_else(|| missing_field(&others))
}

fn missing_field(others: &[String]) -> ApiError {
    let got =
        if others.is_empty() { "no field at all".to_owned() } else { format!("only {}", others.join(", ")) };
    let message = format!("the form has no field 'frame' ({got}): send the picture in the field 'frame'");
    ApiError::bad_request("MISSING_FRAME", message)
}
