//! (the crate's first lines say what belongs here)
