"""What a gate says."""

from typing import NamedTuple

WORDS = {True: "yes", False: "no", None: "cannot tell"}


class Verdict(NamedTuple):
    """One gate's answer; None is neither yes nor no, and opens nothing."""

    name: str  # artifact, legality, gain, budget
    passed: bool | None
    reason: str  # one line
    details: tuple[str, ...] = ()  # a line each

    @property
    def word(self) -> str:
        """The answer as people read it."""
        return WORDS[self.passed]
