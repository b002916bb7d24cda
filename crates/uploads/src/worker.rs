//! The run of one session's analysis, on a thread of its own: frames in their order as they come, then the signal, then
//! the result, which is written beside the artifacts and told.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use serde_json::{Map, Value};

use crate::{
    Analysis, Failure, InputFrame, Job,
    artifacts::Artifacts,
    session::{Input, Session},
};

/// How a run ended without a result.
enum End {
    Failed(String),
    BeginAgain,
    Stopped,
}

/// Runs until the session has its outcome, or nobody wants one.
pub(crate) fn run(session: &Session, artifacts: &Artifacts) {
    let mut ended = End::BeginAgain;
    while matches!(ended, End::BeginAgain) {
        ended = match attempt(session, artifacts) {
            Ok(result) => return session.completed(result),
            Err(ended) => ended,
        };
    }
    if let End::Failed(reason) = ended {
        session.failed(reason);
    }
}

fn attempt(session: &Session, artifacts: &Artifacts) -> Result<Map<String, Value>, End> {
    let first = next_frame(session)?;
    let run = artifacts.begin(&session.id).map_err(|error| End::Failed(error.to_string()))?;
    // A pipeline that panics ends its own run.
    let analysed = catch_unwind(AssertUnwindSafe(|| analyse(session, first, run.folder())));
    match analysed.unwrap_or_else(|_| Err(End::Failed("the analysis broke off: see the hub's log".into()))) {
        _ if session.stop.is_stopped() => Err(End::Stopped),
        Ok(result) => run.complete(session, result).map_err(End::Failed),
        Err(End::Failed(reason)) => {
            run.fail(&reason);
            Err(End::Failed(reason))
        }
        Err(end) => Err(end),
    }
}

fn analyse(session: &Session, first: InputFrame, folder: &Path) -> Result<Map<String, Value>, End> {
    let failed = |error: Failure| End::Failed(error.to_string());
    let mut analysis = begin(session, &first, folder).map_err(failed)?;
    let mut input = Input::Frame(first);
    loop {
        match input {
            Input::Frame(frame) => {
                analysis.frame(&frame).map_err(failed)?;
                session.note_analysed();
            }
            Input::Finish(signal) => {
                return analysis
                    .finish(signal.as_ref(), &mut |progress| session.report(progress))
                    .map_err(failed);
            }
            Input::BeginAgain => return Err(End::BeginAgain),
            Input::Stopped => return Err(End::Stopped),
        }
        input = session.next_input().map_err(End::Failed)?;
    }
}

fn next_frame(session: &Session) -> Result<InputFrame, End> {
    loop {
        match session.next_input().map_err(End::Failed)? {
            Input::Frame(frame) => return Ok(frame),
            Input::Stopped => return Err(End::Stopped),
            Input::BeginAgain => {}
            Input::Finish(_) => return Err(End::Failed("no frame was received".into())),
        }
    }
}

fn begin(session: &Session, first: &InputFrame, folder: &Path) -> Result<Box<dyn Analysis>, Failure> {
    let Some(pipeline) = &session.pipeline else {
        return Err(Failure("this hub has no analysis: the frames were received, and that is all".into()));
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
