"""REST v2 of the stand-in: the documented shapes of /v2/pods and /v2/catalog/gpus, and problems by RFC 9457."""

import json
import urllib.parse
from datetime import UTC, datetime
from typing import Any

from standins.cloud import Cloud, Fault, Machine
from standins.wire import Reply, Request

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
}
DETAILS = {
    400: "There are no longer any instances available with the requested specifications. Please refresh and try again.",
    401: "missing bearer token",
    402: "insufficient balance",
    403: "access denied",
    404: "resource not found",
    422: "Request validation failed.",
    429: "rate limit exceeded for the minute window",
}
POLICY = '"minute";q=60;w=60, "hour";q=3000;w=3600, "day";q=50000;w=86400'
CREATE_FIELDS = {
    *("name", "image", "templateId", "gpu", "cpu", "cloud", "dataCenterIds", "disk", "ports", "env", "args", "mounts"),
    *("registry", "startSsh", "startJupyter", "globalNetworking"),
}


def kind(request: Request) -> str:
    """create, get, list, terminate or price; other for what is not there."""
    path = urllib.parse.urlsplit(request.path).path
    if path.startswith("/v2/catalog/gpus/") and request.method == "GET":
        return "price"
    if path == "/v2/pods":
        return {"GET": "list", "POST": "create"}.get(request.method, "other")
    if path.startswith("/v2/pods/"):
        return {"GET": "get", "DELETE": "terminate"}.get(request.method, "other")
    return "other"


def answer(cloud: Cloud, request: Request) -> Reply:
    """The true answer."""
    what = kind(request)
    last = urllib.parse.unquote(urllib.parse.urlsplit(request.path).path.rsplit("/", 1)[-1])
    if what == "price":
        return _gpu(cloud, last)
    if what == "list":
        return _list(cloud, request)
    if what == "create":
        return _create(cloud, request)
    if what == "get":
        machine = cloud.look(last)
        return problem(cloud, 404, "pod not found") if machine is None else _json(cloud, 200, pod(cloud, machine))
    if what == "terminate":
        return Reply(204, _headers(cloud)) if cloud.end(last) else problem(cloud, 404, "pod not found")
    return problem(cloud, 404)


def fault(cloud: Cloud, ordered: Fault, request: Request) -> Reply:
    """The answer that a fault orders."""
    status = ordered.status or 200
    if ordered.body is not None:
        return Reply(status, {"Content-Type": "text/html"}, ordered.body.encode())
    detail = ordered.detail or DETAILS.get(status, "something went wrong")
    if ordered.echo:
        detail += f" (Authorization: {request.authorization})"
    reply = problem(cloud, status, detail, ordered.errors)
    if ordered.retry_after is not None:
        reply.headers["Retry-After"] = str(ordered.retry_after)
    if ordered.rate_limit is not None:
        reply.headers["RateLimit"] = ordered.rate_limit
    return reply


def problem(cloud: Cloud, status: int, detail: str | None = None, errors: list[str] | None = None) -> Reply:
    """A problem document."""
    title = TITLES.get(status, "Error")
    body: dict[str, Any] = {"title": title, "status": status, "detail": detail or DETAILS.get(status, title)}
    if errors:
        body["errors"] = errors
    headers = _headers(cloud) | {"Content-Type": "application/problem+json"}
    return Reply(status, headers, json.dumps(body).encode())


