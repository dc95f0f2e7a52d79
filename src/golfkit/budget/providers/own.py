"""One's own machine by ssh: nothing is rented."""

import re
from decimal import Decimal

from golfkit.budget.providers.protocol import Address, Pod, PodRequest
from golfkit.errors import Exit, GolfError

_HOST = re.compile(
    r"(?P<user>[A-Za-z0-9_][A-Za-z0-9._-]*)@(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)


class Own:
    """The machine of `--tier ssh --host user@box[:port]`."""

    name = "ssh"
    rented = False

    def __init__(self, address: Address) -> None:
        """The machine where ssh answers at `address`."""
        self._address = address

    def price(self, request: PodRequest) -> Decimal | None:
        """Nothing is charged."""
        return None

    def create(self, request: PodRequest) -> Pod:
        """The machine, under the request's name."""
        return self._pod(request.name)

    def get(self, pod_id: str) -> Pod | None:
        """The machine: it is always there."""
        return self._pod(pod_id)

    def list(self) -> list[Pod]:
        """No machine is rented here."""
        return []

    def terminate(self, pod_id: str) -> None:
        """It stays on."""

    def _pod(self, name: str) -> Pod:
        return Pod(
            f"{self._address.user}@{self._address.host}:{self._address.port}", name, "running", None, self._address
        )


def read_host(text: str) -> Address:
    """`user@box`, `user@box:2222` or `user@[::1]:2222`."""
    match = _HOST.fullmatch(text)
    port = int(match["port"] or 22) if match else 0
    if match is None or not 0 < port < 65536:
        raise GolfError(f"--host is {text!r}, expected user@box or user@box:port; correct it", Exit.USAGE)
    return Address(match["six"] or match["host"], port, match["user"])
