//! The dispatch: where the routes and the tail are joined, and what happens to every request before and after the table
//! of routes. Plain calls rather than layers: a layer costs each published frame a few allocations.

use std::{sync::Arc, time::Duration};

use access::Grant;
use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    App,
    auth::{self, Found, Table},
    browser,
    caller::Caller,
    cors,
    error::ApiError,
    pages, routes,
    routes::simulator,
    transport::{self, PerAddress, Terms},
};

/// Serves the app on `listener` until `shutdown`, and then for as long as its settings give connections to end.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: CancellationToken) {
    let places = Arc::clone(app.connections());
    let settings = app.settings();
    let terms = Terms {
        tls: settings.tls.clone(),
        limits: settings.connections,
        per_address: PerAddress::new(settings.connections.max_per_address, settings.trusted_proxies.clone()),
        shutdown,
    };
    let dispatch = Dispatch::new(app);
    let answer = move |request| {
        let dispatch = dispatch.clone();
        async move { dispatch.answer(request).await }
    };
    transport::serve(listener, places, terms, answer).await;
}

/// Answers requests. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Dispatch {
    app: Arc<App>,
    router: Router,
    table: Arc<Table>,
}

impl Dispatch {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let (router, table) = routes::all().into_parts();
        Self { router: router.with_state(Arc::clone(&app)), table: Arc::new(table), app }
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        let base_path = &self.app.settings().base_path;
        let request = match base_path.enter(request) {
            Ok(request) => request,
            Err(refusal) => return *refusal,
        };
        let mut response = self.answer_inside(request).await;
        base_path.leave(&mut response);
        response
    }

    async fn answer_inside(&self, request: Request) -> Response {
        let origin = cors::origin(self.app.settings(), request.headers());
        let early = if origin.is_some() { cors::preflight(&request) } else { None };
        let is_of_session = request.uri().path().starts_with(simulator::ROUTES);
        let mut response = match early {
            Some(early) => early,
            None => self.enter(request).await,
        };
        if is_of_session {
            ApiError::tell_unsuccessful(&mut response);
        }
        if let Some(origin) = origin {
            cors::open(&mut response, origin);
        }
        response
    }

    /// To the handler, if the request has the right that the route needs.
    async fn enter(&self, mut request: Request) -> Response {
        let found = self.table.find(request.method(), request.uri().path());
        let is_unknown = found == Found::Nowhere;
        let mut deadline = None;
        match self.admit(&found, &request) {
            Ok(Some(grant)) => {
                deadline = grant.deadline();
                request.extensions_mut().insert(grant);
            }
            Ok(None) => {}
            Err(refusal) => return refused(refusal, request.uri().path(), request.headers()),
        }
        if is_unknown {
            return routes::unknown(request.uri()).into_response();
        }
        let mut response = self.route(request).await;
        if let Some(deadline) = deadline {
            transport::end_live_at(&mut response, deadline);
        }
        response
    }

    /// What the request may do. A browser asks what it may send before it sends a key; the answer to that says nothing
    /// else, and no handler sees it.
    fn admit(&self, found: &Found<'_>, request: &Request) -> Result<Option<Grant>, ApiError> {
        let (uri, headers, settings) = (request.uri(), request.headers(), self.app.settings());
        let from = Caller::address_of(&settings.trusted_proxies, headers, request.extensions());
        if let (Some(requests), Some(from)) = (self.app.requests(), from) {
            requests.take(from).map_err(too_many_requests)?;
        }
        if request.method() == Method::OPTIONS {
            return Ok(None);
        }
        let guard = self.app.guard();
        // Where all is open to pages of every origin, so are the WebSockets.
        let is_own_affair = guard.is_open() && settings.cors && settings.allowed_origins.is_empty();
        if !is_own_affair && headers.contains_key(header::ORIGIN) {
            let caller = Caller::of(&settings.trusted_proxies, uri, headers, request.extensions());
            auth::origin::check(
                request.method(),
                uri,
                headers,
                caller.host.as_deref(),
                &settings.allowed_origins,
            )?;
        }
        Ok(Some(auth::admit(guard, found, uri, headers, from)?))
    }

    async fn route(&self, request: Request) -> Response {
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn too_many_requests(wait: Duration) -> ApiError {
    let message =
        "too many requests from this address: ask less often, or raise limits.requests_per_second of the hub";
    ApiError::too_often("TOO_MANY_REQUESTS", message, wait)
}

/// A refusal as a response. RFC 9110, section 11.6.1: a 401 carries a challenge.
///
/// A browser that would show a page is shown the one that asks for a key. The challenge must not open the browser's own
/// box for names and passwords, which would appear for every picture of a page; programs such as ffmpeg, however, wait
/// for exactly that challenge.
fn refused(refusal: ApiError, path: &str, headers: &HeaderMap) -> Response {
    if refusal.status() != StatusCode::UNAUTHORIZED {
        return refusal.into_response();
    }
    let mut response =
        if browser::wants_page(headers) { pages::login(path) } else { refusal.into_response() };
    let challenge = match browser::is_browser(headers) {
        true => "Bearer realm=\"Framehub\"",
        false => "Basic realm=\"Framehub: any name, the API key as password\"",
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
