//! Extractors of names, a query or a small body. Their refusals have the form of all our errors.

use std::{collections::BTreeSet, convert::Infallible, error::Error};

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::{StatusCode, Uri, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hub::{InvalidName, StreamName};
use record::RecordingId;
use serde::de::DeserializeOwned;
use transport::GivenUp;

use crate::{error::ApiError, router::Params};

/// Like axum's own, but its refusals have the form of all our errors, and of a parameter that comes twice the last one
/// counts.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let once = parts.uri.query().and_then(without_repetitions);
        let read = match once.and_then(|query| Uri::try_from(format!("/?{query}")).ok()) {
            Some(uri) => axum::extract::Query::try_from_uri(&uri),
            None => axum::extract::Query::from_request_parts(parts, state).await,
        };
        match read {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => {
                let cause = error.source().map_or_else(|| error.body_text(), ToString::to_string);
                Err(ApiError::bad_request("BAD_QUERY", format!("the query: {}", in_words(&cause))))
            }
        }
    }
}

/// A parser's text with its names for kinds of values in words.
fn in_words(text: &str) -> String {
    const WORDS: [(&str, &str); 13] = [
        ("invalid digit found in string", "not a whole number"),
        ("cannot parse integer from empty string", "a number is missing"),
        ("number too large to fit in target type", "too large"),
        ("invalid float literal", "not a number"),
        ("cannot parse float from empty string", "a number is missing"),
        ("provided string was not `true` or `false`", "neither true nor false"),
        ("invalid type: ", ""),
        ("invalid value: ", ""),
        ("expected a boolean", "expected true or false"),
        ("expected f64", "expected a number"),
        ("expected u64", "expected a whole number"),
        ("expected u32", "expected a whole number"),
        ("expected usize", "expected a whole number"),
    ];
    let text = match text.split_once("expected struct ") {
        Some((before, rest)) => {
            let name = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            format!("{before}expected an object{}", &rest[name..])
        }
        None => text.to_owned(),
    };
    WORDS.iter().fold(text, |text, (theirs, ours)| text.replace(theirs, ours))
}

/// The query with the last of each parameter alone; `None` if none comes twice.
fn without_repetitions(query: &str) -> Option<String> {
    let key = |pair: &str| pair.split('=').next().unwrap_or_default().to_owned();
    let pairs: Vec<&str> = query.split('&').collect();
    let mut seen = BTreeSet::new();
    let mut last: Vec<&str> = pairs.iter().rev().copied().filter(|pair| seen.insert(key(pair))).collect();
    last.reverse();
    (last.len() < pairs.len()).then(|| last.join("&"))
}

/// Of a JSON body: commands are small.
const MAX_JSON_BYTES: usize = 64 * 1024;

/// A JSON body; without one, everything has its default. The content type does not matter.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        let bad = |message: String| ApiError::bad_request("BAD_BODY", message);
        let body = Limited::new(request.into_body(), MAX_JSON_BYTES).collect().await;
        let body = body.map_err(|error| unreadable(&*error))?.to_bytes();
        if body.trim_ascii().is_empty() {
            return Ok(Self(T::default()));
        }
        serde_json::from_slice(&body)
            .map(Self)
            .map_err(|error| bad(format!("the body: {}", in_words(&error.to_string()))))
    }
}

fn unreadable(error: &(dyn Error + 'static)) -> ApiError {
    if error.is::<LengthLimitError>() {
        let message = format!("the body is larger than {MAX_JSON_BYTES} bytes, which no command needs");
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", message);
    }
    match GivenUp::find(error) {
        Some(&given_up) => given_up.into(),
        None => ApiError::bad_request("BODY_TRUNCATED", format!("the body broke off: {error}")),
    }
}

/// The stream that the path names.
pub(crate) struct Name(pub(crate) StreamName);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match param(parts, 0) {
            Some(text) => Ok(Self(text.parse()?)),
            None => Err(InvalidName { shown: shown(parts) }.into()),
        }
    }
}

/// The stream and the file of a recording. The file's name is checked by [`RecordingPath::id`].
pub(crate) struct RecordingPath {
    pub(crate) stream: StreamName,
    pub(crate) file: String,
}

impl RecordingPath {
    pub(crate) fn id(&self) -> Result<RecordingId, ApiError> {
        Ok(RecordingId::parse(&self.stream, &self.file)?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RecordingPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match param(parts, 0).zip(param(parts, 1)) {
            Some((stream, file)) => Ok(Self { stream: stream.parse()?, file: file.to_owned() }),
            None => Err(record::Error::BadFileName { shown: shown(parts) }.into()),
        }
    }
}

/// The rest of the path, which a route leaves open; empty where it is not UTF-8.
pub(crate) struct Tail(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Tail {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(param(parts, 0).unwrap_or_default().to_owned()))
    }
}

/// An analysis, and one of its files where the route names one; empty where they are not UTF-8.
pub(crate) struct AnalysisPath {
    pub(crate) id: String,
    pub(crate) file: String,
}

impl<S: Send + Sync> FromRequestParts<S> for AnalysisPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let text = |at| param(parts, at).unwrap_or_default().to_owned();
        Ok(Self { id: text(0), file: text(1) })
    }
}

/// One of the path's parameters, if it is UTF-8.
fn param(parts: &Parts, at: usize) -> Option<&str> {
    parts.extensions.get::<Params>()?.get(at)
}

/// The beginning of the path, short enough for a message of one line.
fn shown(parts: &Parts) -> String {
    parts.uri.path().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Body {
        fps: f64,
        count: u64,
    }

    #[test]
    fn a_refusal_speaks_of_no_type_of_this_program() {
        for body in [
            r#""x""#,
            "[]",
            r#"{"fps":"x"}"#,
            r#"{"fps":1,"count":-1}"#,
            r#"{"fps":1,"count":true}"#,
            "{",
            "{}",
        ] {
            let error = serde_json::from_str::<Body>(body).map_err(|error| in_words(&error.to_string()));
            let text = error.err().unwrap_or_default();
            assert!(!text.is_empty(), "{body}");
            for word in ["struct", "Body", "f64", "u64", "invalid type"] {
                assert!(!text.contains(word), "{body}: {text}");
            }
        }
    }
}
