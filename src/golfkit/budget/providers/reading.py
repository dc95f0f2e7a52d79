"""Fields of a provider's answer, read strictly: what is not as documented is an error that names field and value."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from golfkit.budget.providers.protocol import Address, ProviderError

MOST_USD_PER_HOUR = 10_000  # above every machine's price; keeps 1e999 out
SHOWN = 80  # characters of a value in a message

STATUS = {  # words of REST v2, and those of GraphQL's desiredStatus
    "PROVISIONING": "starting",
    "CREATED": "starting",
    "STARTING": "starting",
    "RESTARTING": "starting",
    "RUNNING": "running",
    "EXITED": "stopped",
    "PAUSED": "stopped",
    "DEAD": "stopped",
    "ERROR": "stopped",
    "TERMINATED": "gone",
}
OTHER_STATUS = "stopped"  # of every other word: it exists, and may cost

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOST = re.compile(r"[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}")  # no leading -: it becomes an argument of ssh
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")


def unexpected(where: str, field: str, value: object, expected: str) -> ProviderError:
    """The error for a field that is not as documented."""
    shown = repr(value)
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
    return ProviderError(f"{where}: {field} is {shown}, expected {expected}; RunPod's API has changed, update golfkit")


def parse(text: str, where: str) -> Any:
    """A JSON text; its numbers with a point are Decimal, exactly as written."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise unexpected(where, "the answer", text, "JSON") from error


def record(value: Any, where: str, field: str = "the answer") -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise unexpected(where, field, value, "an object")
    return value


def rows(value: Any, where: str, field: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise unexpected(where, field, value, "an array")
    return value


def text(value: Any, where: str, field: str) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise unexpected(where, field, value, "text")
    return value


def pod_id(value: Any, where: str) -> str:
    """The id of a machine: safe in a URL, a query and a journal."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise unexpected(where, "id", value, "letters, digits, - and _")
    return value


def status(value: Any, where: str, field: str) -> str:
    """The status of a machine, as Pod has it."""
    return STATUS.get(text(value, where, field), OTHER_STATUS)


def usd(value: Any, where: str, field: str) -> Decimal | None:
    """Dollars an hour; None for null and for 0, as stopped machines show it.

    A float is taken as its shortest decimal form, which is what the provider wrote.
    """
    if value is None:
        return None
    expected = f"dollars an hour, 0 to {MOST_USD_PER_HOUR}"
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not 0 <= value <= MOST_USD_PER_HOUR:
        raise unexpected(where, field, value, expected)  # NaN and infinity, too
    return Decimal(str(value)) if value else None


def moment(value: Any, where: str, field: str) -> datetime | None:
    """A time as RFC 3339 writes it, in UTC; None for null."""
    if value is None:
        return None
    try:
        when = datetime.fromisoformat(value)
        if when.tzinfo is None:
            raise ValueError(value)
        return when.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise unexpected(where, field, value, "a time with its zone, such as 2026-06-01T12:00:00Z") from error


def address(host: Any, port: Any, user: Any, where: str, field: str) -> Address:
    """Where ssh answers; only what is safe as an argument of ssh."""
    if not isinstance(host, str) or not _HOST.fullmatch(host):
        raise unexpected(where, f"{field}: host", host, "a host name or IP address")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise unexpected(where, f"{field}: port", port, "1 to 65535")
    if not isinstance(user, str) or not _USER.fullmatch(user):
        raise unexpected(where, f"{field}: user", user, "a user's name")
    return Address(host, port, user)


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
