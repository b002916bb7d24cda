//! Faces: the routes of the requirement documents, each thin over `publish/` and `view/`.

pub(crate) mod control;
mod extract;
pub(crate) mod streams;
pub(crate) mod viewer;

pub(crate) use extract::{Name, Query};
