"""RunPod's REST v2 over httpx.

Source: api-reference-v2/openapi.json of RunPod's documentation (GA 18 August 2026). Its traps: a pod is RUNNING before
ssh is mapped; `cost` is 0.0 once it is stopped; `ssh.proxy` cannot carry rsync, `ssh.direct` can; unknown fields are
refused (422); there is no time limit of any kind on its side.
"""

import re
import urllib.parse
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from golfkit.budget.providers import reading, retry
from golfkit.budget.providers.protocol import VOLUME_PATH, CreateUnknown, Pod, PodRequest, ProviderError
from golfkit.budget.providers.retry import Answer, Kind, Lost, Timing

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 30.0  # to connect; between two bytes of an answer
MOST_PAGES = 1000  # of a list


class Rest2:
    """Pods by https://api.runpod.io/v2."""

    name = "rest2"
    rented = True

    def __init__(self, key: str, base_url: str, timing: Timing, *, timeout_s: float = TIMEOUT_S) -> None:
        """A provider that asks `base_url` with this key; nothing is sent before the first call.

        timing     clock, sleep and chance of the waits between tries
        timeout_s  seconds to connect, and without a byte of an answer
        """
        self._key, self._base_url, self._timing, self._timeout_s = key, base_url.rstrip("/"), timing, timeout_s
        self._client: httpx.Client | None = None

    def price(self, request: PodRequest) -> Decimal | None:
        """List price of the GPU in the request's cloud, times their number."""
        path = f"/v2/catalog/gpus/{urllib.parse.quote(request.gpu, safe='')}"
        answer = self._ask(Kind.READ, "GET", path)
        if answer is None:
            return None
        where = _where("GET", path)
        gpu = reading.record(reading.parse(answer.value, where), where)
        cloud = request.cloud.lower()
        price = reading.record(gpu.get("price"), where, "price")
        each = reading.usd(price.get(cloud), where, f"price.{cloud}")
        return None if each is None else each * request.gpu_count

    def create(self, request: PodRequest) -> Pod:
        """POST /v2/pods, one data centre after the other."""
        return retry.first_place(request.data_centers, lambda place: self._create_at(request, place))

    def get(self, pod_id: str) -> Pod | None:
        """GET /v2/pods/ID."""
        path = _pod_path(pod_id)
        answer = self._ask(Kind.READ, "GET", path)
        if answer is None:
            return None
        where = _where("GET", path)
        pod = read_pod(reading.parse(answer.value, where), where)
        if pod.id != pod_id:
            raise reading.unexpected(where, "id", pod.id, pod_id)
        return pod

    def list(self) -> list[Pod]:
        """GET /v2/pods, and the pages that a Link header names."""
        url: str | None = "/v2/pods"
        pods: dict[str, Pod] = {}
        for _ in range(MOST_PAGES):
            answer = self._ask(Kind.LIST, "GET", url)
            where = _where("GET", url)
            page = reading.record(reading.parse(answer.value, where), where)
            found = [read_pod(row, where) for row in reading.rows(page.get("pods"), where, "pods")]
            pods |= {pod.id: pod for pod in found}
            url = self._next_page(answer.headers, page, where)
            if url is None:
                return [*pods.values()]
        raise ProviderError(f"GET /v2/pods: more than {MOST_PAGES} pages, expected an end; try again later")

    def terminate(self, pod_id: str) -> None:
        """DELETE /v2/pods/ID: unlike the action `terminate` it is valid in every status, and may be repeated."""
        self._ask(Kind.TERMINATE, "DELETE", _pod_path(pod_id))

    def _create_at(self, request: PodRequest, place: str | None) -> Pod:
        where = _where("POST", "/v2/pods") + (f" in {place}" if place else "")
        answer = self._ask(Kind.CREATE, "POST", "/v2/pods", create_body(request, place), where)
        try:
            made = reading.record(reading.parse(answer.value, where), where)
            pod_id = reading.pod_id(made.get("id"), where)
        except ProviderError as error:  # a machine without a known id: its name is all there is
            raise CreateUnknown(f"{error}; whether a machine was made is not known") from error
        try:
            return read_pod(made, where)
        except ProviderError:  # its id is what matters; `get` names the field that cannot be read
            return Pod(pod_id, request.name, "starting")

    def _ask(self, kind: Kind, method: str, url: str, body: Any = None, where: str | None = None) -> Any:
        """The answer; None when what the URL names is gone."""
        return retry.ask(lambda: self._send(method, url, body), kind, where or _where(method, url), self._timing)

    def _send(self, method: str, url: str, body: Any) -> Answer | Lost:
        """One HTTP exchange. No words of it hold the key, though a server may echo it."""
        import httpx

        never_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
        if self._client is None:
            self._client = self._new_client()
        try:
            response = self._client.request(method, self._absolute(url), json=body)
        except httpx.HTTPError as error:
            why = self._redacted(str(error) or type(error).__name__)
            return Lost(not isinstance(error, never_sent), why)
        text = self._redacted(response.text)
        kept = {name.lower(): self._redacted(value) for name, value in response.headers.items()}
        problem = _problem(text)
        words = f"{response.status_code}: {problem or text or response.reason_phrase}"
        return Answer(response.status_code, words, kept, text, own=problem is not None)

    def _new_client(self) -> "httpx.Client":
        """A client that opens a connection for each call: one that went stale would leave a create unknown."""
        import httpx

        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json, application/problem+json"}
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(timeout=self._timeout_s, limits=limits, headers=headers)

    def _next_page(self, headers: Mapping[str, str], page: Mapping[str, Any], where: str) -> str | None:
        """The URL of the next page of a list; an error where there is one that golf does not know how to ask for."""
        if link := _NEXT_LINK.search(headers.get("link", "")):
            url = urllib.parse.urljoin(self._absolute("/v2/pods"), link[1])
            if not url.startswith(f"{self._base_url}/"):
                raise ProviderError(f"{where}: the next page is at {url}, expected {self._base_url}; not asked there")
            return url
        for field, value in page.items():
            if value and _GOES_ON.search(field):  # half a list would hide machines that cost money
                raise reading.unexpected(where, field, value, "a list without pages")
        return None

    def _absolute(self, url: str) -> str:
        return url if url.startswith(f"{self._base_url}/") else self._base_url + url

    def _redacted(self, text: str) -> str:
        return text.replace(self._key, "[RUNPOD_API_KEY]")


