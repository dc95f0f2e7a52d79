"""GraphQL of the stand-in: what the runpod package asks, with RunPod's own words for its errors."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from standins import query
from standins.cloud import Cloud, Fault, Machine
from standins.wire import Reply, Request

KINDS = {
    "gpuTypes": "price",
    "podFindAndDeployOnDemand": "create",
    "podTerminate": "terminate",
    "pod": "get",
    "myself": "list",
}
NO_CAPACITY = (
    "There are no longer any instances available with the requested specifications. Please refresh and try again."
)
MESSAGES = {  # of faults that RunPod reports within a 200
    400: NO_CAPACITY,
    402: "Your account balance is too low to deploy this pod. Please add funds to your account.",
    403: "Unauthorized",
    422: 'Field "bogus" is not defined by type "PodFindAndDeployOnDemandInput".',
}
DEPLOY_FIELDS = {
    *("name", "imageName", "cloudType", "startSsh", "gpuTypeId", "supportPublicIp", "gpuCount", "volumeInGb"),
    *("minVcpuCount", "minMemoryInGb", "allowedCudaVersions", "dataCenterId", "dockerArgs", "countryCode"),
    *("containerDiskInGb", "ports", "volumeMountPath", "env", "templateId", "networkVolumeId", "minDownload"),
    "minUpload",
}

Resolver = Callable[[Cloud, Mapping[str, Any]], Any]


def kind(request: Request) -> str:
    """create, get, list, terminate or price; other for what cannot be read."""
    try:
        operation = query.parse(json.loads(request.body)["query"])
    except (ValueError, KeyError, TypeError):
        return "other"
    return KINDS.get(operation.fields[0].name, "other")


def answer(cloud: Cloud, request: Request) -> Reply:
    """The true answer."""
    try:
        operation = query.parse(json.loads(request.body)["query"])
        data = {
            field.name: _select(RESOLVERS[field.name](cloud, field.arguments.get("input", {})), field.fields)
            for field in operation.fields
        }
    except LookupError as error:
        return errors(400, f"Cannot query field {error}.")
    except ValueError as error:
        return errors(400, str(error))
    except NotDone as error:
        return errors(200, str(error))
    return _json(200, {"data": data})


def fault(cloud: Cloud, ordered: Fault, request: Request) -> Reply:
    """The answer that a fault orders: RunPod's errors come within a 200, those in front of it as HTTP."""
    status = ordered.status or 200
    if ordered.body is not None:
        return Reply(status, {"Content-Type": "text/html"}, ordered.body.encode())
    detail = ordered.detail or MESSAGES.get(status, "Something went wrong. Please try again later or contact support.")
    if ordered.echo:
        detail += f" (Authorization: {request.authorization})"
    if status in MESSAGES or status == 200:
        return errors(200, detail)
    reply = _json(status, {"message": detail})
    if ordered.retry_after is not None:
        reply.headers["Retry-After"] = str(ordered.retry_after)
    return reply


def errors(status: int, message: str) -> Reply:
    """A GraphQL error."""
    return _json(status, {"errors": [{"message": message}], "data": None})


class NotDone(Exception):
    """What RunPod does not do, in its words."""


