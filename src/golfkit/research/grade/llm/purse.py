"""What a run may spend on a model: tokens and dollars, held against the most that the next call can use. Pure.

A call is allowed where its worst case still fits: a token is at least one byte of what was sent, and the answer is cut
at max_tokens. So the caps hold whatever the texts are; where the answer does not say what was used, the worst case
counts as used.
"""

from typing import NamedTuple

MILLION = 1_000_000


class Usage(NamedTuple):
    """Tokens."""

    tokens_in: int = 0
    tokens_out: int = 0

    def plus(self, other: "Usage") -> "Usage":
        """The sum."""
        return Usage(self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out)

    def minus(self, other: "Usage") -> "Usage":
        """The difference."""
        return Usage(self.tokens_in - other.tokens_in, self.tokens_out - other.tokens_out)

    def shares(self, n: int) -> list["Usage"]:
        """Split over n items in whole tokens that add up."""
        spread = [[count // n + (i < count % n) for i in range(n)] for count in self]
        return [Usage(*pair) for pair in zip(*spread, strict=True)]


class Prices(NamedTuple):
    """Dollars per million tokens; both 0: not known."""

    input_usd: float = 0.0
    output_usd: float = 0.0

    def cost_usd(self, usage: Usage) -> float | None:
        """Dollars; None where the prices are not known."""
        if not any(self):
            return None
        return (usage.tokens_in * self.input_usd + usage.tokens_out * self.output_usd) / MILLION


class CapReached(Exception):
    """The next call could pass a cap: one line says which."""


class Purse:
    """Counts what is used and refuses what could pass a cap.

    most_usd  holds only where the prices are known
    """

    def __init__(self, most_tokens: int, most_usd: float, prices: Prices) -> None:
        self.spent = Usage()
        self.prices = prices
        self._most_tokens = most_tokens
        self._most_usd = most_usd

    @property
    def cost_usd(self) -> float | None:
        """Dollars spent; None where the prices are not known."""
        return self.prices.cost_usd(self.spent)

    def check(self, most: Usage) -> None:
        """CapReached if a call that uses `most` would pass a cap."""
        after = self.spent.plus(most)
        if sum(after) > self._most_tokens:
            raise CapReached(
                f"llm_max_tokens is {self._most_tokens}: {sum(self.spent)} are used, the next call may use {sum(most)}"
            )
        cost = self.prices.cost_usd(after)
        if cost is not None and cost > self._most_usd:
            used, next_usd = self.cost_usd, self.prices.cost_usd(most)
            raise CapReached(
                f"llm_max_usd is {self._most_usd}: {used:.4f} are spent, and the next call may cost {next_usd:.4f}"
            )

    def book(self, usage: Usage) -> None:
        """Count what a call used."""
        self.spent = self.spent.plus(usage)
