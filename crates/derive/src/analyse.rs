//! Live analyses: what is found in a stream's newest pictures, sent with exactly the pictures that it was found in.

use std::{fmt::Debug, sync::Arc};

use hub::Frame;
use serde_json::{Map, Value};

use crate::thread::Make;

/// Of a frame's metadata with the results: it stands before the picture in a message of the wall.
const MAX_METADATA_BYTES: usize = 48 * 1024;

/// Finds something in pictures. Called for one picture of a stream at a time, for several streams at once.
pub trait Analyser: Debug + Send + Sync {
    /// As it is asked for, and as its results are called in the metadata; such as `pose`.
    fn name(&self) -> &'static str;

    /// Whether it can be used.
    ///
    /// # Errors
    /// What is missing, and how to mend that.
    fn ready(&self) -> Result<(), String>;

    /// What is found in a JPEG; a few kilobytes. Called on a thread of low priority.
    ///
    /// # Errors
    /// Why this picture cannot be analysed.
    fn analyse(&self, jpeg: &[u8]) -> Result<Value, String>;
}

pub(crate) fn analyse(analyser: Arc<dyn Analyser>) -> Make {
    Box::new(move |frame| {
        let found = analyser.analyse(&frame.payload)?;
        let metadata = with_result(frame.metadata.as_deref(), analyser.name(), found)?;
        Ok(Some(Frame { metadata: Some(metadata), ..frame.clone() }))
    })
}

/// The publisher's metadata, and the result under its name.
fn with_result(published: Option<&str>, name: &str, found: Value) -> Result<Arc<str>, String> {
    let mut members: Map<String, Value> =
        published.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    members.insert(name.to_owned(), found);
    let text = Value::Object(members).to_string();
    if text.len() > MAX_METADATA_BYTES {
        return Err(format!("{} bytes were found; at most {MAX_METADATA_BYTES} go with a frame", text.len()));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_published_with_a_frame_stays() {
        let text = with_result(Some(r#"{"robot":"r2","pose":1}"#), "pose", json!([1])).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"robot": "r2", "pose": [1]}));
        assert_eq!(&*with_result(None, "pose", json!([])).unwrap(), r#"{"pose":[]}"#);
        assert!(with_result(None, "pose", "x".repeat(50_000).into()).is_err());
    }
}
