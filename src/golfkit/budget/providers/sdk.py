"""RunPod by its own package: GraphQL, which RunPod retires in early 2027; REST v2 is the default.

What the package cannot do, and what follows:
- it shows no status but 401, and no headers: any answer that is not GraphQL counts as a 5xx, Retry-After is not seen;
- it pastes values into the query without escaping: values with quotes, backslashes or control characters are refused;
- it asks more than once inside create_pod: an unreadable answer to any of these questions makes the create unknown;
- it takes key and address from a module's variable and the environment: both are set while a call runs, and put back.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from golfkit.budget.providers import reading, retry
from golfkit.budget.providers.protocol import (
    VOLUME_PATH,
    Address,
    CreateUnknown,
    Pod,
    PodRequest,
    ProviderError,
    Rejected,
)
from golfkit.budget.providers.retry import Answer, Kind, Lost, Timing
from golfkit.errors import missing_package

ADDRESS_VARIABLE = "RUNPOD_API_BASE_URL"  # read by the package at every call

# GraphQL errors have no status: these words of RunPod's mean one. Any other text is an error within RunPod, as 500.
MEANINGS = (
    (400, "no longer any instances|not have the resources|not enough free GPUs|no (GPU|instance)s? available"),
    (401, "^(unauthori[sz]ed|unauthenticated)|not authenticated|invalid api key"),
    (402, r"\b(balance|funds|spend(ing)? limit)\b"),
    (404, r"\bpod\b.*\b(not found|does not exist)|^No GPU found"),
    (422, '^(Syntax Error|Cannot query|Unknown |Field "|Argument "|Expected |Variable ")|cannot represent'),
    (429, "too many requests|rate limit"),
)


class Sdk:
    """Pods by the package runpod."""

    name = "sdk"
    rented = True

    def __init__(self, key: str, base_url: str, timing: Timing) -> None:
        """A provider that asks `base_url` with this key; the package is imported at the first call (2 s).

        timing  clock, sleep and chance of the waits between tries
        """
        self._key, self._base_url, self._timing = key, base_url.rstrip("/"), timing

    def price(self, request: PodRequest) -> Decimal | None:
        """List price of the GPU in the request's cloud, times their number."""
        where = "RunPod: gpuTypes"
        _plain({"pod_gpu": request.gpu})
        answer = self._ask(Kind.READ, where, lambda sdk: sdk.get_gpu(request.gpu, request.gpu_count))
        if answer is None:
            return None
        field = f"{request.cloud.lower()}Price"
        each = reading.usd(reading.record(answer.value, where).get(field), where, field)
        return None if each is None else each * request.gpu_count

    def create(self, request: PodRequest) -> Pod:
        """podFindAndDeployOnDemand, one data centre after the other."""
        return retry.first_place(request.data_centers, lambda place: self._create_at(request, place))

    def get(self, pod_id: str) -> Pod | None:
        """The query `pod`."""
        reading.pod_id(pod_id, "pods.jsonl")
        where = f"RunPod: pod {pod_id}"
        answer = self._ask(Kind.READ, where, lambda sdk: sdk.get_pod(pod_id))
        if answer is None:  # by the words of an error: the list has to agree
            return next((pod for pod in self.list() if pod.id == pod_id), None)
        if answer.value is None:
            return None
        pod = read_pod(answer.value, where)
        if pod.id != pod_id:
            raise reading.unexpected(where, "id", pod.id, pod_id)
        return pod

    def list(self) -> list[Pod]:
        """The query `myself.pods`: it has no pages."""
        where = "RunPod: myself.pods"
        answer = self._ask(Kind.LIST, where, lambda sdk: sdk.get_pods())
        return [read_pod(row, where) for row in reading.rows(answer.value, where, "pods")]

    def terminate(self, pod_id: str) -> None:
        """podTerminate; what it answers about a machine that is gone already is not documented, so `get` is asked."""
        reading.pod_id(pod_id, "pods.jsonl")
        try:
            self._ask(Kind.TERMINATE, f"RunPod: podTerminate {pod_id}", lambda sdk: _terminate(sdk, pod_id))
        except ProviderError:
            if self.get(pod_id) is not None:
                raise

    def _create_at(self, request: PodRequest, place: str | None) -> Pod:
        where = "RunPod: podFindAndDeployOnDemand" + (f" in {place}" if place else "")
        arguments = create_arguments(request, place)
        answer = self._ask(Kind.CREATE, where, lambda sdk: sdk.create_pod(**arguments))
        try:
            pod_id = reading.pod_id(reading.record(answer.value, where).get("id"), where)
        except ProviderError as error:  # a machine without a known id: its name is all there is
            raise CreateUnknown(f"{error}; whether a machine was made is not known") from error
        return Pod(pod_id, request.name, "starting")

    def _ask(self, kind: Kind, where: str, call: Callable[[Any], Any]) -> Any:
        """The answer; None when what is asked for is gone."""
        return retry.ask(lambda: self._send(call), kind, where, self._timing)

    def _send(self, call: Callable[[Any], Any]) -> Answer | Lost:
        """One call of the package, its exceptions as what they mean. No words of it hold the key."""
        try:
            import requests
            import runpod
            from runpod.error import AuthenticationError, QueryError
        except ModuleNotFoundError as error:
            raise missing_package("runpod", "runpod") from error
        try:
            with _borrowed(runpod, self._key, self._base_url):
                return Answer(200, value=call(runpod))
        except AuthenticationError as error:
            return Answer(401, self._redacted(str(error)))
        except QueryError as error:
            words = self._redacted(str(error))
            return Answer(_meaning(words, 500), words)
        except requests.JSONDecodeError:  # before ValueError and RequestException, which it is, too
            return Answer(502, "not JSON")
        except requests.RequestException as error:
            return Lost(_was_sent(error), self._redacted(str(error)))
        except ValueError as error:  # its own checks of arguments, as: no such GPU
            return Answer(_meaning(str(error), 422), self._redacted(str(error)))
        except (KeyError, TypeError, AttributeError) as error:  # it takes an answer's shape for granted
            return Answer(502, f"not of the expected shape ({type(error).__name__})")

    def _redacted(self, text: str) -> str:
        return text.replace(self._key, "[RUNPOD_API_KEY]")


