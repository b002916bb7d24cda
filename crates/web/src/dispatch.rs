//! The dispatch: what happens to every request before and after its handler. Plain calls rather than layers: a layer
//! costs each published frame several allocations.

use std::sync::Arc;

use axum::{
    extract::{FromRef, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use tokio::net::TcpListener;
use transport::Terms;

use crate::{
    App, BasePath,
    auth::{Access, Need},
    browser, caller,
    cors::Openness,
    error::ApiError,
    host, pages,
    router::{Found, Router},
    routes::{self, simulator},
};

/// Serves the app on `listener` until its shutdown, and then for as long as its settings give connections to end.
pub async fn serve(listener: TcpListener, app: App) {
    let terms = Terms::from_ref(&app);
    let dispatch = Dispatch::new(app);
    let answer = move |mut request| {
        let dispatch = dispatch.clone();
        async move {
            match host::name_one(&mut request) {
                Ok(()) => dispatch.answer(request).await,
                Err(refusal) => ([(header::CONNECTION, "close")], refusal).into_response(),
            }
        }
    };
    transport::serve(listener, terms, answer).await;
}

/// Answers requests. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Dispatch {
    app: App,
    access: Arc<Access>,
    base_path: BasePath,
    router: Arc<Router<App>>,
}

impl Dispatch {
    pub(crate) fn new(app: App) -> Self {
        Self {
            access: FromRef::from_ref(&app),
            base_path: FromRef::from_ref(&app),
            router: Arc::new(routes::all()),
            app,
        }
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        let base_path = self.base_path.behind(&self.prefix(&request));
        let mut request = match self.base_path.enter(request, &base_path) {
            Ok(request) => request,
            Err(refusal) => return *refusal,
        };
        if !base_path.is_root() {
            request.extensions_mut().insert(base_path.clone());
        }
        let mut response = self.answer_inside(request).await;
        base_path.leave(&mut response);
        response
    }

    /// What a trusted proxy has taken off the request's path.
    fn prefix(&self, request: &Request) -> BasePath {
        caller::prefix(&self.access.trusted_proxies, request.headers(), request.extensions())
    }

    async fn answer_inside(&self, request: Request) -> Response {
        let openness = Openness::of(&self.access, &request);
        let is_of_session = request.uri().path().starts_with(simulator::ROUTES);
        let mut response = match openness.preflight(&request) {
            Some(answer) => answer,
            None => self.enter(request).await,
        };
        if is_of_session {
            ApiError::mark_unsuccessful(&mut response);
        }
        pages::protect(&mut response, &self.access.allowed_origins);
        openness.describe(&mut response);
        response
    }

    /// To the handler, if the request has the right that its route needs.
    async fn enter(&self, mut request: Request) -> Response {
        let found = self.router.find(request.method(), request.uri().path());
        let (need, name) = match &found {
            Found::Route(route, params) => (route.need, params.get(0)),
            Found::WrongMethod(_) | Found::Nowhere => (Need::Any, None),
        };
        let grant = match self.access.admit(need, name, &request) {
            Ok(grant) => grant,
            Err(refusal) => return refused(refusal, request.uri().path(), request.headers()),
        };
        let (route, params) = match found {
            Found::Route(route, params) => (route, params),
            Found::WrongMethod(allow) => return wrong_method(request.method(), request.uri(), allow),
            Found::Nowhere => return unknown(request.uri()).into_response(),
        };
        // What needs no right, such as logging out, does not end with one.
        let ending = grant.clone().filter(|grant| need != Need::Nothing && grant.can_end());
        if let Some(grant) = grant {
            request.extensions_mut().insert(grant);
        }
        match ending {
            None => route.answer(request, params, self.app.clone()).await,
            Some(grant) => {
                let (path, headers) = (request.uri().path().to_owned(), request.headers().clone());
                // A handler that is given up gives up its request's body, which may have no end.
                tokio::select! {
                    mut response = route.answer(request, params, self.app.clone()) => {
                        transport::end_with(&mut response, grant);
                        response
                    }
                    over = grant.ended() => refused(over.into(), &path, &headers),
                }
            }
        }
    }
}

fn unknown(uri: &Uri) -> ApiError {
    let path: String = uri.path().chars().take(100).collect();
    let message =
        format!("no route {path}: GET /docs lists them all; a stream's name is letters, digits, '_' and '-'");
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}

fn wrong_method(method: &Method, uri: &Uri, allow: String) -> Response {
    let path: String = uri.path().chars().take(100).collect();
    let message = format!("{path} does not take {method}: the Allow header names the methods that it takes");
    let refusal = ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message);
    ([(header::ALLOW, allow)], refusal).into_response()
}

/// A refusal as a response. RFC 9110, section 11.6.1: a 401 carries a challenge.
///
/// A browser that would show a page is shown the one that asks for a key. The challenge must not open the browser's own
/// box for names and passwords, which would appear for every picture of a page; programs such as ffmpeg, however, wait
/// for exactly that challenge.
fn refused(refusal: ApiError, path: &str, headers: &HeaderMap) -> Response {
    if refusal.status != StatusCode::UNAUTHORIZED {
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
