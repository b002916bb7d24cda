//! The JSON routes of a hub: one request, one answer, one connection.

use crate::connect::{self, ANSWER_TIMEOUT, Purpose};
use crate::{Endpoint, Error};
use bytes::Bytes;
use http::{Method, header};
use http_body_util::Full;
use net::http::read_body;
use serde_json::Value;
use tokio::time::timeout;

/// The most that an answer may hold: the statistics of ten thousand streams fit many times over.
const LONGEST_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// `GET path`, JSON back. `path` starts with a slash and is below the endpoint's base.
pub async fn get_json(endpoint: &Endpoint, path: &str) -> Result<Value, Error> {
    let body = call(endpoint, Method::GET, path, None).await?;
    parse(endpoint, path, &body)
}

/// `GET path`, text back: `/metrics`, for example.
pub async fn get_text(endpoint: &Endpoint, path: &str) -> Result<String, Error> {
    let body = call(endpoint, Method::GET, path, None).await?;
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// `POST path` with a JSON body, JSON back.
pub async fn post_json(endpoint: &Endpoint, path: &str, body: &Value) -> Result<Value, Error> {
    let answer = call(endpoint, Method::POST, path, Some(body)).await?;
    parse(endpoint, path, &answer)
}

/// `DELETE path`, JSON back; `Null` for an answer without a body.
pub async fn delete(endpoint: &Endpoint, path: &str) -> Result<Value, Error> {
    let answer = call(endpoint, Method::DELETE, path, None).await?;
    parse(endpoint, path, &answer)
}

async fn call(endpoint: &Endpoint, method: Method, path: &str, json: Option<&Value>) -> Result<Bytes, Error> {
    let url = endpoint.url(path.split('?').next().unwrap_or(path));
    let unusable = |error: http::Error| Error::BadUrl { url: url.clone(), reason: error.to_string() };
    let mut request = connect::request(endpoint, method, path).header(header::CONNECTION, "close");
    if json.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = json.map(Value::to_string).unwrap_or_default();
    let request = request.body(Full::new(Bytes::from(body))).map_err(unusable)?;
    let mut http = connect::open(endpoint, Purpose::Send).await?;
    let answer = http.ask(request, ANSWER_TIMEOUT).await.map_err(|error| Error::at(&url, error))?;
    if !answer.status().is_success() {
        return Err(connect::refusal(&url, answer).await);
    }
    timeout(ANSWER_TIMEOUT, read_body(answer.into_body(), LONGEST_ANSWER_BYTES))
        .await
        .map_err(|_| Error::Timeout { url: url.clone(), what: "the answer's body", after: ANSWER_TIMEOUT })?
        .map_err(|error| Error::at(&url, error))
}

fn parse(endpoint: &Endpoint, path: &str, body: &[u8]) -> Result<Value, Error> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|error| Error::BadReply {
        url: endpoint.url(path),
        reason: format!("its body is not JSON: {error}"),
    })
}
