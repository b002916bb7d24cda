//! Says what was odd about a stream's pictures and mended: in its statistics, and once in the log.

use hub::Stream;
use wire::Mended;

/// Notes what was mended; a clean picture costs nothing here.
pub(crate) fn note(stream: &Stream, mended: &[Mended]) {
    for what in mended {
        if stream.remark(what.text()) {
            tracing::info!(stream = %stream.name(), "what comes in is odd, and is mended: {}", what.text());
        }
    }
}
