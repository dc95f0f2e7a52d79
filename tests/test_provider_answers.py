"""Answers that are not as documented: an error that names field and value, never a guess and never a KeyError."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standins import server
from standins.bench import Bench, raised

from golfkit.budget.providers import reading, rest2, sdk
from golfkit.budget.providers.protocol import Pod, ProviderError
from golfkit.errors import Exit


@pytest.fixture(name="rest2")
def _rest2():
    bench = Bench("rest2")
    with server.running(bench.cloud) as url:
        yield bench.at(url)


POD = {"id": "pod1", "name": "golf-1", "status": "RUNNING", "cost": 21.52, "createdAt": "2026-08-20T06:16:19.436Z"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": None}, "id is None"),
        ({"id": "pod2"}, "id is 'pod2', expected pod1"),
        ({"id": "../x"}, "id is '../x'"),
        ({"name": 7}, "name is 7, expected text"),
        ({"status": None}, "status is None"),
        ({"cost": "21.52"}, "cost is '21.52', expected dollars an hour"),
        ({"cost": -1}, "cost is -1"),
        ({"cost": True}, "cost is True"),
        ({"createdAt": "yesterday"}, "createdAt is 'yesterday'"),
        ({"createdAt": "2026-08-20T06:16:19"}, "createdAt is '2026-08-20T06:16:19'"),
        ({"createdAt": "0001-01-01T00:00:00+14:00"}, "createdAt is '0001-01-01T00:00:00+14:00'"),
        ({"ssh": "root@host"}, "ssh is 'root@host', expected an object"),
        (
            {"ssh": {"direct": {"host": "-oProxyCommand=x", "port": 22, "username": "root"}}},
            "host is '-oProxyCommand=x'",
        ),
        ({"ssh": {"direct": {"host": "1.2.3.4", "port": 70000, "username": "root"}}}, "port is 70000"),
        ({"ssh": {"direct": {"host": "1.2.3.4", "port": 22}}}, "user is None"),
    ],
)
def test_a_malformed_pod_is_an_error_that_names_field_and_value(rest2, change, words):
    rest2.cloud.fault("get", body=json.dumps(POD | change))
    error = raised(rest2.provider.get, "pod1")
    assert words in str(error)
    assert error.exit_code == Exit.REMOTE


@pytest.mark.parametrize("body", ["", "null", "[]", '"pod1"', "{", '{"id": NaN}', "[" * 100_000])
def test_an_answer_that_is_no_object_is_an_error(rest2, body):
    rest2.cloud.fault("get", body=body)
    assert "the answer is" in str(raised(rest2.provider.get, "pod1"))


def test_money_is_as_written_and_nothing_where_it_is_0(rest2):
    for written, read in (("0.1", "0.1"), ("21.520000000000003", "21.520000000000003"), ("20", "20"), ("2.5e1", "25")):
        rest2.cloud.fault("get", body=json.dumps(POD).replace("21.52", written))
        assert rest2.provider.get("pod1").usd_per_hour == Decimal(read)
    rest2.cloud.fault("get", body=json.dumps(POD | {"cost": 0.0, "status": "EXITED"}))
    pod = rest2.provider.get("pod1")
    assert (pod.usd_per_hour, pod.status) == (None, "stopped")


def test_a_pod_that_was_made_and_reads_badly_is_known_by_its_id(rest2):
    rest2.cloud.fault("create", status=201, body=json.dumps(POD | {"cost": "dear"}))
    made = rest2.create()
    assert (made.id, made.name, made.status) == ("pod1", "golf-1", "starting")


FIELDS = [
    *("status", "cost", "createdAt", "ssh", "direct", "host", "port"),
    *("desiredStatus", "costPerHr", "runtime", "ports"),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a1", "RUNNING", "2026-06-01T12Z"])
ROWS = st.dictionaries(st.sampled_from(FIELDS), SCALARS, max_size=4)
VALUES = SCALARS | ROWS | st.lists(ROWS, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), ROWS, max_size=2)
PODS = st.fixed_dictionaries({"id": st.just("a1"), "name": st.just("n")}, optional=dict.fromkeys(FIELDS, VALUES))


@pytest.mark.parametrize("read_pod", [rest2.read_pod, sdk.read_pod], ids=["rest2", "sdk"])
@settings(max_examples=60)
@given(value=VALUES | PODS)
def test_any_json_is_a_pod_or_an_error_of_the_provider(read_pod, value):
    with contextlib.suppress(ProviderError):
        assert isinstance(read_pod(value, "RunPod"), Pod)


@given(st.text(max_size=40) | st.from_regex(r"-?[0-9]{1,9}(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,25})?", fullmatch=True))
def test_any_text_is_json_or_an_error_of_the_provider(text):
    with contextlib.suppress(ProviderError):
        reading.usd(reading.parse(text, "RunPod"), "RunPod", "cost")
