"""`golf measure`: does the artifact fit?"""

import os
from contextlib import AbstractContextManager
from json import loads
from pathlib import Path
from typing import Annotated, Any

import typer

from golfkit import output, settings
from golfkit.errors import Exit, GolfError
from golfkit.files import digest
from golfkit.measure import artifact, feasibility

SCRIPT = "train_gpt.py"  # the one script that the contest counts
MODEL = "model.py"  # of a workspace, that golf flatten makes the script from
RUNS = "runs"

ScriptOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help=f"The counted script; default: {SCRIPT} here, else in the workspace.", show_default=False
    ),
]
WeightsOption = Annotated[
    list[Path] | None,
    typer.Option(
        help="A weights file; may be repeated. Default: the one payload beside the script.", show_default=False
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="BYTES",
        help="Bytes allowed; default: artifact_limit of golf.toml, else 16000000.",
        show_default=False,
    ),
]
LevelOption = Annotated[int, typer.Option(min=1, max=22, help="zstd level for raw weights.")]
ParamsOption = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Ask about a model of N parameters that does not exist yet.", show_default=False
    ),
]
BitsOption = Annotated[
    float | None,
    typer.Option(min=0.1, max=64, metavar="B", help="With --params: bits stored per parameter.", show_default=False),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Folder with golf.toml; default: here or a parent.", show_default=False),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def measure(
    script: ScriptOption = None,
    weights: WeightsOption = None,
    limit: LimitOption = None,
    level: LevelOption = artifact.ZSTD_LEVEL,
    params: ParamsOption = None,
    bits: BitsOption = None,
    workspace: WorkspaceOption = None,
    json: JsonFlag = False,
) -> None:
    """Weigh an artifact: script bytes plus compressed weights; exit 1 when it is over the limit.

    A workspace without a script is weighed as its model.py flattened, with the newest run's payload.

    With --params and --bits: whether such a model can fit, before it exists.
    """
    home = settings.find_workspace(Path.cwd(), os.environ, workspace)
    values = settings.load(os.environ, home, artifact_limit=limit)
    if (params is None) != (bits is None):
        raise GolfError("--params and --bits go together: give both, or neither", Exit.USAGE)
    if params is not None and bits is not None:
        if weights:
            raise GolfError("--weights are weighed and --params are estimated: give one of them", Exit.USAGE)
        _answer(_feasibility(params, bits, script, values.artifact_limit, home), json)
    else:
        found = script or _default_script(home)
        if found is None and home is not None and (home / MODEL).exists():
            _answer(_weigh_model(home, weights or [], values.artifact_limit, level), json)
        else:
            _answer(_weigh_script(_existing(found, home), weights or [], values.artifact_limit, level), json)


def _answer(answer: tuple[dict[str, Any], bool], as_json: bool) -> None:
    record, allowed = answer
    output.emit(record, as_json=as_json)
    raise typer.Exit(Exit.DONE if allowed else Exit.NO)


def _weigh_script(script: Path, weights: list[Path], limit: int, level: int) -> tuple[dict[str, Any], bool]:
    payloads = weights or _choose(script.parent, str(script))
    with _meter(payloads) as meter:
        weight = artifact.weigh(script, payloads, limit, level=level, on_bytes=meter.advance)
    return _record(weight, payloads, level, f"beside {script}")


def _weigh_model(home: Path, weights: list[Path], limit: int, level: int) -> tuple[dict[str, Any], bool]:
    """The script that the workspace's model flattens to, and the newest run's payload."""
    from golfkit.train import flatten  # other answers do without it

    payloads = weights or _newest_payload(home / RUNS)
    base, changes = (
        ("FULL", {}) if weights or not payloads else _spec_of(payloads[0].with_name("run.json"), home / MODEL)
    )
    script = flatten.flatten_file(home / MODEL, changes, base=base)
    code_bytes = len(script.packed.encode())
    readable_bytes = len(script.readable.encode())
    output.note(f"note: code is {home / MODEL}, flattened in memory and packed; readable: {readable_bytes} bytes")
    with _meter(payloads) as meter:
        weighed = artifact.weigh_files(payloads, level=level, on_bytes=meter.advance)
    return _record(artifact.Weight(code_bytes, weighed, limit), payloads, level, f"in a run of {home / RUNS}")


