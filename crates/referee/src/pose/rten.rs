//! The engine rten: pure Rust, on the processor. It is young, so its panics stay here.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rten::{DataType, Dimension, Model, NodeId, RunOptions, ThreadPool, Value, ValueType};

use super::engine::{Engine, Tensor};

pub(super) struct Rten {
    model: Model,
    input: NodeId,
    output: NodeId,
    shape: Vec<Option<usize>>,
    pool: Arc<ThreadPool>,
}

impl Rten {
    /// A model from the bytes of its file. `threads` is 0 for one a core.
    pub(super) fn load(bytes: Cow<'static, [u8]>, threads: usize) -> Result<Self, String> {
        super::onnx::check(&bytes)?;
        contained(|| {
            let model = match bytes {
                Cow::Borrowed(bytes) => Model::load_static_slice(bytes),
                Cow::Owned(bytes) => Model::load(bytes),
            };
            let model = model.map_err(|error| error.to_string())?;
            let (&[input], Some(&output)) = (model.input_ids(), model.output_ids().first()) else {
                return Err("it has not one input and an output".into());
            };
            let info = model.node_info(input).ok_or("its input is not described")?;
            if info.dtype().is_some_and(|kind| kind != ValueType::Tensor(DataType::Float)) {
                return Err("its input is not made of 32-bit floating point numbers".into());
            }
            let shape = info.shape().ok_or("the shape of its input is not described")?;
            let shape = shape.into_iter().map(fixed).collect();
            let cores = || std::thread::available_parallelism().map_or(1, usize::from);
            let threads = if threads == 0 { cores() } else { threads };
            let pool = Arc::new(ThreadPool::with_num_threads(threads));
            Ok(Self { model, input, output, shape, pool })
        })
    }
}

impl Engine for Rten {
    fn input(&self) -> Vec<Option<usize>> {
        self.shape.clone()
    }

    fn run(&self, input: Tensor) -> Result<Tensor, String> {
        contained(|| {
            let value =
                Value::from_shape(input.shape.as_slice(), input.data).map_err(|error| error.to_string())?;
            let options = RunOptions::default().with_thread_pool(Some(self.pool.clone()));
            let [output] = self
                .model
                .run_n(vec![(self.input, value.into())], [self.output], Some(options))
                .map_err(|error| error.to_string())?;
            let (shape, data) = output
                .into_shape_vec::<f32, 3>()
                .map_err(|error| format!("its output is not 1x56xN floating point numbers: {error}"))?;
            Ok(Tensor { shape: shape.to_vec(), data })
        })
    }
}

fn fixed(side: Dimension) -> Option<usize> {
    match side {
        Dimension::Fixed(side) => Some(side),
        Dimension::Symbolic(_) => None,
    }
}

/// Turns what the engine throws into an error. A model is not changed by a run, which is why asserting unwind safety
/// is sound; one that fails to load is dropped.
fn contained<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("the engine gave up on it".into()))
}