_NEXT_LINK = re.compile(r"""<([^>]*)>\s*;[^,]*\brel="?next\b""")
_GOES_ON = re.compile(r"next|cursor|more", re.IGNORECASE)


def create_body(request: PodRequest, place: str | None) -> dict[str, Any]:
    """What POST /v2/pods gets: no field beyond the documented ones, and nothing that overrides a template's image."""
    body: dict[str, Any] = {
        "name": request.name,
        "cloud": request.cloud,
        "gpu": {"id": request.gpu, "count": request.gpu_count},
        "disk": request.disk_gb,
        "ports": ["22/tcp"],
        "env": dict(request.env),
        "startSsh": True,
    }
    if request.template_id:
        body["templateId"] = request.template_id
    else:
        body["image"] = request.image
    if request.network_volume_id:
        body["mounts"] = {"network": [{"volumeId": request.network_volume_id, "path": VOLUME_PATH}]}
    if place:
        body["dataCenterIds"] = [place]
    return body


def read_pod(value: Any, where: str) -> Pod:
    """A Pod of the API, of which only these fields are read."""
    pod = reading.record(value, where)
    pod_id = reading.pod_id(pod.get("id"), where)
    where = f"{where}: pod {pod_id}"
    ssh = reading.record(pod.get("ssh") or {}, where, "ssh")
    direct = reading.record(ssh.get("direct") or {}, where, "ssh.direct")
    address = None
    if direct:
        address = reading.address(direct.get("host"), direct.get("port"), direct.get("username"), where, "ssh.direct")
    return Pod(
        id=pod_id,
        name=reading.text(pod.get("name"), where, "name"),
        status=reading.status(pod.get("status"), where, "status"),
        usd_per_hour=reading.usd(pod.get("cost"), where, "cost"),
        address=address,
        created=reading.moment(pod.get("createdAt"), where, "createdAt"),
    )


def _problem(text: str) -> str | None:
    """The words of a problem document (RFC 9457), as title: detail: errors; None where the text is none."""
    try:
        problem = reading.record(reading.parse(text, ""), "")
    except ProviderError:
        return None
    errors = problem.get("errors")
    parts = [problem.get("title"), problem.get("detail"), *(errors if isinstance(errors, list) else [])]
    return ": ".join(str(part) for part in parts if part) or None


def _pod_path(pod_id: str) -> str:
    return f"/v2/pods/{reading.pod_id(pod_id, 'pods.jsonl')}"


def _where(method: str, url: str) -> str:
    return f"RunPod: {method} {url}"
