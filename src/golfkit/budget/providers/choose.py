"""Which provider the settings and the tier name, and what it is asked for."""

import random
import re
import time
import urllib.parse

from golfkit.budget.providers.own import Own, read_host
from golfkit.budget.providers.protocol import PodProvider, PodRequest
from golfkit.budget.providers.rest2 import Rest2
from golfkit.budget.providers.retry import Timing
from golfkit.budget.providers.sdk import Sdk
from golfkit.errors import Exit, GolfError
from golfkit.settings import Settings

TIERS = ("runpod", "ssh")
REAL = Timing(time.time, time.sleep, random.random)

_KEY = re.compile(r"[!-~]+")  # visible ASCII: what a header can carry
_PUBLIC_KEY = re.compile(r"((?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3})(?: [^\n]*)?")


def provider(settings: Settings, tier: str, host: str | None = None, timing: Timing = REAL) -> PodProvider:
    """The provider of a tier: `ssh` is the machine that --host names, `runpod` what pod_provider says."""
    if tier == "ssh":
        if host is None:
            raise GolfError("--tier ssh names no machine, expected --host user@box[:port]; add it", Exit.USAGE)
        return Own(read_host(host))
    if tier != "runpod":
        raise GolfError(f"--tier is {tier!r}, expected {' or '.join(TIERS)}; correct it", Exit.USAGE)
    if host is not None:
        raise GolfError("--host is for --tier ssh; leave one of the two out", Exit.USAGE)
    kind = Sdk if settings.pod_provider == "sdk" else Rest2
    return kind(_key(settings), _base_url(settings), timing)


def request(settings: Settings, name: str, public_key: str) -> PodRequest:
    """What to rent by these settings, reachable with this key.

    name        unique among all machines ever rented
    public_key  the line of the .pub file; its comment stays here
    """
    match = _PUBLIC_KEY.fullmatch(public_key.strip())
    if match is None:
        raise GolfError(
            "ssh_key: its .pub file holds no public key, expected one line as ssh-keygen writes it; correct it"
        )
    return PodRequest(
        name=name,
        gpu=settings.pod_gpu,
        gpu_count=settings.pod_gpu_count,
        cloud=settings.pod_cloud,
        image=settings.pod_image,
        disk_gb=settings.pod_disk_gb,
        template_id=settings.runpod_template_id,
        network_volume_id=settings.pod_network_volume_id,
        data_centers=tuple(place for part in settings.pod_data_centers.split(",") if (place := part.strip())),
        env={"PUBLIC_KEY": match[1]},
    )


def _key(settings: Settings) -> str:
    key = settings.runpod_api_key
    if not key:
        raise GolfError("RUNPOD_API_KEY is not set, expected a RunPod key; set it in the environment or in .env")
    if not _KEY.fullmatch(key):  # it is not shown
        raise GolfError("RUNPOD_API_KEY holds spaces, line ends or other than ASCII, expected a RunPod key; correct it")
    return key


def _base_url(settings: Settings) -> str:
    """The API's address: the key goes there, so only by https, or to this machine."""
    text = settings.runpod_api_base_url
    try:
        url = urllib.parse.urlsplit(text)
        port_is_there = url.port != 0
    except ValueError:  # a port beyond 65535, brackets that do not close
        url, port_is_there = urllib.parse.urlsplit(""), False
    near = url.scheme == "http" and url.hostname in ("127.0.0.1", "localhost", "::1")
    if not port_is_there or not url.hostname or not (url.scheme == "https" or near) or url.query or url.fragment:
        raise GolfError(f"RUNPOD_API_BASE_URL is {text!r}, expected https://HOST; correct it")
    return text
