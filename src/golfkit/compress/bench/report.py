"""The ladder as a table of a document."""

from golfkit.compress.bench import document
from golfkit.compress.bench.ranking import Ladder, Rung

NAME = "bench"  # of its markers
COLUMNS = (
    *("codec or program", "total", "archive", "bundle", "CPU s, compress / decompress"),
    *("the same in times `xz -9e` compressing", "us/byte, compress", "peak GB"),
)


def markdown(ladder: Ladder, command: str) -> list[str]:
    """The table as lines of Markdown, with a paragraph before it that says of what.

    command  what a user types to make it again
    """
    runs = f"medians of {ladder.runs} runs" if ladder.runs > 1 else "of one run"
    what = ladder.dataset or f"sha256 {ladder.original_sha256[:16]}..."
    about = (
        f"`{command}`: {ladder.original_bytes:,} bytes ({what}) on {ladder.hardware}. *Total* is archive + bundle, "
        f"roundtrip-verified in the sandbox; programs of others are not counted, so that they have an archive alone. "
        f"Sizes repeat exactly. CPU seconds, also as multiples of `xz -9e -T1` compressing the same file before, "
        f"are {runs}."
    )
    return ["", about, "", *document.table(COLUMNS, [_row(rung) for rung in ladder.rungs]), ""]


def _row(rung: Rung) -> list[str]:
    total = "" if rung.bundle_bytes is None else f"{rung.total_bytes:,}"
    return [
        f"{_bold(rung, rung.name)}{_certified(rung)}",
        _bold(rung, total),
        f"{rung.archive_bytes:,}",
        "" if rung.bundle_bytes is None else f"{rung.bundle_bytes:,}",
        f"{_number(rung.compress_cpu_s)} / {_number(rung.decompress_cpu_s)}",
        f"{_number(rung.compress_per_xz)} / {_number(rung.decompress_per_xz)}",
        _number(rung.us_per_byte),
        _number(rung.ram_peak_gb),
    ]


def _bold(rung: Rung, text: str) -> str:
    return f"**{text}**" if rung.own else text


def _certified(rung: Rung) -> str:
    if not rung.verified:
        return ", NOT RESTORED"
    known = {None: "", "empty": ", certified in an empty root"}
    return known.get(rung.root, ", certified beside the system's programs")


def _number(value: float | None) -> str:
    """Two decimals, one from 10 on; nothing for what is not known."""
    return "" if value is None else f"{value:.{1 if value >= 10 else 2}f}"