def _gpu_types(cloud: Cloud, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = {gpu: price for gpu, price in cloud.prices.items() if given.get("id") in (gpu, None)}
    names = "manufacturer cudaCores oneMonthPrice threeMonthPrice oneWeekPrice communitySpotPrice secureSpotPrice"
    return [
        dict.fromkeys(names.split())
        | {"id": gpu, "displayName": "H100 SXM", "memoryInGb": 80, "maxGpuCount": 8, "secureCloud": True}
        | {"communityCloud": True, "securePrice": secure, "communityPrice": community}
        | {"lowestPrice": {"minimumBidPrice": None, "uninterruptablePrice": secure}}
        for gpu, (secure, community) in found.items()
    ]


def _deploy(cloud: Cloud, given: Mapping[str, Any]) -> dict[str, Any]:
    for name in sorted(set(given) - DEPLOY_FIELDS):
        raise ValueError(f'Field "{name}" is not defined by type "PodFindAndDeployOnDemandInput".')
    if not isinstance(given.get("cloudType"), query.Word):
        raise ValueError('Enum "CloudTypeEnum" cannot represent non-enum value.')
    place = given.get("dataCenterId")
    if "*" in cloud.sold_out or place in cloud.sold_out or given["gpuTypeId"] not in cloud.prices:
        raise NotDone(NO_CAPACITY)
    machine = cloud.make(
        name=given["name"],
        gpu=given["gpuTypeId"],
        gpu_count=given["gpuCount"],
        cloud=str(given["cloudType"]),
        image=given["imageName"] or "of the template",
        place=place or "US-KS-2",
        disk_gb=given.get("containerDiskInGb", 10),
        template=given.get("templateId"),
        volume=given.get("networkVolumeId"),
        env={pair["key"]: pair["value"] for pair in given.get("env", [])},
    )
    return _pod(cloud, machine) | {"machine": {"podHostId": f"{machine.id}-64411eb2"}}


def _terminate(cloud: Cloud, given: Mapping[str, Any]) -> None:
    if not cloud.end(given["podId"]):
        raise NotDone("Attempted to terminate pod which does not exist or is terminated already.")


def _look(cloud: Cloud, given: Mapping[str, Any]) -> dict[str, Any] | None:
    machine = cloud.look(given["podId"])
    return None if machine is None else _pod(cloud, machine)


def _myself(cloud: Cloud, given: Mapping[str, Any]) -> dict[str, Any]:
    volumes = [{"id": name, "name": name, "size": 50, "dataCenterId": place} for name, place in cloud.volumes.items()]
    pods = [_pod(cloud, machine) for machine in cloud.alive()]
    return {"id": "user_1", "pubKey": "", "networkVolumes": volumes, "pods": pods}


def _pod(cloud: Cloud, machine: Machine) -> dict[str, Any]:
    status = cloud.status(machine)
    host, port = cloud.address
    web = {"ip": "100.65.14.155", "isIpPublic": False, "privatePort": 19123, "publicPort": 60821, "type": "http"}
    ssh = {"ip": host, "isIpPublic": True, "privatePort": 22, "publicPort": port, "type": "tcp"}
    others = "dockerArgs dockerId lastStatusChange memoryInGb podType port uptimeSeconds vcpuCount volumeMountPath"
    return dict.fromkeys(others.split()) | {
        "id": machine.id,
        "name": machine.name,
        "desiredStatus": "RUNNING" if status in ("PROVISIONING", "STARTING") else status,  # what is wanted, not what is
        "costPerHr": machine.usd_per_hour,
        "containerDiskInGb": machine.disk_gb,
        "env": [f"{key}={value}" for key, value in machine.env.items()],
        "gpuCount": machine.gpu_count,
        "imageName": machine.image,
        "machineId": "ohkxhsnz9mko",
        "ports": "22/tcp",
        "volumeInGb": 0,
        "runtime": {"ports": [web, ssh] if cloud.reachable(machine) else None} if status == "RUNNING" else None,
        "machine": {"gpuDisplayName": "H100 SXM"},
    }


RESOLVERS: dict[str, Resolver] = {
    "gpuTypes": _gpu_types,
    "podFindAndDeployOnDemand": _deploy,
    "podTerminate": _terminate,
    "pod": _look,
    "myself": _myself,
}


def _select(value: Any, fields: list[query.Field]) -> Any:
    """Only the fields that were asked for; LookupError for one that is not there."""
    if value is None or not fields:
        return value
    if isinstance(value, list):
        return [_select(inner, fields) for inner in value]
    return {field.name: _select(value[field.name], field.fields) for field in fields}


def _json(status: int, body: Any) -> Reply:
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(body).encode())
