//! The OpenAPI description of the routes, and the page that shows it.

use axum::{
    Json,
    response::{Redirect, Response},
};
use http::HeaderMap;
use utoipa::{
    OpenApi,
    openapi::{PathItem, Response as Described, Server},
};

use super::{Tail, table::Description};
use crate::{BasePath, pages::swagger};

/// This description.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "control", responses((status = 200, description = "The description", content_type = "application/json", body = Object)))]
pub(crate) async fn description(base_path: BasePath) -> Json<utoipa::openapi::OpenApi> {
    let mut description = Description::openapi();
    description.servers = Some(vec![Server::new(base_path.at("/"))]);
    description.paths.paths.values_mut().for_each(describe_refusals);
    Json(description)
}

/// Whatever takes a parameter or a body can be asked wrongly.
fn describe_refusals(path: &mut PathItem) {
    let PathItem { get, put, post, delete, .. } = path;
    for operation in [get, put, post, delete].into_iter().flatten() {
        if operation.parameters.is_some() || operation.request_body.is_some() {
            let refused = || {
                Described::new("A name, a parameter or the body is malformed: `code` and `error` say how")
                    .into()
            };
            operation.responses.responses.entry("400".to_owned()).or_insert_with(refused);
        }
    }
}

/// The page's relative addresses need the slash. So is this one, whatever prefix a proxy takes off.
pub(crate) async fn with_slash() -> Redirect {
    Redirect::to("docs/")
}

pub(crate) async fn page(headers: HeaderMap) -> Response {
    swagger::file("", &headers)
}

pub(crate) async fn page_file(Tail(path): Tail, headers: HeaderMap) -> Response {
    swagger::file(&path, &headers)
}
