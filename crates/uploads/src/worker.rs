//! The run of one session's analysis, on a thread of its own: frames in their order as they come, then the signal, then
//! the result, which is written beside the artifacts and sent to the client.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use serde_json::{Map, Value};

use crate::{
    analysis::{Analysis, Failure, InputFrame, Job},
    artifacts::Artifacts,
    session::{Input, Session},
};

/// How a run ended without a result.
enum End {
    Failed(Failure),
    BeginAgain,
    Stopped,
}

/// Runs until the session has its outcome, or has ended.
pub(crate) fn run(session: &Session, artifacts: &Artifacts) {
    let mut ended = End::BeginAgain;
    while matches!(ended, End::BeginAgain) {
        ended = match attempt(session, artifacts) {
            Ok(result) => return session.completed(result),
            Err(ended) => ended,
        };
    }
    if let End::Failed(failure) = ended {
        session.failed(failure);
    }
}

fn attempt(session: &Session, artifacts: &Artifacts) -> Result<Map<String, Value>, End> {
    let first = next_frame(session)?;
    let run = artifacts.begin(&session.id).map_err(|error| End::Failed(Failure::Artifacts(error)))?;
    // A pipeline that panics ends its own run.
    let analysed = catch_unwind(AssertUnwindSafe(|| analyse(session, first, &run.folder, artifacts)));
    match analysed.unwrap_or(Err(End::Failed(Failure::Panicked))) {
        _ if session.stop.is_stopped() => Err(End::Stopped),
        Ok(result) => {
            let pipeline = session.pipeline.as_ref().map(|pipeline| pipeline.name());
            run.complete(pipeline, session.processing_secs(), result).map_err(End::Failed)
        }
        Err(End::Failed(failure)) => {
            run.fail(&failure);
            Err(End::Failed(failure))
        }
        Err(end) => Err(end),
    }
}

fn analyse(
    session: &Session,
    first: InputFrame,
    folder: &Path,
    artifacts: &Artifacts,
) -> Result<Map<String, Value>, End> {
    let mut analysis = begin(session, &first, folder).map_err(End::Failed)?;
    let mut input = Input::Frame(first);
    loop {
        match input {
            Input::Frame(frame) => {
                check_room(artifacts, frame.bytes.len() as u64)?;
                analysis.frame(&frame).map_err(End::Failed)?;
                session.note_analysed();
            }
            Input::Finish(signal) => {
                check_room(artifacts, bytes_in(folder))?;
                return analysis
                    .finish(signal.as_ref(), &mut |progress| session.report(progress))
                    .map_err(End::Failed);
            }
            Input::BeginAgain => return Err(End::BeginAgain),
            Input::Stopped => return Err(End::Stopped),
        }
        input = session.next_input().map_err(End::Failed)?;
    }
}

/// What a run writes stays within the disk's room: about as much as it is given, and at the end once more what is there.
fn check_room(artifacts: &Artifacts, bytes: u64) -> Result<(), End> {
    artifacts.check_room(bytes).map_err(|error| End::Failed(Failure::Artifacts(error.into())))
}

fn bytes_in(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

fn next_frame(session: &Session) -> Result<InputFrame, End> {
    loop {
        match session.next_input().map_err(End::Failed)? {
            Input::Frame(frame) => return Ok(frame),
            Input::Stopped => return Err(End::Stopped),
            Input::BeginAgain => {}
            Input::Finish(_) => return Err(End::Failed(Failure::NoFrames)),
        }
    }
}

fn begin(session: &Session, first: &InputFrame, folder: &Path) -> Result<Box<dyn Analysis>, Failure> {
    let Some(pipeline) = &session.pipeline else {
        return Err(Failure::NoPipeline);
    };
    let (width, height) = first.picture.size();
    pipeline.begin(Job {
        id: session.id.clone(),
        fps: session.fps,
        width,
        height,
        folder: folder.to_owned(),
        options: session.options,
        stop: session.stop.clone(),
    })
}
