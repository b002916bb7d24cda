//! The router: one match leads from a request's path and method to its route, that is the right that the route needs
//! and its handler. A route cannot be added without a right.
//!
//! axum's extractors and handlers are used as they are; axum's own router is not, because it would match the path a
//! second time, and allocates more for each published frame.

use std::{fmt, pin::Pin};

use axum::{body::Body, extract::Request, handler::Handler, response::Response};
use http::{HeaderValue, Method, header};
use http_body::Body as _;
use percent_encoding::percent_decode_str;
use utoipa::openapi::HttpMethod;

use crate::auth::Need;

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Routes whose handlers share the state `S`.
pub(crate) struct Router<S> {
    /// Path to its place in `places`.
    paths: matchit::Router<usize>,
    places: Vec<Place<S>>,
}

/// The routes of one path.
struct Place<S> {
    path: String,
    routes: Vec<(Method, Route<S>)>,
}

pub(crate) struct Route<S> {
    pub(crate) need: Need,
    handler: Box<dyn Fn(Request, S) -> Answering + Send + Sync>,
}

/// Where a request's method and path lead.
pub(crate) enum Found<'a, S> {
    Route(&'a Route<S>, Params),
    /// The path exists, with other methods: these, as the header `Allow` lists them.
    WrongMethod(String),
    Nowhere,
}

/// The parameters of the request's path in their order, percent-decoded; `None`: not UTF-8. In the request's
/// extensions.
#[derive(Debug, Clone)]
pub(crate) struct Params(Vec<Option<String>>);

impl Params {
    pub(crate) fn get(&self, at: usize) -> Option<&str> {
        self.0.get(at)?.as_deref()
    }
}

impl<S: Clone + Send + Sync + 'static> Router<S> {
    pub(crate) fn new() -> Self {
        Self { paths: matchit::Router::new(), places: Vec::new() }
    }

    /// Adds a handler under the method and path that its documentation `P` states.
    pub(crate) fn documented<P: utoipa::Path, H, T: 'static>(self, need: Need, handler: H) -> Self
    where
        H: Handler<T, S, Future = Answering>,
    {
        let add = |router: Self, method| router.route(method, P::path(), need, handler.clone());
        P::methods().iter().map(method).fold(self, add)
    }

    pub(crate) fn get<H, T: 'static>(self, path: &str, need: Need, handler: H) -> Self
    where
        H: Handler<T, S, Future = Answering>,
    {
        self.route(Method::GET, path.to_owned(), need, handler)
    }

    fn route<H, T: 'static>(mut self, method: Method, path: String, need: Need, handler: H) -> Self
    where
        H: Handler<T, S, Future = Answering>,
    {
        let handler = Box::new(move |request, state| handler.clone().call(request, state));
        let route = (method, Route { need, handler });
        match self.places.iter_mut().find(|place| place.path == path) {
            Some(place) => place.routes.push(route),
            None => {
                let inserted = self.paths.insert(&path, self.places.len());
                debug_assert!(inserted.is_ok(), "{path}: {inserted:?}");
                self.places.push(Place { path, routes: vec![route] });
            }
        }
        self
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_, S> {
        let Ok(found) = self.paths.at(path) else { return Found::Nowhere };
        let Some(place) = self.places.get(*found.value) else { return Found::Nowhere };
        // HEAD is answered like GET, without the body.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        match place.routes.iter().find(|(known, _)| known == method) {
            Some((_, route)) => {
                let decoded =
                    |text| percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned());
                Found::Route(route, Params(found.params.iter().map(|(_, text)| decoded(text)).collect()))
            }
            None => Found::WrongMethod(place.allow()),
        }
    }

    /// Every route.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Method, &str, Need)> {
        let routes =
            self.places.iter().flat_map(|place| place.routes.iter().map(move |route| (place, route)));
        routes.map(|(place, (method, route))| (method, &*place.path, route.need))
    }
}

impl<S> Place<S> {
    fn allow(&self) -> String {
        let methods = self.routes.iter().map(|(method, _)| match *method {
            Method::GET => "GET,HEAD",
            _ => method.as_str(),
        });
        methods.collect::<Vec<_>>().join(",")
    }
}

impl<S> Route<S> {
    pub(crate) async fn answer(&self, mut request: Request, params: Params, state: S) -> Response {
        let is_head = request.method() == Method::HEAD;
        if !params.0.is_empty() {
            request.extensions_mut().insert(params);
        }
        let mut response = (self.handler)(request, state).await;
        let length = response.body().size_hint().exact();
        if let Some(length) = length.filter(|_| !response.headers().contains_key(header::CONTENT_LENGTH)) {
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        if is_head {
            *response.body_mut() = Body::empty();
        }
        response
    }
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.places.iter().map(|place| &place.path)).finish()
    }
}

fn method(documented: &HttpMethod) -> Method {
    match documented {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}
