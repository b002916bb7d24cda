//! Arrays in: what a frame must be, and its copy into a buffer of ours.
//!
//! A frame is uint8 of height × width × 3 or height × width, or the same in float32 or float64 from 0 to 1, laid out in
//! memory in whatever way. A fourth channel is transparency, which no JPEG has, and is left out. Everything else is refused with what it is and what is wanted.

use numpy::{PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::picture::{Order, Picture};

/// The largest side that is encoded.
const MAX_SIDE: usize = 16_384;

/// Renderers end up a little beside 0 and 1.
const ROUNDING: f64 = 1e-3;

const WANTED: &str = "wanted is uint8 of height×width×3 or ×4 (RGB, RGBA; pass bgr=True for OpenCV's order) or height×width \
                      (grey), or float32 or float64 of these shapes with values from 0 to 1";

/// An array that is a frame by its type and shape. Its values have not been looked at.
pub(crate) struct Frame<'py> {
    array: Bound<'py, PyUntypedArray>,
    element: Element,
    height: usize,
    width: usize,
    /// 1 or 3; of four, the first three.
    channels: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Byte,
    Float,
    Double,
}

impl<'py> Frame<'py> {
    /// # Errors
    /// TypeError for what is no array, ValueError for one that is no frame.
    pub(crate) fn check(frame: &Bound<'py, PyAny>) -> PyResult<Self> {
        let array = match frame.cast::<PyUntypedArray>() {
            Ok(array) => array.clone(),
            Err(_) => as_array(frame)?,
        };
        let refuse = |hint: &str| Err(refusal(&array, hint));
        let (height, width, channels) = match *array.shape() {
            [height, width] | [height, width, 1] => (height, width, 1),
            [height, width, 3] => (height, width, 3),
            [1 | 3 | 4, _, width] if width > 4 => {
                return refuse("the channels come first; frame.transpose(1, 2, 0) puts them last");
            }
            [height, width, 4] => (height, width, 3),
            [_, _, _, _] => return refuse("publish one frame of the batch, such as frames[0]"),
            _ => return refuse(""),
        };
        if height == 0 || width == 0 {
            return refuse("it has no pixels");
        }
        if height > MAX_SIDE || width > MAX_SIDE {
            return refuse("at most 16384 pixels wide and high are taken");
        }
        let dtype = array.dtype();
        let is_native = dtype.is_native_byteorder().unwrap_or(true);
        let element = match (dtype.kind(), dtype.itemsize()) {
            (b'u', 1) => Element::Byte,
            (b'f', 4) if is_native => Element::Float,
            (b'f', 8) if is_native => Element::Double,
            (b'f', _) => return refuse("convert it with frame.astype(np.float32)"),
            (b'b', _) => return refuse("convert it with frame.astype(np.uint8) * 255"),
            (b'u', 2) => {
                return refuse("for 16 bits a sample, convert it with (frame >> 8).astype(np.uint8)");
            }
            (b'u' | b'i', _) => {
                return refuse("if its values are 0 to 255, convert it with frame.astype(np.uint8)");
            }
            _ => return refuse(""),
        };
        Ok(Self { array, element, height, width, channels })
    }

    /// Copies it into a picture, whose buffer is used again. `bgr` is how the array's channels are meant.
    ///
    /// # Errors
    /// ValueError for a float that is not from 0 to 1; the picture's content is then of no use.
    pub(crate) fn copy_into(&self, bgr: bool, picture: &mut Picture) -> PyResult<()> {
        let source = self.source();
        picture.width = self.width;
        picture.height = self.height;
        picture.order = match (self.channels, bgr) {
            (1, _) => Order::Grey,
            (_, false) => Order::Rgb,
            (_, true) => Order::Bgr,
        };
        // What is left in a used buffer is written over: clearing a new one costs nothing that a copy would not.
        picture.pixels.resize(self.height * self.width * self.channels, 0);
        match self.element {
            Element::Byte => copy_bytes(source, picture),
            Element::Float => self.convert::<f32>(source, &mut picture.pixels)?,
            Element::Double => self.convert::<f64>(source, &mut picture.pixels)?,
        }
        Ok(())
    }

    fn source(&self) -> Source {
        let strides = self.array.strides();
        // SAFETY: the array is alive, so its object is, and its pointer is only read.
        let data = unsafe { (*self.array.as_array_ptr()).fields.data }.cast_const().cast::<u8>();
        let step = strides.get(2).copied().unwrap_or(1);
        Source { data, row: strides[0], pixel: strides[1], channel: step }
    }

    fn convert<T: Sample>(&self, source: Source, out: &mut [u8]) -> PyResult<()> {
        let row_samples = self.width * self.channels;
        for (y, line) in out.chunks_exact_mut(row_samples).enumerate() {
            // SAFETY: as for `copy_bytes`; rows of this array hold `width` × `channels` samples of T, which numpy
            // checked when it made the array, and `read_unaligned` asks for no alignment.
            let is_good = unsafe { convert_row::<T>(source, y, self.channels, line) };
            if !is_good {
                return Err(self.bad_value::<T>(source, y));
            }
        }
        Ok(())
    }

    /// Finds the sample of row `y` that is not from 0 to 1.
    #[cold]
    fn bad_value<T: Sample>(&self, source: Source, y: usize) -> PyErr {
        for x in 0..self.width {
            for channel in 0..self.channels {
                // SAFETY: as above.
                let value: f64 = unsafe { source.read::<T>(y, x, channel) }.into();
                if !is_in_range(value) {
                    let hint = if value.is_nan() {
                        format!("it is NaN at row {y}, column {x}")
                    } else {
                        format!(
                            "it is {value} at row {y}, column {x}; if it counts to 255, convert it with frame.astype(np.uint8)"
                        )
                    };
                    return refusal(&self.array, &hint);
                }
            }
        }
        refusal(&self.array, "it changed while it was read")
    }
}

