"""The embed page of a stream, as an iframe shows it."""

import pytest
import requests

from support.browser import picture_of
from support.pictures import read_number
from support.shapes import assert_error
from support.waiting import eventually


def test_embed_page_paints_lone_frames(hub, stream, page):
    hub.put_frame(stream, 1)
    page.goto(f"{hub.url}/stream/{stream}/embed")
    canvas = page.locator("#picture")
    for number in range(1, 5):
        if number > 1:
            hub.put_frame(stream, number)
        eventually(lambda n=number: page.locator("body").get_attribute("data-seq") == str(n), f"frame {number}")
        eventually(lambda n=number: n in (read_number(picture_of(canvas)), center_number(canvas)), f"{number} seen")


def center_number(canvas) -> int | None:
    """The canvas covers its box and keeps the picture's proportions: the picture is its middle, 4:3."""
    picture = picture_of(canvas)
    height, width = picture.shape[:2]
    wide = min(width, height * 4 // 3)
    high = min(height, width * 3 // 4)
    top, left = (height - high) // 2, (width - wide) // 2
    return read_number(picture[top : top + high, left : left + wide])


def test_embed_follows_a_stream_that_is_deleted_and_comes_back(hub, stream, page):
    hub.put_frame(stream, 1)
    page.goto(f"{hub.url}/stream/{stream}/embed")
    canvas = page.locator("#picture")
    eventually(lambda: center_number(canvas) == 1)
    requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
    eventually(lambda: page.locator("body").get_attribute("data-state") != "live", "the page says so")
    hub.put_frame(stream, 2)
    eventually(lambda: center_number(canvas) == 2, "the picture is back")


@pytest.mark.parametrize("name", ["a.b", "x" * 65, "a%20b"])
def test_embed_of_an_impossible_name(hub, name):
    assert_error(hub.get(f"/stream/{name}/embed"), 400, "INVALID_STREAM_NAME")
