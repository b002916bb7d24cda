//! The front: where the routes and the tail are joined, and what happens to every request before and after the table
//! of routes. Plain calls rather than layers: a layer costs each published frame a few allocations.

use std::sync::Arc;

use axum::{Router, extract::Request, response::Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::{
    App, auth, cors, routes,
    tail::{self, Terms},
};

/// Serves the app on `listener` until `shutdown`, and then for as long as its settings give connections to end.
pub async fn serve(listener: TcpListener, app: Arc<App>, shutdown: CancellationToken) {
    let places = Arc::clone(app.connections());
    let settings = app.settings();
    let terms = Terms { tls: settings.tls.clone(), limits: settings.connections, shutdown };
    let front = Front::new(app);
    let answer = move |request| {
        let front = front.clone();
        async move { front.answer(request).await }
    };
    tail::serve(listener, places, terms, answer).await;
}

/// Answers requests. Clones share everything.
#[derive(Debug, Clone)]
struct Front {
    app: Arc<App>,
    router: Router,
}

impl Front {
    fn new(app: Arc<App>) -> Self {
        let router = routes::router(Arc::clone(&app));
        Self { app, router }
    }

    async fn answer(&self, request: Request) -> Response {
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
        let crosses_origins = self.app.settings().cors;
        let early = if crosses_origins { cors::preflight(&request) } else { None };
        let mut response = match early.or_else(|| auth::refusal(&self.app, &request)) {
            Some(early) => early,
            None => self.route(request).await,
        };
        if crosses_origins {
            cors::open(&mut response);
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
