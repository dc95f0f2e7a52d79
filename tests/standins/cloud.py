"""What exists at the stand-in: pods, prices, faults to come and requests seen."""

import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KEY = "rpa_STANDIN0KEY0OF0TESTS0ONLY"
H100 = "NVIDIA H100 80GB HBM3"
PLACES = ("US-KS-2", "EU-RO-1", "EU-NL-1")


@dataclass
class Machine:
    """One pod."""

    id: str
    name: str
    gpu: str
    gpu_count: int
    cloud: str
    image: str
    created: float  # Unix seconds
    usd_per_hour: float
    place: str | None = None
    disk_gb: int = 0
    template: str | None = None
    volume: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    looks: int = 0  # times that somebody asked for it
    ended: float | None = None  # when termination was accepted
    looks_left: int = 0  # from then on, until it is gone
    word: str | None = None  # a status to show instead of the true one

    @property
    def gone(self) -> bool:
        """Whether nothing of it is left."""
        return self.ended is not None and self.looks_left <= 0


@dataclass
class Fault:
    """An answer other than the true one, to the next `times` calls of one kind."""

    what: str  # create, get, list, terminate, price
    times: int = 1
    after: bool = False  # whether what is asked for is done nevertheless
    status: int | None = None  # None: the true answer, or none with `drop`
    drop: bool = False  # the connection is closed without an answer
    delay_s: float = 0.0  # real seconds before the answer
    body: str | None = None  # sent as it is
    detail: str = ""
    errors: list[str] = field(default_factory=list)
    retry_after: str | int | None = None
    rate_limit: str | None = None  # the RateLimit header
    echo: bool = False  # the Authorization header comes back in the detail


@dataclass
class Seen:
    """One request."""

    what: str
    method: str
    path: str
    body: str
    at: float  # Unix seconds


@dataclass
class Cloud:
    """The account, and what it can rent. Assign to its fields at any time."""

    key: str = KEY
    address: tuple[str, int] = ("127.0.0.1", 22)  # of ssh, in every pod
    user: str = "root"
    prices: dict[str, tuple[float, float]] = field(default_factory=lambda: {H100: (2.69, 2.39)})  # secure, community
    templates: list[str] = field(default_factory=lambda: ["y5cejece4j"])
    volumes: dict[str, str] = field(default_factory=lambda: {"vol1": "US-KS-2"})  # and where they are
    sold_out: list[str] = field(default_factory=list)  # places; "*": everywhere
    boot_looks: int = 0  # looks before RUNNING
    ssh_looks: int = 0  # looks at RUNNING before ssh is mapped
    end_looks: int = 0  # looks after termination before it is gone
    ahead_s: float = 0.0  # of the clock `now`
    page: int | None = None  # pods on a page of the list; None: all
    machines: dict[str, Machine] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    creates: int = 0  # calls that asked for a pod, whatever came of them
    now: Callable[[], float] = time.time
    lock: Any = field(default_factory=threading.RLock, repr=False)

    def fault(self, what: str, **how: Any) -> None:
        """Order a fault; see Fault. Faults of one kind come in the order in which they were ordered."""
        self.faults.append(Fault(what, **how))

    def alive(self) -> list[Machine]:
        """Pods that still cost money."""
        return [machine for machine in self.machines.values() if not machine.gone]

    def named(self, name: str) -> list[Machine]:
        """All pods that ever had this name."""
        return [machine for machine in self.machines.values() if machine.name == name]

    def billed_s(self, pod_id: str) -> float:
        """Seconds from creation to accepted termination, or to now."""
        machine = self.machines[pod_id]
        return (self.time() if machine.ended is None else machine.ended) - machine.created

    def calls(self, what: str) -> int:
        """Requests of one kind so far."""
        return sum(seen.what == what for seen in self.requests)

    def time(self) -> float:
        """Unix seconds at the cloud."""
        return self.now() + self.ahead_s

    def due(self, what: str) -> Fault | None:
        """The fault that this call gets, used up by one."""
        for fault in self.faults:
            if fault.what == what and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def make(self, **given: Any) -> Machine:
        """A new pod."""
        machine_id = f"pod{len(self.machines) + 1}"
        each = self.prices[given["gpu"]][given["cloud"] == "COMMUNITY"]
        cost = round(each * given["gpu_count"], 4)
        machine = Machine(id=machine_id, created=self.time(), usd_per_hour=cost, **given)
        self.machines[machine_id] = machine
        return machine

    def look(self, pod_id: str) -> Machine | None:
        """A pod, which comes nearer to its next status by being looked at; None when there is none."""
        machine = self.machines.get(pod_id)
        if machine is None or machine.gone:
            return None
        machine.looks += 1
        if machine.ended is not None:
            machine.looks_left -= 1
        return machine

    def end(self, pod_id: str) -> bool:
        """Terminate a pod; False when there is none."""
        machine = self.machines.get(pod_id)
        if machine is None or machine.gone:
            return False
        if machine.ended is None:
            machine.ended, machine.looks_left = self.time(), self.end_looks
        return True

    def status(self, machine: Machine) -> str:
        """Its status in the words of REST v2."""
        if machine.word:
            return machine.word
        if machine.looks > self.boot_looks:
            return "RUNNING"
        return "STARTING" if machine.looks > 1 else "PROVISIONING"

    def reachable(self, machine: Machine) -> bool:
        """Whether its ssh is mapped."""
        return self.status(machine) == "RUNNING" and machine.looks > self.boot_looks + self.ssh_looks

    def as_record(self) -> dict[str, Any]:
        """All of it for JSON."""
        names = [f.name for f in dataclasses.fields(self) if f.name not in ("now", "lock")]
        return {name: _plain(getattr(self, name)) for name in names}

    @classmethod
    def of_record(cls, record: dict[str, Any]) -> "Cloud":
        """The cloud that `as_record` wrote."""
        kept = dict(record)
        kept["machines"] = {key: Machine(**value) for key, value in kept["machines"].items()}
        kept["faults"] = [Fault(**value) for value in kept["faults"]]
        kept["requests"] = [Seen(**value) for value in kept["requests"]]
        kept["address"] = tuple(kept["address"])
        return cls(**kept)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
