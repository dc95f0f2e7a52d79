"""RunPod by REST v2 and by its own package, both against the stand-in: what is rented, seen, ended, and never said."""

import json
import logging
import os
import traceback
from decimal import Decimal

import pytest
from standins import process, server
from standins.bench import PUBLIC_KEY, Bench, raised
from standins.cloud import H100, KEY, Cloud

from golfkit.budget.providers.protocol import (
    Address,
    CreateUnknown,
    NoBalance,
    NoCapacity,
    ProviderError,
    Rejected,
)
from golfkit.budget.providers.rest2 import Rest2
from golfkit.budget.providers.retry import TRIES, Timing
from golfkit.errors import Exit
from golfkit.settings import Settings


@pytest.fixture(scope="module")
def package():
    """The package runpod takes two seconds to import: once for all."""
    return pytest.importorskip("runpod", reason="runpod is not installed")


@pytest.fixture
def rest2():
    bench = Bench("rest2")
    with server.running(bench.cloud) as url:
        yield bench.at(url)


@pytest.fixture
def sdk(package):
    bench = Bench("sdk")
    with server.running(bench.cloud) as url:
        yield bench.at(url)


@pytest.fixture(params=["rest2", "sdk"])
def bench(request):
    return request.getfixturevalue(request.param)


def test_a_pod_is_priced_made_seen_listed_and_ended(bench):
    provider, cloud = bench.provider, bench.cloud
    cloud.boot_looks, cloud.ssh_looks, cloud.end_looks = 1, 1, 1
    assert provider.price(bench.request()) == Decimal("21.52")
    assert provider.price(bench.request(pod_cloud="COMMUNITY")) == Decimal("19.12")

    made = bench.create()
    machine = cloud.machines[made.id]
    assert (made.name, made.status, made.address) == ("golf-1", "starting", None)
    assert (machine.gpu, machine.gpu_count, machine.cloud, machine.disk_gb) == (H100, 8, "SECURE", 50)
    assert machine.image == Settings().pod_image
    assert machine.env == {"PUBLIC_KEY": PUBLIC_KEY}

    looks = [provider.get(made.id) for _ in range(3)]
    assert looks[0].status == "starting"
    assert [look.address for look in looks] == [None, None, Address("127.0.0.1", 2222, "root")]
    assert looks[2].status == "running"
    assert looks[2].usd_per_hour == Decimal("21.52")
    assert [pod.id for pod in provider.list()] == [made.id]

    bench.slept.append(90.0)
    provider.terminate(made.id)
    assert provider.get(made.id).exists
    assert provider.get(made.id) is None
    assert provider.list() == []
    assert (cloud.alive(), cloud.creates, cloud.billed_s(made.id)) == ([], 1, 90.0)


def test_template_volume_and_data_centres_reach_the_provider(bench):
    made = bench.create(
        runpod_template_id="y5cejece4j",
        pod_network_volume_id="vol1",
        pod_data_centers="EU-RO-1, US-KS-2",
        pod_gpu_count=1,
    )
    machine = bench.cloud.machines[made.id]
    assert (machine.template, machine.volume, machine.place) == ("y5cejece4j", "vol1", "EU-RO-1")
    assert machine.image == "of the template"
    assert machine.gpu_count == 1


def test_the_next_data_centre_is_tried_and_only_all_of_them_are_no_capacity(bench):
    bench.cloud.sold_out = ["US-KS-2", "EU-NL-1"]
    made = bench.create(pod_data_centers="US-KS-2,EU-RO-1")
    assert bench.cloud.machines[made.id].place == "EU-RO-1"
    error = raised(lambda: bench.create("golf-2", pod_data_centers="US-KS-2,EU-NL-1"))
    assert (type(error), error.exit_code) == (NoCapacity, Exit.REMOTE)
    assert "no longer any instances available" in str(error)
    assert (bench.cloud.creates, len(bench.cloud.alive()), bench.slept) == (4, 1, [])


def test_what_the_provider_does_not_know_is_gone(bench):
    assert bench.provider.get("pod404") is None
    bench.provider.terminate("pod404")
    bench.provider.terminate("pod404")
    assert bench.provider.price(bench.request(pod_gpu="NVIDIA H100 SXM5 80GB")) is None


def test_a_gpu_without_a_price_has_none(bench):
    bench.cloud.prices["NVIDIA B900"] = (0.0, 0.0)
    assert bench.provider.price(bench.request(pod_gpu="NVIDIA B900")) is None


@pytest.mark.parametrize(
    ("status", "error", "exit_code"),
    [(402, NoBalance, Exit.REMOTE), (422, Rejected, Exit.BAD_FILE), (403, Rejected, Exit.BAD_FILE)],
)
def test_a_refused_create_is_not_repeated_and_made_nothing(bench, status, error, exit_code):
    bench.cloud.fault("create", status=status, times=9)
    told = raised(bench.create)
    assert isinstance(told, error)
    assert told.exit_code == exit_code
    assert (bench.cloud.creates, bench.cloud.alive(), bench.slept) == (1, [], [])


