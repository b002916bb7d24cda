"""`/metrics` and `/openapi.json` as the tools that read them see them."""

import re

import requests
from openapi_spec_validator import validate
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from support.hub import ROOT
from support.mjpeg import MjpegReader
from support.pictures import jpeg
from support.waiting import eventually


def families(hub) -> dict:
    response = hub.get("/metrics")
    assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    return {family.name: family for family in text_string_to_metric_families(response.text)}


def value(hub, family: str, sample: str, **labels: str) -> float:
    return next(s.value for s in families(hub)[family].samples if s.name == sample and s.labels == labels)


def test_metrics_are_open_metrics(hub, stream):
    hub.put_frame(stream, 1)
    all_families = families(hub)
    assert all(family.documentation for family in all_families.values())
    for name, family in all_families.items():
        assert name.startswith(("framehub_", "process_")), name
        if family.unit:
            assert name.endswith("_" + family.unit)
        for sample in family.samples:
            assert set(sample.labels) <= {"stream", "version", "le"}, "labels of bounded number"


def test_counters_tell_what_happened(hub, stream):
    with MjpegReader(f"{hub.url}/stream"):
        hub.put_frame(stream, 1)
    with MjpegReader(f"{hub.url}/stream/{stream}") as reader:
        reader.wait_for_number(1)
        hub.put_frame(stream, 2)
        reader.wait_for_number(2)
        hub.publish(stream, b"no picture")
        assert value(hub, "framehub_stream_frames", "framehub_stream_frames_total", stream=stream) == 2
        assert value(hub, "framehub_stream_rejected", "framehub_stream_rejected_total", stream=stream) == 1
        # The first viewer's may have been the same stream.
        hub.wait_for_viewers(stream, 1)
        assert value(hub, "framehub_stream_viewers", "framehub_stream_viewers", stream=stream) == 1
        received = value(hub, "framehub_stream_received_bytes", "framehub_stream_received_bytes_total", stream=stream)
        assert received == len(jpeg(1)) + len(jpeg(2))
        assert value(hub, "framehub_frame_age_seconds", "framehub_frame_age_seconds_count") >= 2
        buckets = [s for s in families(hub)["framehub_frame_age_seconds"].samples if s.name.endswith("_bucket")]
        assert any(float(s.labels["le"]) <= 0.001 for s in buckets) and buckets[-1].labels["le"] == "+Inf"
    before = value(hub, "framehub_frames_received", "framehub_frames_received_total")
    requests.delete(f"{hub.url}/api/streams/{stream}", timeout=10)
    assert value(hub, "framehub_frames_received", "framehub_frames_received_total") == before, "counters never fall"
    assert f'stream="{stream}"' not in hub.get("/metrics").text, "no label of a stream that is gone"


def test_process_metrics(hub):
    resident = value(hub, "process_resident_memory_bytes", "process_resident_memory_bytes")
    assert abs(resident - hub.rss()) < 5e6
    assert value(hub, "process_open_fds", "process_open_fds") > 5
    eventually(lambda: value(hub, "process_cpu_seconds", "process_cpu_seconds_total") > 0)


#: A description of the description, and files of pages: not for programs.
NOT_DESCRIBED = {
    ("GET", "/assets/{*path}"),
    ("GET", "/docs"),
    ("GET", "/docs/"),
    ("GET", "/docs/{*rest}"),
}


def routes_of(page: str) -> set[tuple[str, str]]:
    """What a page of docs/ names as `GET /path`."""
    return set(re.findall(r"`(GET|POST|PUT|DELETE) (/[^`?]*)`", (ROOT / "docs" / page).read_text()))


def test_openapi_is_valid_and_lists_every_route(hub):
    """The routes of the API reference, no fewer and no more."""
    description = hub.get("/openapi.json").json()
    validate(description)
    methods = ("get", "put", "post", "delete", "patch", "head", "options")
    paths = description["paths"].items()
    listed = {(method.upper(), path) for path, item in paths for method in item if method in methods}
    assert listed | NOT_DESCRIBED == routes_of("ref/api.md")


def test_the_reference_names_the_routes_that_need_a_right():
    """A test of the crate `web` compares the table in keys.md with the routes of the program."""
    assert routes_of("ref/api.md") == routes_of("guide/keys.md")


def test_the_reference_names_no_code_that_is_not_there():
    page = (ROOT / "docs" / "ref" / "api.md").read_text()
    errors = page[page.index("## Errors") : page.index("## Command line")]
    codes = set(re.findall(r"`([A-Z_]{6,})`", errors))
    sources = "".join(file.read_text() for file in (ROOT / "crates").glob("*/src/**/*.rs")).replace('\\"', '"')
    assert len(codes) > 70
    assert {code for code in codes if f'"{code}"' not in sources} == set()


def test_the_reference_names_every_parameter_and_field(hub):
    """Of the JSON answers; as a word in code, anywhere on the page."""
    description = hub.get("/openapi.json").json()
    operations = [item[method] for item in description["paths"].values() for method in item]
    parameters = {p["name"] for o in operations for p in o.get("parameters", ()) if p["in"] == "query"}
    schemas = description["components"]["schemas"].values()
    fields = {
        name for schema in schemas for part in (schema, *schema.get("allOf", ())) for name in part.get("properties", ())
    }
    page = (ROOT / "docs" / "ref" / "api.md").read_text()
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`|^```.*?^```", page, re.M | re.S))))
    assert len(parameters) > 20 and len(fields) > 100
    assert (parameters | fields) - named == set()


def test_openapi_describes_what_is_answered(hub, stream):
    """The schemas of JSON answers fit the answers."""
    import jsonschema

    hub.put_frame(stream, 1)
    description = hub.get("/openapi.json").json()
    paths = (
        "/stats",
        "/health",
        "/api/streams",
        "/api/streams/{name}/stats",
        "/api/streams/{name}/recording",
        "/api/recordings",
    )
    for path in paths:
        schema = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        answer = hub.get(path.replace("{name}", stream)).json()
        jsonschema.validate(answer, schema | {"components": description["components"]})


def test_probes(hub):
    for path in ("/livez", "/readyz"):
        assert (hub.get(path).status_code, hub.get(path).text) == (200, "ok\n")