def create_arguments(request: PodRequest, place: str | None) -> dict[str, Any]:
    """The arguments of runpod.create_pod; a value that its query cannot carry is an error."""
    _plain(
        {
            "the pod's name": request.name,
            "pod_gpu": request.gpu,
            "pod_image": request.image,
            "runpod_template_id": request.template_id or "",
            "pod_network_volume_id": request.network_volume_id or "",
            "pod_data_centers": place or "",
            **{f"the pod's variable {name}": name + value for name, value in request.env.items()},
        }
    )
    return {
        "name": request.name,
        "image_name": "" if request.template_id else request.image,
        "gpu_type_id": request.gpu,
        "cloud_type": request.cloud,
        "data_center_id": place,
        "gpu_count": request.gpu_count,
        "container_disk_in_gb": request.disk_gb,
        "ports": "22/tcp",
        "volume_mount_path": VOLUME_PATH,
        "env": dict(request.env),
        "template_id": request.template_id,
        "network_volume_id": request.network_volume_id,
    }


def read_pod(value: Any, where: str) -> Pod:
    """A Pod of the GraphQL API, of which only these fields are read; it has no time of creation."""
    pod = reading.record(value, where)
    pod_id = reading.pod_id(pod.get("id"), where)
    where = f"{where}: pod {pod_id}"
    status = reading.status(pod.get("desiredStatus"), where, "desiredStatus")
    runtime = pod.get("runtime")  # null until the image is there and its container runs
    return Pod(
        id=pod_id,
        name=reading.text(pod.get("name"), where, "name"),
        status="starting" if status == "running" and runtime is None else status,
        usd_per_hour=reading.usd(pod.get("costPerHr"), where, "costPerHr"),
        address=None if runtime is None else _address(runtime, where),
    )


def _address(runtime: Any, where: str) -> Address | None:
    ports = reading.record(runtime, where, "runtime").get("ports") or []
    for value in reading.rows(ports, where, "runtime.ports"):
        port = reading.record(value, where, "runtime.ports")
        if port.get("privatePort") == 22 and port.get("isIpPublic") is True and port.get("type") == "tcp":
            return reading.address(port.get("ip"), port.get("publicPort"), "root", where, "runtime.ports")
    return None


def _terminate(sdk: Any, pod_id: str) -> None:
    """What sdk.terminate_pod does, but for one thing: it takes any JSON as done, 500 and 429 among it."""
    mutation = sdk.api.mutations.pods.generate_pod_terminate_mutation(pod_id)
    sdk.api.graphql.run_graphql_query(mutation)["data"]


def _meaning(words: str, otherwise: int) -> int:
    return next((status for status, meant in MEANINGS if re.search(meant, words, re.IGNORECASE)), otherwise)


def _plain(values: dict[str, str]) -> None:
    for name, value in values.items():
        if not value.isprintable() or '"' in value or "\\" in value:
            raise Rejected(
                f"{name} holds a quote, a backslash or a control character, which the package runpod cannot send; "
                "change it, or set pod_provider to rest2"
            )


def _was_sent(error: Exception) -> bool:
    """Whether the request may have reached RunPod: not when there never was a connection."""
    import requests
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    if isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return False
    cause = error.args[0] if error.args else None
    return not (isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError))


@contextlib.contextmanager
def _borrowed(runpod: Any, key: str, base_url: str) -> Iterator[None]:
    """Lend the package its key and address, and put back what was there."""
    key_before, address_before = runpod.api_key, os.environ.get(ADDRESS_VARIABLE)
    runpod.api_key, os.environ[ADDRESS_VARIABLE] = key, base_url
    try:
        yield
    finally:
        runpod.api_key = key_before
        if address_before is None:
            del os.environ[ADDRESS_VARIABLE]
        else:
            os.environ[ADDRESS_VARIABLE] = address_before
