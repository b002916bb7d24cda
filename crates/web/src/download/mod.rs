//! Files over HTTP, whole or in part (RFC 9110, sections 13 and 14): what video players and download managers ask.

mod body;
mod conditions;
mod range;

use std::{fs::File, io, os::unix::fs::MetadataExt, time::SystemTime};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;

use crate::{disk::Disk, error::ApiError};
use body::FileBody;
use conditions::{Validators, Verdict};

pub(crate) use conditions::is_known;
use range::Selection;

/// A file as it stands now.
#[derive(Debug)]
pub(crate) struct Download {
    file: File,
    len: u64,
    validators: Validators,
    content_type: &'static str,
    /// The name under which a browser is to save it.
    save_as: Option<String>,
}

impl Download {
    /// A finished file.
    pub(crate) fn finished(file: File, content_type: &'static str) -> io::Result<Self> {
        let facts = file.metadata()?;
        let (len, inode) = (facts.len(), facts.ino());
        let nanos = i128::from(facts.mtime()) * 1_000_000_000 + i128::from(facts.mtime_nsec());
        let etag = format!("\"{inode:x}-{len:x}-{nanos:x}\"");
        let validators = Validators { etag, modified: modified(&facts), growing: false };
        Ok(Self { file, len, validators, content_type, save_as: None })
    }

    /// A file that grows at its end and is never changed before: its first `len` bytes.
    pub(crate) fn growing(file: File, len: u64, content_type: &'static str) -> io::Result<Self> {
        let facts = file.metadata()?;
        // Its creation time distinguishes it from an older file with the same inode.
        let born = facts.created().ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let etag = format!("\"{:x}-{:x}-growing\"", facts.ino(), born.unwrap_or_default().as_nanos());
        let validators = Validators { etag, modified: modified(&facts), growing: true };
        Ok(Self { file, len: len.min(facts.len()), validators, content_type, save_as: None })
    }

    pub(crate) fn save_as(self, name: Option<&str>) -> Self {
        Self { save_as: name.map(str::to_owned), ..self }
    }

    /// The answer to GET or HEAD.
    pub(crate) fn response(self, disk: &Disk, method: &Method, request: &HeaderMap) -> Response {
        match self.validators.judge(request) {
            Verdict::Send => self.send(disk, method, request),
            Verdict::NotModified => (StatusCode::NOT_MODIFIED, self.validator_headers()).into_response(),
            Verdict::PreconditionFailed => {
                let message = "the recording is not the one that If-Match or If-Unmodified-Since names";
                ApiError::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", message).into_response()
            }
        }
    }

    fn send(self, disk: &Disk, method: &Method, request: &HeaderMap) -> Response {
        let mut headers = self.validator_headers();
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(name) = &self.save_as {
            insert(&mut headers, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
        }
        let (status, part) = match self.select(method, request) {
            Selection::Whole => (StatusCode::OK, 0..self.len),
            Selection::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
            Selection::Unsatisfiable => return self.unsatisfiable(),
        };
        if status == StatusCode::PARTIAL_CONTENT {
            let range = format!("bytes {}-{}/{}", part.start, part.end - 1, self.len);
            insert(&mut headers, header::CONTENT_RANGE, &range);
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
        if method == Method::HEAD {
            return (status, headers).into_response();
        }
        (status, headers, Body::new(FileBody::new(disk.clone(), self.file, part))).into_response()
    }

    /// Section 14.2: a range has a meaning for GET only.
    fn select(&self, method: &Method, request: &HeaderMap) -> Selection {
        let range = request.get(header::RANGE).and_then(|value| value.to_str().ok());
        match range {
            Some(range) if method == Method::GET && self.validators.allow_range(request) => {
                range::select(range, self.len)
            }
            _ => Selection::Whole,
        }
    }

    fn unsatisfiable(&self) -> Response {
        let message = format!("the recording has {} bytes: ask for a range within them", self.len);
        let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE", message);
        let mut response = error.into_response();
        insert(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{}", self.len));
        response
    }

    fn validator_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        // A cache has to ask each time, and must not join parts of a file that grows.
        let caching = if self.validators.growing { "no-store" } else { "private, no-cache" };
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        insert(&mut headers, header::ETAG, &self.validators.etag);
        if let Some(date) = self.validators.last_modified() {
            insert(&mut headers, header::LAST_MODIFIED, &date);
        }
        headers
    }
}

fn modified(facts: &std::fs::Metadata) -> Timestamp {
    Timestamp::from_second(facts.mtime()).unwrap_or_default()
}

pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
