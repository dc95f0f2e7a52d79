"""results.tsv: one row per try, negatives included; append-only, nine columns, an empty cell is unknown (never 0).

    commit  tier  val_bpb  artifact_bytes  memory_gb  status  promoted  cost_usd  description

The reader is strict and names the line; the writer puts every value on one line and into one cell.
"""

import math
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from golfkit import files
from golfkit.errors import GolfError

TAB = "\t"
TIERS = ("local", "runpod", "ssh")
STATUSES = ("keep", "discard", "crash")
PROMOTED = ("pending", "yes", "no")
CENT = Decimal("0.01")
_INTEGER = re.compile(r"[0-9]+")
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
_MONEY = re.compile(r"[0-9]+(\.[0-9]{1,2})?")


class Row(NamedTuple):
    """One try. None is unknown; a crash has no score, so it has None and not 0."""

    commit: str  # the run's id, and its folder's name under runs/
    tier: str
    val_bpb: float | None
    artifact_bytes: int | None
    memory_gb: float | None
    status: str
    promoted: str
    cost_usd: Decimal | None  # whole cents
    description: str

    @classmethod
    def parse(cls, line: str, where: str) -> "Row":
        """The row of one line (without its newline); `where` is FILE:LINE for the error."""
        cells = line.split(TAB)
        if len(cells) != len(cls._fields):
            raise GolfError(
                f"{where}: {len(cells)} columns, expected {len(cls._fields)} separated by tabs; correct the line"
            )
        for name, cell in zip(cls._fields, cells, strict=True):
            if not cell.isprintable():
                raise GolfError(
                    f"{where}: {name} is {cell!r}, expected no control characters; save with plain newlines"
                )
        commit, tier, val_bpb, artifact_bytes, memory_gb, status, promoted, cost_usd, description = cells
        row = cls(
            commit,
            tier,
            _number(val_bpb, float, _DECIMAL, f"{where}: val_bpb"),
            _number(artifact_bytes, int, _INTEGER, f"{where}: artifact_bytes"),
            _number(memory_gb, float, _DECIMAL, f"{where}: memory_gb"),
            status,
            promoted,
            _number(cost_usd, Decimal, _MONEY, f"{where}: cost_usd"),
            description,
        )
        row.check(where)
        return row

    def render(self) -> str:
        """The row as one line, without its newline; text is neutralised, money has whole cents."""
        row = self._replace(commit=files.neutralise(self.commit), description=files.neutralise(self.description))
        row.check("new row")
        cost = "" if row.cost_usd is None else str(row.cost_usd.quantize(CENT))
        return TAB.join("" if cell is None else str(cell) for cell in row._replace(cost_usd=cost))  # type: ignore[arg-type]

    def check(self, where: str) -> None:
        """Refuse values that no try can have: other words, and a 0 that stands for unknown."""
        if not self.commit:
            raise GolfError(f"{where}: commit is empty, expected the run's id")
        for name, allowed in (("tier", TIERS), ("status", STATUSES), ("promoted", PROMOTED)):
            if getattr(self, name) not in allowed:
                raise GolfError(f"{where}: {name} is {getattr(self, name)!r}, expected one of {', '.join(allowed)}")
        for name in ("val_bpb", "artifact_bytes", "memory_gb"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise GolfError(f"{where}: {name} is {value}, expected a number above 0, or an empty cell for unknown")
        if self.cost_usd is not None and not (self.cost_usd.is_finite() and self.cost_usd >= 0):
            raise GolfError(f"{where}: cost_usd is {self.cost_usd}, expected dollars, 0 or more")


HEADER = TAB.join(Row._fields)


def read_rows(path: Path) -> list[Row]:
    """Rows of results.tsv, oldest first; a malformed line is an error, never skipped."""
    try:
        # Bytes first: text mode would turn a carriage return into a newline, and splitlines() breaks at U+2028.
        head, *lines = path.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    except FileNotFoundError as error:
        raise GolfError(f"{path}: not found, expected a ledger; the first run writes it") from error
    except UnicodeDecodeError as error:
        raise GolfError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    _check_header(path, head)
    return [Row.parse(line, where=f"{path}:{n}") for n, line in enumerate(lines, start=2)]


def append_row(path: Path, row: Row) -> None:
    """Append a row in one write; a new ledger gets its header in the same write."""
    line = row.render()
    if path.exists() and path.stat().st_size:
        with path.open("rb") as ledger:
            _check_header(path, ledger.readline().decode("utf-8", "replace").removesuffix("\n"))
    files.append_line(path, line, header=HEADER)


def _check_header(path: Path, head: str) -> None:
    if head != HEADER:
        raise GolfError(f"{path}:1: header is {head!r}, expected {HEADER!r}; this is no ledger of golf")


def _number(cell: str, kind: type, form: re.Pattern[str], where: str) -> Any:
    if not cell:
        return None
    if not form.fullmatch(cell):
        raise GolfError(f"{where} is {cell!r}, expected a number, or an empty cell for unknown")
    return kind(cell)
