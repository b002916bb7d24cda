"""The newest frame as one JPEG: ETag, conditional requests, and the long-poll."""

import threading
import time

import requests

from support.pictures import jpeg
from support.shapes import assert_error
from support.waiting import always, eventually


def test_snapshot_is_the_newest_frame_as_published(hub, stream):
    hub.put_frame(stream, 1)
    hub.put_frame(stream, 2)
    response = hub.get(f"/stream/{stream}/snapshot.jpg")
    assert response.status_code == 200
    assert response.content == jpeg(2)
    assert response.headers["Content-Type"] == "image/jpeg"
    assert response.headers["X-Frame-Seq"] == "2"
    assert response.headers["Cache-Control"] == "no-cache, no-store, must-revalidate"


def test_if_none_match(hub, stream):
    hub.put_frame(stream, 1)
    path = f"/stream/{stream}/snapshot.jpg"
    tag = hub.get(path).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"77", {tag}', "*"):
        same = hub.get(path, headers={"If-None-Match": known})
        assert (same.status_code, same.content) == (304, b""), known
        assert same.headers["ETag"] == tag
    hub.put_frame(stream, 2)
    newer = hub.get(path, headers={"If-None-Match": tag})
    assert (newer.status_code, newer.content) == (200, jpeg(2))


def test_long_poll_waits_for_the_next_frame(hub, stream):
    hub.put_frame(stream, 1)
    answers = []
    ask = threading.Thread(target=lambda: answers.append(hub.get(f"/stream/{stream}/snapshot.jpg?after=1")))
    ask.start()
    hub.wait_for_viewers(stream, 1)
    always(lambda: not answers, 0.3, "the long-poll waits")
    hub.put_frame(stream, 2)
    ask.join(10)
    assert answers[0].status_code == 200
    assert answers[0].headers["X-Frame-Seq"] == "2"
    assert answers[0].content == jpeg(2)


def test_long_poll_with_an_older_number_answers_at_once(hub, stream):
    for number in (1, 2, 3):
        hub.put_frame(stream, number)
    response = hub.get(f"/stream/{stream}/snapshot.jpg?after=1")
    assert (response.headers["X-Frame-Seq"], response.content) == ("3", jpeg(3))
    # A number of the stream's former life: it has been made anew since.
    response = hub.get(f"/stream/{stream}/snapshot.jpg?after=900")
    assert (response.headers["X-Frame-Seq"], response.content) == ("3", jpeg(3))


def test_long_poll_times_out_as_not_modified(hub, stream):
    hub.put_frame(stream, 1)
    begun = time.monotonic()
    response = hub.get(f"/stream/{stream}/snapshot.jpg?after=1&timeout=0.3")
    assert (response.status_code, response.content) == (304, b"")
    assert time.monotonic() - begun >= 0.3


def test_following_a_stream_by_long_polls_misses_no_lone_frame(hub, stream):
    hub.put_frame(stream, 1)
    seen = []

    def follow():
        after = 0
        session = requests.Session()
        while after < 10:
            response = session.get(f"{hub.url}/stream/{stream}/snapshot.jpg?after={after}", timeout=30)
            after = int(response.headers["X-Frame-Seq"])
            seen.append(after)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    for number in range(2, 11):
        eventually(lambda: seen and seen[-1] == number - 1)
        hub.put_frame(stream, number)
    follower.join(10)
    assert seen == list(range(1, 11))


def test_a_stream_that_ends_ends_the_wait(hub, stream):
    hub.put_frame(stream, 1)
    answers = []
    ask = threading.Thread(target=lambda: answers.append(hub.get(f"/stream/{stream}/snapshot.jpg?after=1")))
    ask.start()
    hub.wait_for_viewers(stream, 1)
    requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
    ask.join(10)
    assert_error(answers[0], 404, "STREAM_NOT_FOUND")


def test_bad_questions(hub, stream):
    assert_error(hub.get(f"/stream/{stream}/snapshot.jpg"), 404, "STREAM_NOT_FOUND")
    hub.put_frame(stream, 1)
    assert_error(hub.get(f"/stream/{stream}/snapshot.jpg?after=yesterday"), 400, "BAD_QUERY")
    assert_error(hub.get(f"/stream/{stream}/snapshot.jpg?after=1&timeout=soon"), 400, "BAD_QUERY")
    assert_error(hub.get(f"/stream/{stream}/snapshot.jpg?after=1&timeout=-1"), 400, "BAD_QUERY")
