//! A path prefix, for a hub that shares its host name with others: removed from each request before its route is
//! matched, and put in front of each address that an answer names. A trusted proxy that has taken a prefix off by itself
//! says so (`X-Forwarded-Prefix`): it stands in front of ours.
//!
//! The pages build all addresses from their own, so they need not know.

use std::{convert::Infallible, fmt, str::FromStr, sync::Arc};

use axum::{
    extract::{FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, Uri, header, request::Parts, uri::PathAndQuery};

use crate::error::ApiError;

/// Nothing, or segments that each begin with a slash: `/cams`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a base path: it begins with a slash, and between slashes has letters, digits, '-', '.', '_' or '~'"
)]
pub struct InvalidBasePath;

impl FromStr for BasePath {
    type Err = InvalidBasePath;

    /// A slash at the end does not matter.
    fn from_str(text: &str) -> Result<Self, InvalidBasePath> {
        let path = text.strip_suffix('/').unwrap_or(text);
        if path.is_empty() {
            return Ok(Self::default());
        }
        let segments = path.strip_prefix('/').ok_or(InvalidBasePath)?.split('/');
        if segments.into_iter().all(is_segment) { Ok(Self(path.into())) } else { Err(InvalidBasePath) }
    }
}

/// Only what no client encodes, or takes for a way up.
fn is_segment(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    !matches!(text, "" | "." | "..") && text.bytes().all(plain)
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl BasePath {
    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path by which a client asks for `path`, which begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// The request as the routes know it; refused if it lies elsewhere. The client knows the hub `behind` that path.
    pub(crate) fn enter(&self, mut request: Request, behind: &Self) -> Result<Request, Box<Response>> {
        if self.0.is_empty() {
            return Ok(request);
        }
        match self.inner(request.uri()) {
            Inner::Path(uri) => {
                *request.uri_mut() = uri;
                Ok(request)
            }
            Inner::Top => Err(Box::new(behind.to_top(request.uri()))),
            Inner::None => Err(Box::new(self.elsewhere(request.uri()))),
        }
    }

    /// This path behind the one that a proxy has taken off.
    pub(crate) fn behind(&self, outer: &Self) -> Self {
        if outer.0.is_empty() { self.clone() } else { Self(format!("{outer}{self}").into()) }
    }

    /// Puts the base path in front of a redirection within the hub.
    pub(crate) fn leave(&self, response: &mut Response) {
        if self.0.is_empty() {
            return;
        }
        let Some(location) = response.headers_mut().get_mut(header::LOCATION) else { return };
        let inside = location.to_str().ok().filter(|to| to.starts_with('/') && !to.starts_with("//"));
        if let Some(whole) = inside.and_then(|to| HeaderValue::try_from(self.at(to)).ok()) {
            *location = whole;
        }
    }

    fn inner(&self, uri: &Uri) -> Inner {
        let Some(asked) = uri.path_and_query() else { return Inner::None };
        let Some(rest) = asked.as_str().strip_prefix(&*self.0) else { return Inner::None };
        if rest.is_empty() || rest.starts_with('?') {
            return Inner::Top;
        }
        if !rest.starts_with('/') {
            return Inner::None;
        }
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = PathAndQuery::try_from(rest).ok();
        Uri::from_parts(parts).map_or(Inner::None, Inner::Path)
    }

    /// `/cams` is not `/cams/`: the page's relative addresses would miss.
    fn to_top(&self, uri: &Uri) -> Response {
        let query = uri.query().map_or(String::new(), |query| format!("?{query}"));
        (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{self}/{query}"))]).into_response()
    }

    fn elsewhere(&self, uri: &Uri) -> Response {
        let path: String = uri.path().chars().take(100).collect();
        let message =
            format!("no route {path}: all of this hub lies below {self}/, as server.base_path says");
        ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message).into_response()
    }
}

/// As the client of the request knows it.
impl<S: Send + Sync> FromRequestParts<S> for BasePath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// Where a request's path leads.
enum Inner {
    Path(Uri),
    /// The base path itself, without the slash.
    Top,
    None,
}

#[cfg(test)]
mod tests;
