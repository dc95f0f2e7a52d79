"""The Hub's own routes: JSON. One function answers one request, under the lock of the state."""

import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple

from hub import storage
from hub.state import Fault, Hub


class Asked(NamedTuple):
    """A request."""

    method: str
    path: str  # as sent, without the query
    query: Mapping[str, str]
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    url: str  # of this server


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


def reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """`value` as JSON; headers as keywords, with _ for -."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **named})


def error(status: int, message: str, code: str = "") -> Reply:
    """A refusal as the Hub words it."""
    return reply({"error": message}, status, X_Error_Message=message, **({"X_Error_Code": code} if code else {}))


def route_of(asked: Asked) -> str:
    """The route's name, one of state.ROUTES, or nothing."""
    parts = asked.path.strip("/").split("/")
    if asked.path == "/api/whoami-v2":
        return "whoami"
    if parts[:2] == ["api", "buckets"]:
        if len(parts) == 3:
            return "list"
        return parts[4] if len(parts) > 4 else ("create" if asked.method == "POST" else "info")
    if parts[0] == "buckets" and parts[3:4] == ["resolve"]:
        return "resolve"
    return storage.route_of(parts)


def answer(hub: Hub, asked: Asked, fault: Fault | None) -> Reply:
    """The answer; `fault` matters for a batch that is done by halves."""
    parts = asked.path.strip("/").split("/")
    route = route_of(asked)
    user = hub.users.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
    if route in storage.ROUTES:
        return Reply(*storage.answer(hub, route, parts, asked.headers, asked.body, asked.url))
    if not route:
        return error(404, f"no route: {asked.path}")
    if user is None:
        return error(401, "Invalid credentials in Authorization header")
    if route == "whoami":
        return reply({"type": "user", "name": user, "fullname": user.title(), "orgs": [{"name": "org"}]})
    if route == "list":
        found = [_info(hub, bucket) for bucket in sorted(hub.buckets) if bucket.split("/")[0] in (parts[2], "me")]
        return _paged(hub, asked, [one for one in found if asked.query.get("search", "") in one["id"]])
    bucket = "/".join(parts[1:3] if route == "resolve" else parts[2:4])
    if user in hub.readers and route in ("create", "xet-write-token", "batch"):
        return error(403, "You do not have the required permissions: write")
    if route == "create":
        status = 409 if bucket in hub.buckets else 200
        hub.make(bucket)
        return reply({"url": f"{asked.url}/buckets/{bucket}"}, status)
    if bucket not in hub.buckets:
        return error(404, "Repository not found", "RepoNotFound")
    return _of_bucket(hub, asked, bucket, route, fault)


def _of_bucket(hub: Hub, asked: Asked, bucket: str, route: str, fault: Fault | None) -> Reply:
    files = hub.buckets[bucket]
    if route == "info":
        return reply(_info(hub, bucket))
    if route == "tree":
        return _tree(hub, asked, bucket)
    if route == "paths-info":
        return reply([files[path].record() for path in json.loads(asked.body)["paths"] if path in files])
    if route == "batch":
        return _batch(hub, bucket, asked.body, half=fault is not None and fault.half)
    if route.startswith("xet-"):
        return _token(hub, asked.url)
    if route == "resolve":
        return _resolve(hub, asked, bucket)
    return error(404, f"no route: {asked.path}")


def _info(hub: Hub, bucket: str) -> dict[str, Any]:
    files = hub.buckets[bucket].values()
    size = sum(file.size for file in files)
    made = "2026-05-01T00:00:00.000Z"
    return {"id": bucket, "private": True, "createdAt": made, "size": size, "totalFiles": len(files)}


def _tree(hub: Hub, asked: Asked, bucket: str) -> Reply:
    """The listing; the prefix is lexical: `logs` lists logs.json, too."""
    prefix = urllib.parse.unquote("/".join(asked.path.strip("/").split("/")[5:]))
    files = [file for path, file in sorted(hub.buckets[bucket].items()) if path.startswith(prefix)]
    if asked.query.get("recursive", "").lower() == "true":
        return _paged(hub, asked, [file.record() for file in files])
    folder = f"{prefix.rstrip('/')}/" if any(file.path.startswith(f"{prefix.rstrip('/')}/") for file in files) else ""
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        inner, slash, _ = file.path[len(folder) :].partition("/")
        path = folder + inner
        found[path] = {"type": "directory", "path": path} if slash else dict(file.record())
    return _paged(hub, asked, list(found.values()))


def _paged(hub: Hub, asked: Asked, entries: list[Any]) -> Reply:
    start = int(asked.query.get("cursor", "0"))
    page = entries[start : start + hub.page]
    if start + hub.page >= len(entries):
        return reply(page)
    query = urllib.parse.urlencode({**asked.query, "cursor": start + hub.page})
    return reply(page, Link=f'<{asked.url}{asked.path}?{query}>; rel="next"')


def _batch(hub: Hub, bucket: str, body: bytes, *, half: bool) -> Reply:
    """Operations in order, each for itself: a bucket has no transactions."""
    failed = []
    operations = [json.loads(line) for line in body.splitlines()]
    for n, operation in enumerate(operations):
        kind, path = operation["type"], operation["path"]
        why = "" if not half or n % 2 == 0 else "Internal error"
        if ".." in path.split("/") or "//" in path or path.startswith("/"):
            why = "Invalid path"
        if kind == "deleteFile":
            hub.buckets[bucket].pop(path, None)
        elif not why and operation["xetHash"] not in hub.files and operation["xetHash"] not in hub.plain:
            why = "Xet hash not found"
        elif not why:
            hub.add(bucket, path, operation["xetHash"], operation["mtime"])
        if why:
            failed.append({"path": path, "error": why})
    status = 422 if failed and len(failed) == len(operations) else 200
    return reply({"success": not failed, "processed": len(operations), "failed": failed}, status)


def _token(hub: Hub, url: str) -> Reply:
    expires = int(hub.time()) + 3600 if hub.now is None else 1 << 33  # the client's clock is the machine's
    names = {"X_Xet_Cas_Url": url, "X_Xet_Access_Token": "xet", "X_Xet_Token_Expiration": str(expires)}
    return reply({"accessToken": "xet", "exp": expires, "casUrl": url}, **names)


def _resolve(hub: Hub, asked: Asked, bucket: str) -> Reply:
    path = urllib.parse.unquote("/".join(asked.path.strip("/").split("/")[4:]))
    file = hub.buckets[bucket].get(path)
    if file is None:
        return error(404, "Entry not found", "EntryNotFound")
    names = {
        "X-Xet-Hash": file.hash,
        "X-Linked-Size": str(file.size),
        "X-Linked-ETag": f'"{file.hash}"',
        "X-Xet-Refresh-Route": f"{asked.url}/api/buckets/{bucket}/xet-read-token",
        "Accept-Ranges": "bytes",
    }
    if asked.method == "HEAD":
        return Reply(200, b"", names | {"Content-Length": str(file.size)})
    content = hub.read(file.hash)
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
    if match is None:
        return Reply(200, content, names)
    first, last = int(match[1]), int(match[2] or file.size - 1)
    if first >= file.size:
        return Reply(416, b"", {"Content-Range": f"bytes */{file.size}"})
    last = min(last, file.size - 1)
    return Reply(206, content[first : last + 1], names | {"Content-Range": f"bytes {first}-{last}/{file.size}"})
