//! Whether a file is a whole ONNX model: each length in it lies inside what holds it.
//!
//! The engine seeks over what it does not know, backwards too if a damaged length says so, and would then read for
//! ever. So the file's structure (Protocol Buffers; the numbers are those of `onnx.proto`) is walked before.

/// Graphs inside of graphs, types inside of types.
const MAX_DEPTH: u32 = 64;

/// The messages of `onnx.proto` with messages inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Sequence,
    Shape,
    /// Any other: numbers and bytes.
    Plain,
}

impl Message {
    /// The message that a field holds, or `None` for numbers and bytes.
    fn inside(self, field: u64) -> Option<Self> {
        match (self, field) {
            (Self::Model, 7) | (Self::Attribute, 6 | 11) => Some(Self::Graph),
            (Self::Graph, 1) => Some(Self::Node),
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) => Some(Self::Tensor),
            (Self::Graph, 11..=13) => Some(Self::ValueInfo),
            (Self::Node, 5) => Some(Self::Attribute),
            (Self::ValueInfo, 2) | (Self::Attribute, 14 | 15) | (Self::Sequence, 1) => Some(Self::Type),
            (Self::Type, 1) => Some(Self::TensorType),
            (Self::Type, 4) => Some(Self::Sequence),
            (Self::TensorType, 2) => Some(Self::Shape),
            (Self::Shape, 1) | (Self::Model, 8 | 14) | (Self::Tensor, 13) => Some(Self::Plain),
            _ => None,
        }
    }
}

/// Says what is wrong with the bytes of a model, if something is.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut has_graph = false;
    let whole = walk(bytes, Message::Model, MAX_DEPTH, &mut |field| has_graph |= field == 7);
    match whole {
        Some(()) if has_graph => Ok(()),
        Some(()) => Err("it is no ONNX file: there is no graph in it".into()),
        None => Err("it is no ONNX file, or a damaged one".into()),
    }
}

/// Walks over a message's fields; `None` where they do not fill it.
fn walk(mut bytes: &[u8], message: Message, depth: u32, seen: &mut dyn FnMut(u64)) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let field = tag >> 3;
        let length = match tag & 7 {
            0 => {
                varint(&mut bytes)?;
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (content, rest) = bytes.split_at_checked(length)?;
        if let (2, Some(inside)) = (tag & 7, message.inside(field)) {
            walk(content, inside, depth, &mut |_| ())?;
        }
        (field > 0).then(|| seen(field))?;
        bytes = rest;
    }
    Some(())
}

/// Seven bits a byte, the lowest first, of at most 64 bits.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for at in 0..10 {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F).checked_shl(at * 7)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A model with a graph of one node.
    const SMALL: &[u8] = b"\x08\x09\x3a\x0a\x0a\x04\x22\x02ab\x12\x02gr";

    #[test]
    fn a_whole_model_is_whole_and_a_cut_one_is_not() {
        assert_eq!(check(SMALL), Ok(()));
        for cut in 3..SMALL.len() {
            assert!(check(&SMALL[..cut]).is_err(), "cut at {cut}");
        }
        assert!(check(b"").is_err_and(|error| error.contains("no graph")));
        // A length that would lead back to the beginning.
        assert!(check(b"\x0a\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01").is_err());
    }

    #[test]
    fn graphs_inside_of_graphs_have_an_end() {
        let mut nested = Vec::new();
        for _ in 0..100 {
            // A graph of a node with an attribute that is a graph.
            for tag in [0x32, 0x2A, 0x0A] {
                let length = nested.len();
                nested.splice(0..0, [tag, (length & 0x7F) as u8 | 0x80, (length >> 7) as u8]);
            }
        }
        let length = nested.len();
        nested.splice(0..0, [0x3A, (length & 0x7F) as u8 | 0x80, (length >> 7) as u8]);
        assert!(check(&nested).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            crate::fuzz::model(&bytes);
        }
    }
}
