"""The Xet content store's routes, version 1, which released clients fall back to; newer ones answer 404."""

import json
import re
from collections.abc import Mapping
from typing import Any

from hub import xet
from hub.state import Hub

ROUTES = ("xorb", "shard", "reconstruction", "fetch", "chunk")
_NAMES = {"xorbs": "xorb", "shards": "shard", "reconstructions": "reconstruction", "chunks": "chunk"}
Answer = tuple[int, bytes, Mapping[str, str]]


def route_of(parts: list[str]) -> str:
    """The route's name, or nothing."""
    if parts[0] == "xorb":
        return "fetch"
    return _NAMES.get(parts[1], "") if parts[0] == "v1" and len(parts) > 1 else ""


def answer(hub: Hub, route: str, parts: list[str], headers: Mapping[str, str], body: bytes, url: str) -> Answer:
    """(status, body, headers)."""
    if route == "xorb":
        new = hub.xorbs.get(parts[3]) != body
        hub.xorbs[parts[3]] = body
        return _json({"was_inserted": new})
    if route == "shard":
        files = xet.files_of(body)
        if any(term.xorb not in hub.xorbs for terms in files.values() for term in terms):
            return _json({"error": "xorb not found"}, 400)
        hub.files.update(files)
        return _json({"result": 1})
    if route == "fetch":
        return _fetch(hub, parts[1], headers)
    if route == "reconstruction" and (parts[2] in hub.files or parts[2] in hub.plain):
        return _reconstruction(hub, parts[2], headers, url)
    return _json({"error": "not found"}, 404)


def _fetch(hub: Hub, name: str, headers: Mapping[str, str]) -> Answer:
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", headers.get("range", ""))
    xorb = _xorb(hub, name)
    if match is None:
        return 200, xorb, {}
    first, last = int(match[1]), int(match[2])
    return 206, xorb[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(xorb)}"}


def _reconstruction(hub: Hub, name: str, headers: Mapping[str, str], url: str) -> Answer:
    """Which chunks make up a file, or the range of it that was asked for."""
    terms = hub.files.get(name) or _terms_of_plain(hub, name)
    total = sum(term.n_bytes for term in terms)
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
    start, end = (int(match[1]), min(total, int(match[2]) + 1 if match[2] else total)) if match else (0, total)
    if start >= total:
        return _json({"error": "range"}, 416)
    wanted: list[dict[str, Any]] = []
    ranges: dict[str, list[tuple[int, int]]] = {}
    at, skip = 0, None
    for term in terms:
        if at + term.n_bytes > start and at < end:
            skip = start - at if skip is None else skip
            chunks = {"start": term.first, "end": term.past}
            wanted.append({"hash": term.xorb, "unpacked_length": term.n_bytes, "range": chunks})
            ranges.setdefault(term.xorb, []).append((term.first, term.past))
        at += term.n_bytes
    fetch = {xorb: [_place(hub, xorb, run, url) for run in _merged(runs)] for xorb, runs in ranges.items()}
    return _json({"offset_into_first_range": skip or 0, "terms": wanted, "fetch_info": fetch})


def _place(hub: Hub, xorb: str, run: tuple[int, int], url: str) -> dict[str, Any]:
    """Where a run of chunks is to be had."""
    places = xet.offsets(_xorb(hub, xorb))
    at = {"start": places[run[0]], "end": places[run[1]] - 1}
    return {"range": {"start": run[0], "end": run[1]}, "url": f"{url}/xorb/{xorb}", "url_range": at}


def _merged(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The runs without overlaps: a file may repeat a chunk, and clients take the first run that begins right."""
    merged: list[tuple[int, int]] = []
    for first, past in sorted(runs):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(past, merged[-1][1]))
        else:
            merged.append((first, past))
    return merged


def _terms_of_plain(hub: Hub, name: str) -> tuple[xet.Term, ...]:
    """Content that came by `put`, as one xorb of its own name."""
    content = hub.plain[name]
    return (xet.Term(name, len(content), 0, -(-len(content) // _CHUNK)),)


def _xorb(hub: Hub, name: str) -> bytes:
    if name in hub.xorbs:
        return hub.xorbs[name]
    content = hub.plain[name]
    chunks = [content[at : at + _CHUNK] for at in range(0, len(content), _CHUNK)]
    return b"".join(
        b"\0%s\0%s" % (size, size) + chunk for chunk in chunks for size in [len(chunk).to_bytes(3, "little")]
    )


def _json(value: Any, status: int = 200) -> Answer:
    return status, json.dumps(value).encode(), {"Content-Type": "application/json"}


_CHUNK = 1 << 16  # bytes
