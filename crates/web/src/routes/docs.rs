//! The OpenAPI description of the routes, and the page that shows it.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::{StatusCode, header};
use utoipa::{OpenApi, openapi::Server};
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::{Tail, table::Description};
use crate::BasePath;

/// This description.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "control", responses((status = 200, description = "The description", content_type = "application/json", body = Object)))]
pub(crate) async fn description(State(base_path): State<BasePath>) -> Json<utoipa::openapi::OpenApi> {
    let mut description = Description::openapi();
    description.servers = Some(vec![Server::new(base_path.at("/"))]);
    Json(description)
}

/// The page's relative addresses need the slash.
pub(crate) async fn with_slash() -> Redirect {
    Redirect::to("/docs/")
}

pub(crate) async fn page() -> Response {
    file("")
}

pub(crate) async fn page_file(Tail(path): Tail) -> Response {
    file(&path)
}

fn file(path: &str) -> Response {
    match utoipa_swagger_ui::serve(path, Arc::new(Config::from("../openapi.json"))) {
        Ok(Some(SwaggerFile { bytes, content_type, .. })) => {
            ([(header::CONTENT_TYPE, content_type)], bytes.into_owned()).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "the API page cannot be shown");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
