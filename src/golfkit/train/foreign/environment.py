"""golf's flags in the environment names of the contest's scripts (train_gpt.py and train_gpt_mlx.py). Pure."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from golfkit.settings import Settings
from golfkit.train.data.accounting import BYTES


@dataclass(frozen=True, kw_only=True)
class Flags:
    """What was asked of the script; None leaves it its own default."""

    iterations: int | None = None
    minutes: float | None = None  # of training
    seed: int | None = None
    run: str | None = None  # id
    data: Path | None = None  # folder of shards
    tokenizer: Path | None = None
    batch_tokens: int | None = None
    seq_len: int | None = None
    vocab: int | None = None
    out: Path | None = None  # where train_gpt_mlx.py puts its payload; train_gpt.py uses the working folder


def flags_to_environment(flags: Flags) -> dict[str, str]:
    """The names and values that tell a script `flags`; nothing for a flag that was not given.

    Iterations alone lift the script's own limit of 600 seconds. Paths become absolute, since the script runs elsewhere.
    """
    seconds = None if flags.minutes is None else flags.minutes * 60
    if seconds is None and flags.iterations is not None:
        seconds = 0.0  # the scripts' word for no limit
    named = {
        "ITERATIONS": flags.iterations,
        "MAX_WALLCLOCK_SECONDS": None if seconds is None else f"{seconds:.3f}".rstrip("0").rstrip("."),
        "SEED": flags.seed,
        "RUN_ID": flags.run,
        "DATA_PATH": _absolute(flags.data),
        "TOKENIZER_PATH": BYTES if flags.tokenizer == Path(BYTES) else _absolute(flags.tokenizer),
        "TRAIN_BATCH_TOKENS": flags.batch_tokens,
        "TRAIN_SEQ_LEN": flags.seq_len,
        "VOCAB_SIZE": flags.vocab,
        "OUT_DIR": _absolute(flags.out),
    }
    return {name: str(value) for name, value in named.items() if value is not None}


def script_environment(environ: Mapping[str, str], flags: Flags) -> dict[str, str]:
    """The whole environment of a script: `environ` without golf's secrets, and the flags over it.

    What a user set by an official name (NUM_LAYERS=4) gets through; a stranger's script sees no credential.
    """
    secrets = {declared.metadata["env"] for declared in dataclasses.fields(Settings) if declared.metadata["secret"]}
    return {name: value for name, value in environ.items() if name not in secrets} | flags_to_environment(flags)


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.absolute()
