//! What is asked of an engine: it runs one model, from one tensor to one tensor.

/// Numbers, the last dimension's next to each other.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) shape: Vec<usize>,
    pub(super) data: Vec<f32>,
}

/// A loaded model. Its errors are in words, for people.
pub(super) trait Engine: Send + Sync {
    /// The dimensions of its first input; `None` for those that are free.
    fn input(&self) -> Vec<Option<usize>>;

    /// Its first output.
    fn run(&self, input: Tensor) -> Result<Tensor, String>;
}
