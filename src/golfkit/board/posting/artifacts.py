"""Artifact folders on a board: artifacts/{name}_{agent}/, created once, with the author's id in the name."""

from pathlib import Path

from golfkit.board.homes.protocol import Home, Taken
from golfkit.board.records import names
from golfkit.board.records.record import Result
from golfkit.compress import verify
from golfkit.errors import Exit, GolfError

RESULTS = "results.json"
MOST_RECORD = 1_000_000  # bytes of a results.json


def place(folder: Path, agent: str, name: str | None = None) -> str:
    """artifacts/{name}_{agent}/ of a local folder; the folder's own name where none is given."""
    bare = name or folder.resolve().name
    stem = bare.removesuffix(f"_{agent}")
    path = f"{names.ARTIFACTS}/{stem}_{agent}"
    if names.inside(path) is None or "/" in stem or stem.startswith("."):
        raise GolfError(f"{bare!r:.80}: no name of an artifact; name it with letters, digits, '-' and '_'", Exit.USAGE)
    return f"{path}/"


def upload(home: Home, folder: Path, into: str) -> list[str]:
    """Put a folder's files on the board; the same ones again are no error, other ones are."""
    inside = names.inside(into)
    if inside is None or inside.parts[0] != names.ARTIFACTS or len(inside.parts) < 2:
        raise GolfError(f"{into!r:.100}: expected {names.ARTIFACTS}/NAME_AGENT/", Exit.USAGE)
    try:
        return home.upload(folder, str(inside))
    except Taken as error:
        raise GolfError(
            f"{home.where}/{inside}: {error}: there with other content, and files are never overwritten; "
            "upload it under another name",
            Exit.NO,
        ) from error


def get(home: Home, name: str, into: Path) -> list[str]:
    """Copy an artifact of the board to a new local folder; the paths that were copied.

    The certificate of its author stays in results.json: golf roundtrip replaces it by one of this machine.
    """
    inside = names.inside(name if name.startswith(f"{names.ARTIFACTS}/") else f"{names.ARTIFACTS}/{name}")
    if inside is None:
        raise GolfError(f"{name!r:.100}: no name of an artifact", Exit.USAGE)
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise GolfError(f"{into}: is there, expected a new or empty folder; name another with -o")
    paths = [entry.path for entry in home.entries(str(inside))]
    if not paths:
        raise GolfError(f"{home.where}/{inside}: not found; golf board result list shows who has artifacts")
    places = [(path, into / path.removeprefix(f"{inside}/")) for path in paths]
    for _, local in places:
        local.parent.mkdir(parents=True, exist_ok=True)
    found = home.fetch(places)
    if lost := set(paths) - set(found):
        raise GolfError(f"{home.where}/{min(lost)}: went away meanwhile; remove {into} and try again", Exit.REMOTE)
    return found


def posted_results(home: Home, result: Result) -> verify.results.Results:
    """results.json of a result's artifact on the board."""
    inside = names.inside(result.artifacts or "")
    if inside is None:
        raise GolfError(f"{names.RESULTS}/{result.file}: names no artifacts, so nobody can restore it", Exit.NO)
    path = f"{inside}/{RESULTS}"
    try:
        content = home.read(path, MOST_RECORD)
    except FileNotFoundError as error:
        raise GolfError(f"{home.where}/{path}: not found; the artifact cannot be compared", Exit.NO) from error
    return verify.results.parse(content.decode("utf-8", "replace"), path)
