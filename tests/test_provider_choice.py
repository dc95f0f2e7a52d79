"""Which provider tier, host and settings name, what it is asked for, and one's own machine."""

import pytest
from standins.bench import PUBLIC_KEY
from standins.cloud import KEY

from golfkit.budget.providers import choose
from golfkit.budget.providers.own import Own
from golfkit.budget.providers.protocol import Address
from golfkit.errors import Exit, GolfError
from golfkit.settings import Settings

SETTINGS = Settings(runpod_api_key=KEY)


def test_ones_own_machine_is_there_costs_nothing_and_stays():
    own = choose.provider(SETTINGS, "ssh", "me@box:2222")
    assert isinstance(own, Own)
    assert not own.rented
    made = own.create(choose.request(SETTINGS, "golf-1", PUBLIC_KEY))
    assert (made.name, made.status, made.address) == ("golf-1", "running", Address("box", 2222, "me"))
    own.terminate(made.id)
    assert own.get(made.id).address == made.address
    assert (own.price(choose.request(SETTINGS, "x", PUBLIC_KEY)), own.list()) == (None, [])


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("me@box", Address("box", 22, "me")),
        ("root@10.0.0.7:2200", Address("10.0.0.7", 2200, "root")),
        ("root@[::1]:2200", Address("::1", 2200, "root")),
    ],
)
def test_a_host_is_read(host, address):
    assert choose.provider(SETTINGS, "ssh", host).create(choose.request(SETTINGS, "x", PUBLIC_KEY)).address == address


@pytest.mark.parametrize(
    "host", ["box", "me@", "me@-oProxyCommand=x", "-l@box", "me@box:0", "me@box:70000", "a b@c", ""]
)
def test_a_host_that_is_none_is_a_usage_error(host):
    with pytest.raises(GolfError, match="expected user@box") as caught:
        choose.provider(SETTINGS, "ssh", host)
    assert caught.value.exit_code == Exit.USAGE


@pytest.mark.parametrize(("tier", "host"), [("ssh", None), ("runpod", "me@box"), ("moon", None)])
def test_tier_and_host_have_to_fit(tier, host):
    with pytest.raises(GolfError, match="--tier") as caught:
        choose.provider(SETTINGS, tier, host)
    assert caught.value.exit_code == Exit.USAGE


@pytest.mark.parametrize("key", [None, "", "rpa_x y", "rpa_x\n", "rpa_\u00e9"])
def test_a_key_that_is_missing_or_none_is_an_error_that_names_its_variable(key):
    with pytest.raises(GolfError, match="RUNPOD_API_KEY") as caught:
        choose.provider(Settings(runpod_api_key=key), "runpod")
    assert caught.value.exit_code == Exit.BAD_FILE
    assert "rpa_" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://api.runpod.io", "api.runpod.io", "https://", "https://h:99999", "http://[", "file:///x"]
)
def test_the_key_goes_nowhere_but_by_https_or_to_this_machine(url):
    with pytest.raises(GolfError, match="RUNPOD_API_BASE_URL"):
        choose.provider(Settings(runpod_api_key=KEY, runpod_api_base_url=url), "runpod")


def test_the_public_key_goes_without_its_comment_and_a_private_one_not_at_all():
    assert choose.request(SETTINGS, "x", f"{PUBLIC_KEY} me@home\n").env == {"PUBLIC_KEY": PUBLIC_KEY}
    for text in ("", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n", f"{PUBLIC_KEY}\n{PUBLIC_KEY}"):
        with pytest.raises(GolfError, match=r"\.pub file"):
            choose.request(SETTINGS, "x", text)
