//! The front: where the routes and the tail are joined, and what happens to every request before and after the table
//! of routes. Plain calls rather than layers: a layer costs each published frame a few allocations.

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::Method;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    App,
    auth::{self, Found, Table},
    cors, routes, tail,
};

/// Serves the app on `listener` until `shutdown`, and then for as long as its settings give connections to end.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: CancellationToken) {
    let places = Arc::clone(app.connections());
    let limits = app.settings().connections;
    let front = Front::new(app);
    let answer = move |request| {
        let front = front.clone();
        async move { front.answer(request).await }
    };
    tail::serve(listener, places, limits, answer, shutdown).await;
}

/// Answers requests. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    app: Arc<App>,
    router: Router,
    table: Arc<Table>,
}

impl Front {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let (router, table) = routes::all().into_parts();
        Self { router: router.with_state(Arc::clone(&app)), table: Arc::new(table), app }
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
        let crosses_origins = self.app.settings().cors;
        let early = if crosses_origins { cors::preflight(&request) } else { None };
        let mut response = match early {
            Some(early) => early,
            None => self.enter(request).await,
        };
        if crosses_origins {
            cors::open(&mut response);
        }
        response
    }

    /// To the handler, if the request has the right that the route needs.
    async fn enter(&self, mut request: Request) -> Response {
        let found = self.table.find(request.method(), request.uri().path());
        // A browser asks what it may send before it sends a key; the answer says nothing else.
        let admitted = match *request.method() {
            Method::OPTIONS => None,
            _ => Some(self.app.guard().admit(&found, request.uri(), request.headers())),
        };
        let mut deadline = None;
        let is_unknown = found == Found::Nowhere;
        match admitted {
            Some(Ok(grant)) => {
                deadline = grant.deadline();
                request.extensions_mut().insert(grant);
            }
            Some(Err(refusal)) => return auth::refused(refusal),
            None => {}
        }
        if is_unknown {
            return routes::unknown(request.uri()).into_response();
        }
        let mut response = self.route(request).await;
        if let Some(deadline) = deadline {
            tail::end_live_at(&mut response, deadline);
        }
        response
    }

    async fn route(&self, request: Request) -> Response {
        match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
