"""A result from an artifact folder: what its results.json says, if the files and a certified roundtrip bear it out."""

from pathlib import Path
from typing import NamedTuple

from golfkit.board.records.record import LEADERBOARD, STATUSES
from golfkit.compress import verify
from golfkit.errors import Exit, GolfError


class Evidence(NamedTuple):
    """What a result of this folder may say."""

    n_bytes: int
    bpc: float | None  # of enwik8's 10^8 bytes; None where the input was another
    method: str
    description: str
    status: str
    extra: tuple[tuple[str, str], ...]  # verified, hardware, dataset, digests


def gather(folder: Path, *, status: str, unverified: bool) -> Evidence:
    """The evidence of a folder; GolfError with exit 1 where it does not hold.

    status      agent-run or negative; an agent-run is of the real enwik8
    unverified  take an artifact that no roundtrip has certified; one that was altered is never taken
    """
    if status not in STATUSES:
        raise GolfError(f"--status {status!r:.40}: expected one of {', '.join(STATUSES)}", Exit.USAGE)
    verdict = verify.check(folder)
    found = verdict.results
    if verdict.altered:
        raise GolfError(f"{folder}: tampered or stale: {'; '.join(verdict.altered)}; run golf compress again", Exit.NO)
    if verdict.uncertified and not unverified:
        raise GolfError(
            f"{folder}: not verified: {verdict.uncertified[0]}; run golf roundtrip {folder}, or say --unverified",
            Exit.NO,
        )
    if found.dataset != "enwik8" and status == LEADERBOARD:
        raise GolfError(
            f"{folder}: of {found.original_bytes} bytes that are not enwik8; a leaderboard entry needs all of it; "
            "post it with --negative",
            Exit.NO,
        )
    certified = not verdict.uncertified
    pairs = [
        ("verified", "yes" if certified else "no"),
        ("root", found.root if certified else None),
        ("dataset", found.dataset or f"{found.original_bytes} bytes, sha256 {str(found.original_sha256)[:16]}"),
        ("hardware", found.hardware),
        ("archive_sha256", found.archive_sha256),
        ("decompressor_zip_sha256", found.decompressor_zip_sha256),
    ]
    return Evidence(
        n_bytes=found.total_bytes,
        bpc=round(found.bpc, 3) if found.bpc is not None and found.dataset == "enwik8" else None,
        method=found.method,
        description=found.experiment,
        status=status,
        extra=tuple((name, str(value)) for name, value in pairs if value),
    )


def second_opinion(folder: Path, said_bytes: int | None, posted: verify.results.Results) -> list[str]:
    """What speaks against a result after its artifact was restored again in `folder`; empty where it holds.

    said_bytes  of the result
    posted      results.json of the artifact on the board, which names the roundtrip of its author
    """
    verdict = verify.check(folder)
    found = verdict.results
    if verdict.uncertified or found.verified_at == posted.verified_at:
        raise GolfError(f"{folder}: not restored here yet; run golf roundtrip {folder} first", Exit.NO)
    problems = list(verdict.altered)
    for key in ("archive_sha256", "decompressor_zip_sha256", "original_sha256"):
        told, here = getattr(posted, key), getattr(found, key)
        if told is not None and told != here:
            problems.append(f"{key} is {here}, the artifact on the board says {told}")
    if said_bytes != found.total_bytes:
        problems.append(f"the result says {said_bytes} bytes, archive and decompressor have {found.total_bytes}")
    return problems