def test_a_wrong_key_is_named_by_its_variable(bench):
    bench.cloud.key = "rpa_ANOTHER"
    for call in (bench.create, lambda: bench.provider.get("pod1"), bench.provider.list):
        told = raised(call)
        assert (type(told), told.exit_code) == (Rejected, Exit.BAD_FILE)
        assert "RUNPOD_API_KEY" in str(told)
    assert bench.slept == []


@pytest.mark.parametrize(
    "fault",
    [
        {"after": True, "drop": True},
        {"after": True, "status": 502},
        {"status": 503},
        {"after": True, "body": "<html>gateway</html>"},
        {"after": True, "body": "{}"},
    ],
    ids=lambda fault: "-".join(f"{key}={value}" for key, value in fault.items()),
)
def test_a_create_without_a_readable_answer_is_unknown_and_sent_once(bench, fault):
    bench.cloud.fault("create", times=9, **fault)
    error = raised(bench.create)
    assert (type(error), error.exit_code) == (CreateUnknown, Exit.REMOTE)
    assert (bench.cloud.creates, bench.slept) == (1, [])
    assert len([pod for pod in bench.provider.list() if pod.name == "golf-1"]) == (1 if fault.get("after") else 0)


@pytest.mark.parametrize("what", ["get", "list", "terminate", "price"])
@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 503}, {"status": 500}], ids=["drop", "503", "500"])
def test_every_other_call_is_repeated_until_it_is_answered(bench, what, fault):
    made = bench.create()
    before = bench.cloud.calls(what)
    bench.cloud.fault(what, times=3, **fault)
    calls = {"get": bench.provider.get, "terminate": bench.provider.terminate}
    if what in calls:
        calls[what](made.id)
    else:
        assert {"list": bench.provider.list, "price": lambda: bench.provider.price(bench.request())}[what]()
    assert bench.slept == [1, 2, 4]
    assert bench.cloud.calls(what) == before + 4


def test_a_termination_that_goes_unanswered_is_an_error_and_can_be_asked_again(bench):
    made = bench.create()
    bench.cloud.fault("terminate", status=500, times=TRIES)
    assert raised(bench.provider.terminate, made.id).exit_code == Exit.REMOTE
    assert len(bench.cloud.alive()) == 1
    bench.provider.terminate(made.id)
    assert bench.cloud.alive() == []


def test_a_termination_that_was_done_but_not_answered_is_done(bench):
    made = bench.create()
    bench.cloud.fault("terminate", after=True, drop=True)
    bench.provider.terminate(made.id)
    assert bench.cloud.alive() == []


def test_nobody_there_is_an_error_for_every_call_and_no_pod_is_unknown(bench):
    with server.running(Cloud()) as url:
        pass  # nobody listens there any more
    bench.at(url)
    for call in (bench.create, bench.provider.list, lambda: bench.provider.get("pod1")):
        error = raised(call)
        assert (type(error), error.exit_code) == (ProviderError, Exit.REMOTE)
    assert bench.slept == [1, 2, 4, 8] * 3


def test_429_waits_as_told_and_a_storm_ends(rest2):
    rest2.cloud.fault("create", status=429, retry_after=3, times=2)
    rest2.cloud.fault("create", status=429, rate_limit='"minute";r=0;t=12, "hour";r=9;t=99')
    rest2.create()
    assert rest2.slept == [3, 3, 12]
    rest2.cloud.fault("get", status=429, retry_after=60, times=99)
    error = raised(rest2.provider.get, "pod1")
    assert rest2.slept == [3, 3, 12, 60, 60, 60]
    assert (type(error), error.exit_code) == (ProviderError, Exit.REMOTE)
    assert len(rest2.cloud.alive()) == 1


def test_a_422_names_each_error_of_the_problem(rest2):
    rest2.cloud.fault("create", status=422, errors=["$: additional properties 'bogus' not allowed", "$.disk: < 1"])
    told = str(raised(rest2.create))
    assert "Unprocessable Entity: Request validation failed." in told
    assert "additional properties 'bogus' not allowed: $.disk: < 1" in told


def test_a_slow_answer_to_a_create_is_unknown_and_to_a_get_asked_again(rest2):
    timing = Timing(rest2.now, rest2.slept.append, lambda: 1.0)
    provider = Rest2(KEY, rest2.settings.runpod_api_base_url, timing, timeout_s=0.2)
    rest2.cloud.fault("create", delay_s=0.5)
    error = raised(provider.create, rest2.request())
    assert isinstance(error, CreateUnknown)
    assert len(rest2.cloud.named("golf-1")) == 1
    rest2.cloud.fault("get", delay_s=0.5)
    assert provider.get("pod1").id == "pod1"
    assert rest2.slept == [1]


