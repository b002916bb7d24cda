//! One publisher's way into one stream.

use std::sync::Arc;

use bytes::Bytes;
use hub::{CaptureTime, Claim, ClaimError, Frame, Hub, NewFrame, Publisher, StreamName};

use wire::Mended;

use crate::{Admission, Error, Jpeg, mended, now};

/// A picture as it arrives, with what its sender says of it.
#[derive(Debug, Clone, Default)]
pub struct IncomingFrame {
    pub bytes: Bytes,
    pub captured: Option<CaptureTime>,
    /// The sender's own number.
    pub source_seq: Option<u64>,
    /// A JSON object in text form, checked and bounded by whoever read it.
    pub metadata: Option<Arc<str>>,
}

/// Takes pictures into a stream, which the first good one makes.
#[derive(Debug)]
pub struct Ingest {
    hub: Hub,
    name: StreamName,
    claim: Claim,
    admission: Admission,
    publisher: Option<Arc<Publisher>>,
}

impl Ingest {
    pub fn new(hub: &Hub, name: StreamName, claim: Claim, admission: Admission) -> Self {
        Self { hub: hub.clone(), name, claim, admission, publisher: None }
    }

    /// Fails if the first frame would be refused now, whatever it is.
    ///
    /// # Errors
    /// Why the stream cannot be claimed.
    pub fn check_claim(&self) -> Result<(), ClaimError> {
        self.hub.check_claim(&self.name, self.claim, now())
    }

    /// Claims the stream, and makes it if it is new, without waiting for a frame.
    ///
    /// # Errors
    /// Why the stream cannot be claimed.
    pub fn claim(&mut self) -> Result<&Arc<Publisher>, ClaimError> {
        match &mut self.publisher {
            Some(publisher) => Ok(publisher),
            none => Ok(none.insert(Arc::new(self.hub.publisher(&self.name, self.claim, now())?))),
        }
    }

    pub fn name(&self) -> &StreamName {
        &self.name
    }

    /// The claim on the stream, once the first good frame has made it.
    pub fn publisher(&self) -> Option<Arc<Publisher>> {
        self.publisher.clone()
    }

    /// Gives the claim back; the next frame claims the stream anew.
    pub fn release(&mut self) {
        self.publisher = None;
    }

    /// Takes a picture into the stream.
    ///
    /// # Errors
    /// What is wrong with the picture, which is counted, or with the stream.
    pub async fn frame(&mut self, frame: IncomingFrame) -> Result<Arc<Frame>, Error> {
        let IncomingFrame { bytes, captured, source_seq, metadata } = frame;
        let jpeg = self.admission.admit(bytes).await.inspect_err(|_| self.count_rejected())?;
        let Jpeg { payload, format, mended, .. } = jpeg;
        let frame = self.publish(NewFrame { payload, format, captured, source_seq, metadata })?;
        self.note(&mended);
        Ok(frame)
    }

    /// Publishes a picture that needs no admission, because this process has made or admitted it.
    ///
    /// # Errors
    /// The stream takes no frames of this publisher.
    pub fn publish(&mut self, frame: NewFrame) -> Result<Arc<Frame>, Error> {
        Ok(self.claim()?.publish(frame, now())?)
    }

    /// Notes what was mended about the pictures of a stream that is there.
    pub fn note(&self, mended: &[Mended]) {
        if let Some(publisher) = &self.publisher {
            mended::note(publisher.stream(), mended);
        }
    }

    /// Counts a picture that was refused before it came here.
    pub fn count_rejected(&self) {
        self.admission.count_rejected();
        if let Some(stream) = self.hub.stream(&self.name) {
            stream.count_rejected();
        }
    }
}
