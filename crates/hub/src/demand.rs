//! Demand: what readers want of a stream, the only thing that flows upstream.

/// Who is reading a stream right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Demand {
    /// People watching.
    pub viewers: usize,
    /// Recorders, analyses, links.
    pub services: usize,
}

impl Demand {
    /// Whether making a picture now is worth anything to anyone.
    pub fn is_wanted(self) -> bool {
        self.viewers + self.services > 0
    }
}
