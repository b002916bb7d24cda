//! Tests of `artifacts`.
#![allow(clippy::unwrap_used)]
use super::*;

fn finished(artifacts: &Artifacts, id: &str, result: &Value) {
    artifacts.begin(id).unwrap().keep(result).unwrap();
}

#[test]
fn runs_are_listed_newest_first_by_page() {
    let temp = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::new(Room::new(&temp.path().join("out"), 0));
    assert_eq!(artifacts.list(0, 10, |_| true).unwrap().total, 0, "no folder yet");
    for id in ["a", "b", "c"] {
        finished(
            &artifacts,
            id,
            &json!({ "decision": { "winner": "left", "reason": id, "confidence": 0.5 } }),
        );
    }
    let running = artifacts.begin("running").unwrap();
    artifacts.begin("failed").unwrap().fail(&Failure::Pipeline("no model".into()));
    let page = artifacts.list(1, 2, |id| id != "c").unwrap();
    assert_eq!((page.total, page.analyses.len()), (3, 2));
    let all = artifacts.list(0, 10, |_| true).unwrap().analyses;
    let failed = all.iter().find(|run| run.id == "failed").unwrap();
    assert_eq!((failed.status, failed.error.as_deref()), ("failed", Some("no model")));
    assert_eq!(all.iter().find(|run| run.id == "a").unwrap().winner.as_deref(), Some("left"));
    assert_eq!(artifacts.files("a"), [RESULT_FILE]);
    drop(running);
}

#[test]
fn nothing_outside_is_read_or_removed() {
    let temp = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::new(Room::new(&temp.path().join("out"), 0));
    fs::create_dir_all(temp.path().join("out/messages")).unwrap();
    fs::write(temp.path().join("out/messages/dear.txt"), b"dear").unwrap();
    let error = artifacts.begin("messages").unwrap().keep(&json!({})).unwrap_err();
    assert!(error.to_string().contains("another session_id"), "{error}");
    assert!(temp.path().join("out/messages/dear.txt").exists());
    fs::write(temp.path().join("secret"), b"x").unwrap();
    finished(&artifacts, "a", &json!({}));
    std::os::unix::fs::symlink(temp.path().join("secret"), temp.path().join("out/a/link")).unwrap();
    for (id, name) in
        [("a", "link"), ("a", "../../secret"), ("..", "secret"), (".", "x"), ("a", ""), ("a", "a/b")]
    {
        assert_eq!(artifacts.file(id, name), None, "{id}/{name}");
    }
}

#[test]
fn a_run_takes_the_place_of_the_one_before_once_it_is_done() {
    let temp = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::new(Room::new(temp.path(), 0));
    finished(&artifacts, "a", &json!({ "run": 1 }));
    let run = artifacts.begin("a").unwrap();
    fs::write(run.folder.join("half.mp4"), b"x").unwrap();
    drop(run);
    assert_eq!(artifacts.result("a").unwrap()["run"], 1);
    finished(&artifacts, "a", &json!({ "run": 2 }));
    assert_eq!(artifacts.result("a").unwrap()["run"], 2);
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1, "what was given up is gone");
}

#[test]
fn what_a_killed_program_has_left_is_removed() {
    let temp = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::new(Room::new(temp.path(), 0));
    let run = artifacts.begin("mine").unwrap();
    // In a container every start has the same process number.
    let dead = temp.path().join(format!(".a.b.{}-4711", std::process::id()));
    let strange = temp.path().join(".c.2147483647-0");
    fs::create_dir_all(&dead).unwrap();
    fs::create_dir_all(&strange).unwrap();
    fs::write(dead.join(MARK), b"{}").unwrap();
    artifacts.recover();
    assert!(!dead.exists() && strange.exists() && run.folder.exists());
}

#[test]
fn nothing_begins_where_the_disk_has_no_room() {
    let temp = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::new(Room::new(&temp.path().join("out"), u64::MAX));
    let error = artifacts.begin("a").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("recording.min_free_gb"), "{error}");
    assert!(artifacts.scratch().is_err());
    assert_eq!(fs::read_dir(temp.path().join("out")).unwrap().count(), 0, "not one byte was written");
}
