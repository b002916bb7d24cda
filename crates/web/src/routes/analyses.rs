//! Finished analyses of uploads: the list, a result, its files, and the page that shows them. The right to view a
//! session's stream includes its analysis.

use std::sync::Arc;

use access::{Grant, Scope};
use axum::{Json, extract::State, response::Response};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{AnalysisPath, Query};
use crate::{
    auth::{Granted, Ticket},
    download::Download,
    error::ApiError,
    pages,
    upload::Uploading,
};

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// All analyses, as a page.
#[utoipa::path(get, path = "/analyses", operation_id = "analyses_page", tag = "upload",
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn page(ticket: Ticket, headers: HeaderMap) -> Response {
    pages::page("analyses.html", &headers, ticket.0.as_deref())
}

/// One analysis, as a page: the verdict, the video, how both fencers moved.
#[utoipa::path(get, path = "/analyses/{id}", operation_id = "analysis_page", tag = "upload", params(("id" = String, Path)),
    responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn result_page(ticket: Ticket, headers: HeaderMap) -> Response {
    pages::page("analysis.html", &headers, ticket.0.as_deref())
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// Some of the analyses, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnalysisList {
    /// On this page.
    count: usize,
    /// Of those that the key may see.
    total: usize,
    #[schema(value_type = Vec<Object>)]
    analyses: Vec<uploads::Summary>,
}

/// Analyses that have ended, the newest first: of the sessions whose stream the key may see.
#[utoipa::path(get, path = "/api/analyses", operation_id = "list_analyses", tag = "upload", params(
    ("limit" = Option<usize>, Query, description = "1 to 500; 50 by default"),
    ("offset" = Option<usize>, Query, description = "How many to skip")
), responses((status = 200, description = "A page", body = AnalysisList), (status = 400, description = "Malformed query")))]
pub(crate) async fn list(
    State(uploading): State<Arc<Uploading>>,
    Granted(grant): Granted,
    Query(query): Query<ListQuery>,
) -> Result<Json<AnalysisList>, ApiError> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(ApiError::bad_request(
            "BAD_QUERY",
            format!("limit={limit}: allowed is 1 to {MAX_LIMIT}"),
        ));
    }
    let artifacts = uploading.uploads.artifacts().clone();
    let listing =
        uploading.disk.read_on(move || artifacts.list(query.offset, limit, |id| may_see(&grant, id)));
    let page = listing.await?.map_err(|error| {
        let message = format!("referee.output_dir cannot be read: {error}");
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "OUTPUT_UNAVAILABLE", message)
    })?;
    Ok(Json(AnalysisList { count: page.analyses.len(), total: page.total, analyses: page.analyses }))
}

/// A result, with the files that belong to it.
#[utoipa::path(get, path = "/api/analyses/{id}", operation_id = "analysis", tag = "upload", params(("id" = String, Path)),
    responses((status = 200, description = "`analysis_result.json`, and `files`", body = Object), (status = 404, description = "No such analysis")))]
pub(crate) async fn result(
    State(uploading): State<Arc<Uploading>>,
    Granted(grant): Granted,
    AnalysisPath { id, .. }: AnalysisPath,
) -> Result<Json<Value>, ApiError> {
    if !may_see(&grant, &id) {
        return Err(not_found(&id));
    }
    let artifacts = uploading.uploads.artifacts().clone();
    let asked = id.clone();
    let found = uploading
        .disk
        .read_on(move || artifacts.result(&asked).map(|result| (result, artifacts.files(&asked))));
    let (mut result, files) = found.await?.ok_or_else(|| not_found(&id))?;
    if let Some(result) = result.as_object_mut() {
        result.insert("files".into(), json!(files));
    }
    Ok(Json(result))
}

/// One of its files. Ranges are answered, so that videos can be scrubbed.
#[utoipa::path(get, path = "/api/analyses/{id}/{file}", operation_id = "analysis_file", tag = "upload",
    params(("id" = String, Path), ("file" = String, Path)),
    responses((status = 200, description = "The file", content_type = "application/octet-stream"),
        (status = 206, description = "A part of it"), (status = 404, description = "No such file")))]
pub(crate) async fn file(
    State(uploading): State<Arc<Uploading>>,
    Granted(grant): Granted,
    AnalysisPath { id, file: name }: AnalysisPath,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !may_see(&grant, &id) {
        return Err(not_found(&id));
    }
    let artifacts = uploading.uploads.artifacts().clone();
    let (asked, wanted) = (id.clone(), name.clone());
    let opened = uploading.disk.read_on(move || {
        let file = std::fs::File::open(artifacts.file(&asked, &wanted)?).ok()?;
        Download::finished(file, content_type(&wanted)).ok()
    });
    let download = opened.await?.ok_or_else(|| {
        let message = format!("the analysis '{id}' has no such file: GET /api/analyses/{id} lists its files");
        ApiError::new(StatusCode::NOT_FOUND, "FILE_NOT_FOUND", message)
    })?;
    Ok(download.response(&uploading.disk, &method, &headers))
}

/// Only the folder of a session holds an analysis.
fn may_see(grant: &Grant, id: &str) -> bool {
    format!("session_{id}").parse().is_ok_and(|stream| grant.allows(Scope::View, &stream))
}

fn not_found(id: &str) -> ApiError {
    let id: String = id.chars().take(80).collect();
    let message = format!("no analysis '{id}': GET /api/analyses lists those that have ended");
    ApiError::new(StatusCode::NOT_FOUND, "ANALYSIS_NOT_FOUND", message)
}

/// No type that a browser would run.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("mp4") => "video/mp4",
        Some("json") => "application/json",
        Some("jsonl" | "txt" | "csv") => "text/plain; charset=utf-8",
        Some("jpg") => "image/jpeg",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    }
}
