//! The live streams, and the rooms that know more about each: its recorder, its source, its derived forms.

use access::Grant;
use hub::{Hub, Stream, StreamName};
use record::Recordings;
use sessions::Sessions;
use sources::Sources;

use crate::error::ApiError;

#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) hub: Hub,
    pub(crate) recordings: Recordings,
    pub(crate) sources: Sources,
    pub(crate) simulators: Sessions,
    pub(crate) derive: derive::Registry,
    /// The stream of `/stream`; without it, the oldest live one.
    pub(crate) default: Option<StreamName>,
    /// Of all streams the last choice: whatever is published is of more interest.
    pub(crate) demo: Option<StreamName>,
}

impl Live {
    pub(crate) fn stream(&self, name: &StreamName) -> Result<Stream, ApiError> {
        self.hub.stream(name).ok_or_else(|| ApiError::stream_not_found(name))
    }

    /// The default stream, if the grant shows it; without a configured one, the oldest that it shows.
    pub(crate) fn default_stream(&self, grant: &Grant) -> Option<Stream> {
        self.stream_or_oldest(self.default.as_ref(), grant)
    }

    /// The stream of that name, if the grant shows it; without a name, the oldest that it shows.
    pub(crate) fn stream_or_oldest(&self, name: Option<&StreamName>, grant: &Grant) -> Option<Stream> {
        match name {
            Some(name) => self.hub.stream(name).filter(|stream| grant.shows(stream.name())),
            None => {
                let is_demo = |name: &StreamName| self.demo.as_ref() == Some(name);
                let published = self.hub.oldest_of(|name| grant.shows(name) && !is_demo(name));
                published
                    .or_else(|| self.hub.stream(self.demo.as_ref()?).filter(|demo| grant.shows(demo.name())))
            }
        }
    }
}
