//! What happens to every request before and after the table of routes. Plain calls rather than layers: a layer costs
//! each published frame a few allocations.

use std::sync::Arc;

use axum::{Router, extract::Request, response::Response};
use tower::ServiceExt;

use crate::{App, auth, cors, routes};

/// Answers requests. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Front {
    app: Arc<App>,
    router: Router,
}

impl Front {
    pub(crate) fn new(app: Arc<App>) -> Self {
        let router = routes::router(Arc::clone(&app));
        Self { app, router }
    }

    pub(crate) async fn answer(&self, request: Request) -> Response {
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
