//! What is asked of the store, and what it answers.

use hub::StreamName;
use jiff::Timestamp;
use serde::Serialize;

use super::metadata::{Metadata, write_time};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Newest,
    Oldest,
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub stream: Option<StreamName>,
    /// Of these streams alone.
    pub among: Option<Vec<StreamName>>,
    /// Recordings that have something after this time,
    pub from: Option<Timestamp>,
    /// and something before this one.
    pub to: Option<Timestamp>,
    pub order: Order,
    /// 1 to 1000.
    pub limit: usize,
    /// As `Page::next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Page {
    pub recordings: Vec<Metadata>,
    /// All that match, on this page or not.
    pub total: u64,
    pub total_bytes: u64,
    pub next: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamSummary {
    pub name: String,
    pub count: u64,
    pub total_bytes: u64,
    #[serde(serialize_with = "write_time")]
    pub first_time: Timestamp,
    #[serde(serialize_with = "write_time")]
    pub last_time: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Disk {
    pub free_bytes: u64,
    pub total_bytes: u64,
}