/// Where samples lie. Strides are in bytes and may be negative.
#[derive(Clone, Copy)]
struct Source {
    data: *const u8,
    row: isize,
    pixel: isize,
    channel: isize,
}

impl Source {
    /// # Safety
    /// The three numbers are within the array, whose samples are of type T.
    unsafe fn read<T: Sample>(self, y: usize, x: usize, channel: usize) -> T {
        let offset = y as isize * self.row + x as isize * self.pixel + channel as isize * self.channel;
        // SAFETY: the caller's promise.
        unsafe { self.data.offset(offset).cast::<T>().read_unaligned() }
    }
}

/// Copies bytes row by row, or all at once. Channels in the other order, as in `frame[..., ::-1]`, are copied as they
/// lie and read the other way.
fn copy_bytes(mut source: Source, picture: &mut Picture) {
    let channels = if picture.order == Order::Grey { 1 } else { 3 };
    if channels == 3 && source.channel == -1 && source.pixel == 3 {
        // SAFETY: the last channel of the first pixel lies two bytes before its first; all three are of the array.
        source.data = unsafe { source.data.offset(-2) };
        source.channel = 1;
        picture.order = if picture.order == Order::Rgb { Order::Bgr } else { Order::Rgb };
    }
    let row_bytes = picture.width * channels;
    let is_packed = source.pixel == channels as isize && (channels == 1 || source.channel == 1);
    if is_packed && source.row == row_bytes as isize {
        // SAFETY: numpy made the array with this shape and these strides, so that many bytes are its own; it is alive,
        // since the caller holds it, and the interpreter's lock keeps Python from changing it meanwhile. The target
        // has that length and is ours.
        unsafe { source.data.copy_to_nonoverlapping(picture.pixels.as_mut_ptr(), picture.pixels.len()) };
        return;
    }
    for (y, line) in picture.pixels.chunks_exact_mut(row_bytes).enumerate() {
        if is_packed {
            // SAFETY: as above, for one row.
            unsafe {
                let row = source.data.offset(y as isize * source.row);
                row.copy_to_nonoverlapping(line.as_mut_ptr(), row_bytes);
            }
        } else if channels == 3 {
            for (x, pixel) in line.as_chunks_mut::<3>().0.iter_mut().enumerate() {
                // SAFETY: as above, for three samples.
                *pixel = unsafe { [source.read(y, x, 0), source.read(y, x, 1), source.read(y, x, 2)] };
            }
        } else {
            for (x, sample) in line.iter_mut().enumerate() {
                // SAFETY: as above, for one sample.
                *sample = unsafe { source.read(y, x, 0) };
            }
        }
    }
}

/// 0 to 1 becomes 0 to 255; false if a value is not in this range.
///
/// # Safety
/// Row `y` of the source holds as many samples of T as `line`.
unsafe fn convert_row<T: Sample>(source: Source, y: usize, channels: usize, line: &mut [u8]) -> bool {
    let mut is_good = true;
    for (x, pixel) in line.chunks_exact_mut(channels).enumerate() {
        for (channel, out) in pixel.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            let value: f64 = unsafe { source.read::<T>(y, x, channel) }.into();
            is_good &= is_in_range(value);
            *out = (value * 255.0 + 0.5) as u8;
        }
    }
    is_good
}

fn is_in_range(value: f64) -> bool {
    (-ROUNDING..=1.0 + ROUNDING).contains(&value)
}

/// What an array may consist of.
trait Sample: Copy + Into<f64> {}

impl<T: Copy + Into<f64>> Sample for T {}

/// What offers itself as an array on this side of the bus: a PIL image, a tensor of the CPU.
fn as_array<'py>(frame: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyUntypedArray>> {
    let py = frame.py();
    let name = frame.get_type().fully_qualified_name()?;
    if is_on_a_gpu(frame) {
        return Err(PyTypeError::new_err(format!(
            "the frame is a {name} in the memory of a GPU, and a frame is copied from this computer's own: \
             convert it with frame.cpu().numpy() (PyTorch), cupy.asnumpy(frame) (CuPy) or numpy.asarray(frame) (JAX)"
        )));
    }
    if frame.hasattr("__array_interface__")? || frame.hasattr("__array__")? {
        let array = py.import("numpy")?.call_method1("asarray", (frame,))?;
        if let Ok(array) = array.cast_into::<PyUntypedArray>() {
            return Ok(array);
        }
    }
    Err(PyTypeError::new_err(format!("the frame is a {name}, not a numpy array; {WANTED}")))
}

fn is_on_a_gpu(frame: &Bound<'_, PyAny>) -> bool {
    let says_so = |name: &str| frame.getattr(name).and_then(|value| value.is_truthy()).unwrap_or(false);
    // A tensor of the CPU has the first attribute, too, and raises when it is asked for.
    says_so("__cuda_array_interface__") || says_so("is_cuda")
}

fn refusal(array: &Bound<'_, PyUntypedArray>, hint: &str) -> PyErr {
    let dtype = array.dtype();
    let shape = match array.shape() {
        [one] => format!("({one},)"),
        several => format!("({})", several.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    };
    let hint = if hint.is_empty() { String::new() } else { format!(": {hint}") };
    PyValueError::new_err(format!("the frame has dtype {dtype} and shape {shape}{hint}; {WANTED}"))
}
