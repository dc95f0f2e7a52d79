"""What renting needs of a provider: create, look, list, terminate. Everything above sees only this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, Protocol

from golfkit.errors import Exit, GolfError

VOLUME_PATH = "/workspace"  # where a network volume is mounted


class Address(NamedTuple):
    """Where ssh answers."""

    host: str
    port: int
    user: str = "root"


class Pod(NamedTuple):
    """One machine as its provider sees it."""

    id: str
    name: str
    status: str  # starting, running, stopped (exists, and may bill its disk: any unknown word, too), gone
    usd_per_hour: Decimal | None = None  # of the whole machine, all its GPUs; None where unknown or shown as 0
    address: Address | None = None  # None until ssh is mapped; a machine can be running before that
    created: datetime | None = None  # UTC

    @property
    def exists(self) -> bool:
        """Whether it may still cost money."""
        return self.status != "gone"


@dataclass(frozen=True, kw_only=True)
class PodRequest:
    """What to rent. `env` reaches the pod: it holds a public key and no secret beyond what a timer needs."""

    name: str  # unique; a create whose answer was lost is found by it
    gpu: str
    gpu_count: int
    cloud: str
    image: str
    disk_gb: int
    template_id: str | None = None
    network_volume_id: str | None = None
    data_centers: tuple[str, ...] = ()  # tried in turn; empty: any
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


class PodProvider(Protocol):
    """A way to rent machines. Every call may raise ProviderError."""

    name: str
    rented: bool  # False: one's own machine; nothing is charged and no hourly slot is used

    def price(self, request: PodRequest) -> Decimal | None:
        """Dollars an hour for the whole machine, before renting it; None where the provider does not say."""

    def create(self, request: PodRequest) -> Pod:
        """Rent one machine, in the first of the request's data centres that has one.

        What comes back has its id; the rest may be known only later, by `get`. Raises CreateUnknown when no readable
        answer came: the machine may exist, so look for its name; after ^C or a signal, too. Every other ProviderError
        means that none was made.
        """

    def get(self, pod_id: str) -> Pod | None:
        """The machine now; None once the provider knows none of that id. Status gone means the same."""

    def list(self) -> list[Pod]:
        """All machines of the account, other people's and other programs' among them."""

    def terminate(self, pod_id: str) -> None:
        """Ask for the end of a machine; no error when it is already gone. Whether it is gone, `get` says."""


class ProviderError(GolfError):
    """The provider refused or did not answer, after the retries that its status allows."""

    def __init__(self, message: str, exit_code: Exit = Exit.REMOTE) -> None:
        """`message` holds no key."""
        super().__init__(message, exit_code)


class CreateUnknown(ProviderError):
    """No readable answer to a create call: the machine may exist."""


class Rejected(ProviderError):
    """The provider refuses this request or this key, and would refuse it again (exit 3: what was set is wrong)."""

    def __init__(self, message: str) -> None:
        """`message` holds no key."""
        super().__init__(message, Exit.BAD_FILE)


class NoCapacity(ProviderError):
    """No machine of this kind is free in any of the places asked."""


class NoBalance(ProviderError):
    """The account has no money left."""
