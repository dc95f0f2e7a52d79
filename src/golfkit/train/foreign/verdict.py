"""How a script's run ended, by its exit code and the last lines of what it printed, never by its source. Pure."""

import math
import re
import signal
from collections import deque
from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import NamedTuple

from golfkit.errors import Exit, GolfError
from golfkit.files import neutralise
from golfkit.train.foreign.tracebacks import Raised, last_raised
from golfkit.train.logs import TrainingLog
from golfkit.train.logs.lines import lines
from golfkit.train.logs.steps import reading_of

SCRIPT = "train_gpt.py"
N_TAIL = 400  # lines; a traceback through torch.compile has about 100, the launcher's report 60
N_LAST = 20  # lines of a failed run that may say why where no exception does
LONGEST = 240  # characters of a message that is quoted

_NO_CUDA = re.compile(
    "|".join(
        (
            r"CUDA (?:\w+ ){0,3}(?:required|not available|unavailable)",
            r"(?:requires?|needs?) (?:an? )?(?:\w+ )?(?:CUDA|NVIDIA|GPU)",
            r"No CUDA GPUs are available|no CUDA-capable device|No CUDA runtime is found|from the 'CUDA' backend",
            r"not (?:compiled|linked) with CUDA|torch\.cuda\.is_available\(\) is False",
            r"Found no NVIDIA driver|NVIDIA driver on your system is too old|No such file or directory: 'nvidia-smi'",
            r"CUDA driver (?:version is insufficient|initialization failed)|libcuda\.so",
            r"no GPUs found|NCCL built in|nccl is not available",
            r"0 active drivers|Cannot find a working triton installation",  # of triton
            r"Cannot access accelerator device when none is available",
        )
    ),
    re.IGNORECASE,
)
_NO_MEMORY = re.compile(
    r"out of memory|MemoryError|can't allocate memory|cannot allocate memory|Unable to allocate|bad_alloc|alloc_cpu",
    re.IGNORECASE,
)
_NO_MODULE = re.compile(r"No module named '?([A-Za-z_][\w.]{0,100})")
_REPORT = re.compile(r"E\d{4} .{1,60}torch/distributed/elastic")  # how the launcher's report on its workers begins
_WORKER = re.compile(r"\s{0,20}exitcode\s{0,9}:\s{0,9}(-?\d{1,3})\b")  # of that report
_CUDA_PACKAGES = ("flash_attn", "flash_attn_interface", "flash_attn_3", "triton", "transformer_engine", "apex")
_EXTRAS = {"torch": "'golfkit[torch]'", "mlx": "'golfkit[mlx]'"}
_NAMES = {"yaml": "pyyaml", "sklearn": "scikit-learn", "PIL": "pillow", "flash_attn_interface": "flash-attn"}


class Verdict(NamedTuple):
    """How a run ended."""

    status: str  # finished or crash
    why: str  # one sentence
    missing: GolfError | None = None  # this machine lacks what the script needs; the run tells nothing about the script


def verdict_of(
    text: str, log: TrainingLog, returncode: int, *, script: str = SCRIPT, beside: Collection[str] = ()
) -> Verdict:
    """The verdict on a run.

    text        what the script printed, and `log` what logs.parse made of it
    returncode  negative: the signal that ended it
    script      the name to quote, that of the file that ran
    beside      modules in the original script's folder, which its copy cannot import

    A score that was printed before the end went wrong stands; a bare `val_bpb:` does not, being perhaps a periodic one.
    """
    if returncode == 0:
        if log.val_bpb is None and log.status == "crash":
            return Verdict("crash", log.why)
        return Verdict("finished", log.why if log.val_bpb is not None else f"It ended well, but {_lower(log.why)}")
    tail = deque((line.text for line in lines(text)), maxlen=N_TAIL)
    raised = last_raised(tail)
    if log.val_bpb is not None and log.label not in (None, "val_bpb"):
        return Verdict("finished", f"{log.why} Then it ended with {_ending(returncode)}.")
    own = list(takewhile(lambda line: not _REPORT.match(line), tail))
    missing = _missing(raised, own[-N_LAST:], script, beside)
    if missing is not None:
        return Verdict("crash", str(missing), missing)
    exits = (int(found[1]) for line in tail if (found := _WORKER.match(line)))
    code = next((code for code in exits if code < 0), returncode)  # the launcher itself ends with 1
    return Verdict("crash", _crash(raised, own, code, script))


def _missing(raised: Raised | None, last: Sequence[str], script: str, beside: Collection[str]) -> GolfError | None:
    """The error for what the machine lacks: CUDA, or a package."""
    said = str(raised) if raised else next((line for line in reversed(last) if _NO_CUDA.search(line)), "")
    where = raised.place(script) if raised else script
    if raised and raised.kind in ("ModuleNotFoundError", "ImportError") and (found := _NO_MODULE.search(said)):
        return GolfError(f"{where}: {_install(found[1], script, beside)}", Exit.MISSING_PACKAGE)
    if _NO_CUDA.search(said):
        remedy = "run it where there is an NVIDIA GPU, or take a script for this machine (train_gpt_mlx.py)"
        return GolfError(
            f"{where}: the script needs CUDA, there is none here ({_quoted(said)}); {remedy}", Exit.MISSING_PACKAGE
        )
    return None


def _install(module: str, script: str, beside: Collection[str]) -> str:
    """What to do about a module that could not be imported."""
    package, _, part = module.partition(".")
    name = _NAMES.get(package, package.replace("_", "-"))
    if package in beside:
        return (
            f"imports {module}, which lies beside the script, expected one file that is counted; put it into {script}"
        )
    if package in _CUDA_PACKAGES:
        return f"needs package {module}, and that needs CUDA; where there is an NVIDIA GPU run: pip install {name}"
    if part:
        return f"needs module {module}, which the {package} here lacks; run: pip install --upgrade {name}"
    return f"needs package {module}, which is not installed; run: pip install {_EXTRAS.get(package, name)}"


def _crash(raised: Raised | None, own: Sequence[str], code: int, script: str) -> str:
    """One sentence on what went wrong; `own` are the script's last lines, `code` its exit code."""
    quoted = f" ({raised.place(script)}: {_quoted(str(raised))})" if raised else ""
    said = [str(raised)] if raised else own[-N_LAST:]
    if any(_NO_MEMORY.search(text) for text in said):
        return f"It ran out of memory{quoted}."
    if code < 0:
        hint = ", as the system does when memory runs out" if code == -signal.SIGKILL else ""
        return f"It was ended by {_ending(code)}{hint}."
    steps = [progress for line in own if (progress := reading_of(line)) and progress.train_loss is not None]
    if steps and not math.isfinite(steps[-1].train_loss or 0.0):
        return f"The loss was {steps[-1].train_loss} at step {steps[-1].step}{quoted}."
    if raised:
        return f"{raised.place(script)}: {_quoted(str(raised))}."
    last = next((line for line in reversed(own) if line.strip()), None)
    words = "and said nothing" if last is None else f"and said last: {_quoted(last)}"
    return f"It ended with {_ending(code)} {words}."


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _quoted(text: str) -> str:
    plain = neutralise(text).rstrip(".")
    return plain if len(plain) <= LONGEST else f"{plain[:LONGEST]}..."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
