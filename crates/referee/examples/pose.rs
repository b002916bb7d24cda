//! Looks for people in a picture of raw RGB from the standard input, with one model after the other:
//! `pose WIDTH HEIGHT TENSOR MODEL…` (paths, or `builtin`) prints a line of JSON a model, and writes what the last one was
//! given to the file TENSOR (32-bit floats), for comparison with other programs.
#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::io::Read;
use std::path::Path;

use media::Picture;
use referee::pose::{Model, Settings, Source};
use serde_json::{Value, json};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ([width, height, tensor], models) = arguments.split_first_chunk::<3>().unwrap();
    let mut rgb = Vec::new();
    std::io::stdin().read_to_end(&mut rgb).unwrap();
    let picture = Picture { width: width.parse().unwrap(), height: height.parse().unwrap(), rgb };
    for model in models {
        println!("{}", looked(&Source::named(model), &picture, Path::new(tensor)));
    }
}

fn looked(model: &Source, picture: &Picture, tensor: &Path) -> Value {
    let settings = Settings { input_size: Some(320), threads: 1, ..Settings::default() };
    let found = Model::load(model, &settings).and_then(|model| {
        let (data, letterbox) = model.letterboxed(picture);
        std::fs::write(tensor, data.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>())
            .unwrap();
        Ok((model.run(picture)?, letterbox))
    });
    match found {
        Err(error) => json!({"code": error.code(), "error": error.to_string()}),
        Ok((persons, letterbox)) => {
            let persons: Vec<Value> = persons
                .iter()
                .map(|person| {
                    let bounds = person.bounds;
                    json!({
                        "box": [bounds.left, bounds.top, bounds.right, bounds.bottom],
                        "score": person.score,
                        "key_points": person.key_points.map(|point| [point.x, point.y, point.score]),
                    })
                })
                .collect();
            json!({"width": letterbox.width, "height": letterbox.height, "persons": persons})
        }
    }
}
