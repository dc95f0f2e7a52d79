"""A provider of golf and the stand-in that it asks, on a clock that only waiting moves."""

from collections.abc import Callable
from typing import Any

import pytest

from golfkit.budget.providers import choose
from golfkit.budget.providers.protocol import Pod, PodRequest, ProviderError
from golfkit.budget.providers.retry import Timing
from golfkit.settings import Settings
from standins.cloud import KEY, Cloud

START = 1_780_000_000.0  # Unix seconds
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILXGDN/SclOozk1xsDztpmhGiKkkrfQB9SKoO8dSIQQZ"


class Bench:
    """A cloud, its clock, and a provider that asks it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind  # rest2, sdk
        self.slept: list[float] = []  # seconds
        self.cloud = Cloud(address=("127.0.0.1", 2222), now=self.now)

    def now(self) -> float:
        """Unix seconds."""
        return START + sum(self.slept)

    def at(self, url: str) -> "Bench":
        """The same, with a provider that asks this URL."""
        self.settings = Settings(runpod_api_key=KEY, runpod_api_base_url=url, pod_provider=self.kind)
        timing = Timing(self.now, self.slept.append, lambda: 1.0)
        self.provider = choose.provider(self.settings, "runpod", timing=timing)
        return self

    def request(self, name: str = "golf-1", **changes: Any) -> PodRequest:
        """What to rent, by default settings but for the changes."""
        return choose.request(Settings(**changes), name, PUBLIC_KEY)

    def create(self, name: str = "golf-1", **changes: Any) -> Pod:
        """Rent it."""
        return self.provider.create(self.request(name, **changes))


def raised(call: Callable[..., Any], *args: Any) -> ProviderError:
    """The ProviderError that a call raises."""
    with pytest.raises(ProviderError) as caught:
        call(*args)
    return caught.value