def _meter(payloads: list[Path]) -> AbstractContextManager[output.Meter]:
    raw_bytes = sum(path.stat().st_size for path in payloads if path.is_file() and artifact.is_raw(path))
    return output.progress("zstd", raw_bytes)


def _record(weight: artifact.Weight, payloads: list[Path], level: int, place: str) -> tuple[dict[str, Any], bool]:
    """The answer; `place` is where weights were looked for."""
    if len(weight.weights) < len(payloads):
        output.note("note: a weights file is named more than once; it counts once")
    if not weight.weights:
        output.note(f"note: no weights {place}: this is the code alone")
    estimates = {str(file.path): f"zstd level {level}" for file in weight.weights if file.estimate}
    for name in estimates:
        output.note(f"note: {name} is raw: its bytes are an estimate, the exporter's own compressor decides")
    record = {
        "code_bytes": weight.code_bytes,
        "weights_bytes": {str(file.path): file.n_bytes for file in weight.weights},
        "artifact_bytes": weight.artifact_bytes,
        "limit": weight.limit,
        "headroom": weight.headroom,
        "status": weight.status,
        "estimates": estimates,
    }
    return record, weight.fits


def _feasibility(
    params: int, bits: float, script: Path | None, limit: int, home: Path | None
) -> tuple[dict[str, Any], bool]:
    found = script or _default_script(home)
    if found is None:
        output.note(f"note: no {SCRIPT} here; code_bytes is that of the official baseline")
    code_bytes = artifact.file_bytes(found) if found else feasibility.BASELINE_CODE_BYTES
    result = feasibility.assess(params, bits, code_bytes, limit)
    record = {
        "params": params,
        "bits": bits,
        "raw_bytes": result.raw_bytes,
        "code_bytes": result.code_bytes,
        "compressibility": result.compressibility._asdict(),
        "artifact_bytes": {
            "low": result.artifact_bytes_low,
            "typical": result.artifact_bytes_typical,
            "high": result.artifact_bytes_high,
        },
        "limit": result.limit,
        "needed_compressibility": round(result.needed, 4),
        "verdict": result.verdict,
    }
    return record, result.verdict != "infeasible"


def _existing(script: Path | None, home: Path | None) -> Path:
    if script is None:
        place = f"{Path.cwd()} or the workspace {home}, which has no {MODEL}" if home else f"{Path.cwd()}"
        raise GolfError(f"{SCRIPT}: not found in {place}; name the counted script with --script FILE")
    artifact.file_bytes(script)
    return script


def _default_script(home: Path | None) -> Path | None:
    """The script of the current folder (named as the user would), else the workspace's."""
    places = [Path(SCRIPT), *([home / SCRIPT] if home else [])]
    return next((path for path in places if path.exists()), None)


def _newest_payload(runs: Path) -> list[Path]:
    """The payload of the newest run that has one."""
    for path in sorted(runs.glob("*/run.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            artifact_of_run = loads(path.read_bytes()).get("artifact") or {}
        except (ValueError, AttributeError) as error:
            raise GolfError(f"{path}: {error}; expected one JSON object; remove the run or correct it") from error
        named = path.parent / (artifact_of_run.get("payload") or "")
        found = [named] if named.is_file() else _choose(path.parent, str(path.parent))
        if found:
            return found
    return []


def _spec_of(record: Path, model: Path) -> tuple[str, dict[str, Any]]:
    """The spec that a run trained, as base and changes; the contest's where the model was edited since."""
    made = (loads(record.read_bytes()).get("model") if record.is_file() else None) or {}
    if made.get("sha256") != digest(model) or made.get("base") is None:
        return "FULL", {}
    return made["base"], made.get("changes") or {}


def _choose(folder: Path, name: str) -> list[Path]:
    """The one payload of a folder; several are the user's choice."""
    found = artifact.candidates(folder)
    if len(found.choice) > 1:
        sizes = ", ".join(f"{path} ({path.stat().st_size} bytes)" for path in found.choice)
        raise GolfError(f"{name}: {len(found.choice)} weights files beside it: {sizes}; choose with --weights FILE")
    if found.compressed and found.raw:
        output.note(f"note: not counted, as {found.compressed[0]} is the payload: {', '.join(map(str, found.raw))}")
    return list(found.choice)