def pod(cloud: Cloud, machine: Machine) -> dict[str, Any]:
    """A Pod as documented."""
    host, port = cloud.address
    status = cloud.status(machine)
    reachable = cloud.reachable(machine)
    direct = {"host": host, "port": port, "username": cloud.user, "command": f"ssh {cloud.user}@{host} -p {port}"}
    proxy = {"host": "ssh.runpod.io", "port": 22, "username": f"{machine.id}-64411eb2", "command": "ssh ..."}
    mounts = {"network": [{"volumeId": machine.volume, "path": "/workspace"}]} if machine.volume else {}
    return {
        "id": machine.id,
        "name": machine.name,
        "status": status,
        "actions": ["stop", "restart", "terminate"],
        "image": machine.image,
        "args": "",
        "disk": machine.disk_gb,
        "mounts": mounts,
        "ports": ["22/tcp"],
        "env": machine.env,
        "registry": None,
        "gpu": {"id": machine.gpu, "count": machine.gpu_count, "vcpuCount": 128, "memory": 2000},
        "cloud": machine.cloud,
        "dataCenterId": machine.place,
        "cudaVersion": "12.8",
        "ssh": {"proxy": proxy, "direct": direct if reachable else None},
        "template": None,
        "cost": 0.0 if status in ("EXITED", "TERMINATED") else machine.usd_per_hour,
        "locked": False,
        "globalNetworking": {"enabled": False},
        "runtime": {"uptime": 1, "ports": []} if reachable else None,
        "createdAt": datetime.fromtimestamp(machine.created, UTC).isoformat().replace("+00:00", "Z"),
        "startedAt": None,
    }


def _list(cloud: Cloud, request: Request) -> Reply:
    alive = cloud.alive()
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
    start = int(query.get("from", ["0"])[0])
    end = len(alive) if cloud.page is None else start + cloud.page
    reply = _json(cloud, 200, {"pods": [pod(cloud, machine) for machine in alive[start:end]]})
    if end < len(alive):
        reply.headers["Link"] = f'</v2/pods?from={end}>; rel="next"'
    return reply


def _create(cloud: Cloud, request: Request) -> Reply:
    try:
        body = json.loads(request.body)
    except ValueError:
        return problem(cloud, 400, "body is not JSON")
    errors = [f"$: additional properties '{name}' not allowed" for name in sorted(set(body) - CREATE_FIELDS)]
    if not body.get("name"):
        errors.append("$: missing property 'name'")
    if not body.get("image") and not body.get("templateId"):
        errors.append("$: missing property 'image'")
    env = body.get("env", {})
    errors += [f"$.env.{name}: want string" for name, value in env.items() if not isinstance(value, str)]
    if errors:
        return problem(cloud, 422, None, errors)
    if "templateId" in body and body["templateId"] not in cloud.templates:
        return problem(cloud, 404, "template not found")
    gpu, places = body.get("gpu", {}), body.get("dataCenterIds") or []
    if gpu.get("id") not in cloud.prices or not 1 <= gpu.get("count", 1) <= 8:
        return problem(cloud, 400, "gpu: unknown id, or more than maxCount")
    if "*" in cloud.sold_out or (places and set(places) <= set(cloud.sold_out)):
        return problem(cloud, 400)
    network = body.get("mounts", {}).get("network", [])
    machine = cloud.make(
        name=body["name"],
        gpu=gpu["id"],
        gpu_count=gpu.get("count", 1),
        cloud=body.get("cloud", "SECURE"),
        image=body.get("image", "of the template"),
        place=next((place for place in places if place not in cloud.sold_out), "US-KS-2"),
        disk_gb=body.get("disk", 50),
        template=body.get("templateId"),
        volume=network[0]["volumeId"] if network else None,
        env=env,
    )
    return _json(cloud, 201, pod(cloud, machine))


def _gpu(cloud: Cloud, gpu: str) -> Reply:
    if gpu not in cloud.prices:
        return problem(cloud, 404)
    secure, community = cloud.prices[gpu]
    price = {"secure": secure, "community": community}
    body = {"id": gpu, "name": "H100 SXM", "pool": None, "manufacturer": "NVIDIA", "memory": 80, "secure": True}
    return _json(cloud, 200, body | {"community": True, "price": price, "maxCount": 8})


def _json(cloud: Cloud, status: int, body: Any) -> Reply:
    return Reply(status, _headers(cloud) | {"Content-Type": "application/json"}, json.dumps(body).encode())


def _headers(cloud: Cloud) -> dict[str, str]:
    recent = sum(seen.at > cloud.time() - 60 for seen in cloud.requests)
    left = f'"minute";r={max(1, 60 - recent)};t=60, "hour";r=2800;t=1812, "day";r=49500;t=45012'
    return {"RateLimit": left, "RateLimit-Policy": POLICY}