def test_a_list_is_read_to_its_last_page(rest2):
    rest2.cloud.page = 2
    for n in range(5):
        rest2.create(f"golf-{n}")
    assert [pod.name for pod in rest2.provider.list()] == [f"golf-{n}" for n in range(5)]


def test_a_list_that_goes_on_in_an_unknown_way_is_an_error(rest2):
    rest2.cloud.fault("list", body=json.dumps({"pods": [], "nextCursor": "abc"}))
    assert "nextCursor is 'abc', expected a list without pages" in str(raised(rest2.provider.list))


@pytest.mark.parametrize(
    ("word", "status"),
    [("EXITED", "stopped"), ("HIBERNATED", "stopped"), ("TERMINATED", "gone"), ("RUNNING", "running")],
)
def test_an_unknown_status_exists_and_a_terminated_one_does_not(bench, word, status):
    made = bench.create()
    bench.cloud.machines[made.id].word = word
    pod = bench.provider.get(made.id)
    assert (pod.status, pod.exists) == (status, status != "gone")


@pytest.mark.parametrize("value", ['say "hi"', "back\\slash", "two\nlines"])
def test_the_package_is_not_given_what_its_query_cannot_carry(rest2, sdk, value):
    assert rest2.cloud.machines[rest2.create(value).id].name == value
    error = raised(sdk.create, value)
    assert isinstance(error, Rejected)
    assert "pod_provider to rest2" in str(error)
    assert sdk.cloud.requests == []


def test_the_package_gets_key_and_address_for_the_call_alone(sdk, monkeypatch, package):
    monkeypatch.setattr(package, "api_key", "before")
    sdk.provider.list()
    assert "RUNPOD_API_BASE_URL" not in os.environ
    monkeypatch.setenv("RUNPOD_API_BASE_URL", "https://example.invalid")
    sdk.provider.list()
    assert os.environ["RUNPOD_API_BASE_URL"] == "https://example.invalid"
    assert package.api_key == "before"


def test_the_key_is_in_no_word_that_golf_says(bench, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    said = [repr(bench.provider), repr(bench.request()), repr(bench.settings)]
    made = bench.create()
    said.append(repr(bench.provider.get(made.id)))
    for what, status in [(w, s) for w in ("create", "get", "list", "terminate", "price") for s in (400, 422, 500)]:
        bench.cloud.fault(what, status=status, times=TRIES, echo=True)
        calls = {
            "create": bench.create,
            "get": lambda: bench.provider.get(made.id),
            "list": bench.provider.list,
            "terminate": lambda: bench.provider.terminate(made.id),
            "price": lambda: bench.provider.price(bench.request()),
        }
        error = raised(calls[what])
        said.append("".join(traceback.format_exception(error)))
        assert status == 500 or "[RUNPOD_API_KEY]" in str(error)  # it was there to be hidden
        bench.cloud.faults.clear()
    bench.cloud.fault("get", body=f"not JSON {KEY}", times=TRIES)
    said.append("".join(traceback.format_exception(raised(bench.provider.get, made.id))))
    out, err = capfd.readouterr()
    assert KEY not in "".join([*said, caplog.text, out, err])
    assert all(KEY not in seen.body + seen.path for seen in bench.cloud.requests)


def test_a_404_of_somebody_else_does_not_end_a_machine(rest2):
    made = rest2.create()
    rest2.cloud.fault("get", status=404, body="<html>no such page</html>")
    rest2.cloud.fault("terminate", status=404, body="")
    for call in (rest2.provider.get, rest2.provider.terminate):
        assert "RUNPOD_API_BASE_URL" in str(raised(call, made.id))
    assert rest2.provider.get(made.id).exists


def test_the_words_not_found_are_checked_against_the_list(sdk):
    bench, made = sdk, sdk.create()
    bench.cloud.fault("get", detail="The host of this pod was not found.", times=2)
    assert bench.provider.get(made.id).exists
    bench.provider.terminate(made.id)
    assert bench.provider.get(made.id) is None


def test_the_stand_in_goes_on_when_it_is_killed_and_started_again(tmp_path):
    state = tmp_path / "cloud.json"
    with process.started(state) as remote:
        remote.set(end_looks=1, address=["127.0.0.1", 2200])
        remote.fault("create", after=True, drop=True)
        bench = Bench("rest2").at(remote.url)
        assert isinstance(raised(bench.create), CreateUnknown)
        assert remote.cloud().creates == 1
    with process.started(state) as remote:
        bench.at(remote.url)
        (pod,) = bench.provider.list()
        assert bench.provider.get(pod.id).address == Address("127.0.0.1", 2200)
        bench.provider.terminate(pod.id)
        assert [bench.provider.get(pod.id) is None for _ in range(2)] == [False, True]
        assert remote.cloud().alive() == []
        assert 0 < remote.cloud().billed_s(pod.id) < 60
