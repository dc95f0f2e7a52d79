"""A workspace in which `golf train-local` trains a tiny model on a few thousand bytes, in this process."""

import functools
import json
import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from golfkit import cli, ledger
from golfkit.train import flatten
from golfkit.train.data.shards import write_shard
from golfkit.train.engine import choice
from golfkit.train.model import default

DEFAULT = Path(default.__file__).read_text()
SHAPE = {"vocab_size": 260, "seq_len": 16, "batch_tokens": 64, "n_layers": 2, "dim": 16, "n_heads": 2, "n_kv_heads": 1}
SHAPE |= {"bigram_buckets": 16, "trigram_buckets": 16, "bigram_dim": 8, "rope_dims": 4}
SHAPE |= {"embed_rate": 0.25, "matrix_rate": 0.04}  # three steps shall show, whatever the default's rates are
TINY = [word for key, value in SHAPE.items() for word in ("--set", f"{key}={value}")]
FORWARD = '    """Logits float32 [B, T, V] of the token after each of ids[B, T]."""\n'
FLATTEN = flatten.flatten
PAYLOAD = "final_model.int6.ptz"


@functools.cache
def packed(source: str, changes: tuple[tuple[str, object], ...], base: str, where: str) -> SimpleNamespace:
    """What flatten.flatten gives a run."""
    made = FLATTEN(source, dict(changes), base=base, where=where)
    return SimpleNamespace(packed=made.packed, readable=made.readable)


def flattened(source: str, changes: dict[str, object], *, base: str, where: str) -> SimpleNamespace:
    """flatten.flatten, once for all tests that train the default model: it is more than half of a tiny run's time."""
    return packed(source, tuple(changes.items()), base, "model.py" if source == DEFAULT else where)


class Said(NamedTuple):
    """What a call of golf printed."""

    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)


class Workspace:
    """A folder with golf.toml, the default model, and shards of bytes; no ledger yet."""

    def __init__(self, home: Path, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self.home, self.results = home, home / "results.tsv"
        self._monkeypatch, self._capsys = monkeypatch, capsys
        (home / "golf.toml").write_text(f'data_path = "{data}"\ntokenizer_path = "bytes"\n')
        (home / "model.py").write_text(DEFAULT)
        monkeypatch.chdir(home)
        monkeypatch.setattr(flatten, "flatten", flattened)
        monkeypatch.setattr(choice, "CPU_WAYS", (("torch", "float32"),))  # what is fastest may differ between two runs

    def golf(self, *words: object, code: int = 0) -> Said:
        """`golf WORDS` in this process; fails on another exit code."""
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["golf", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = Said(*self._capsys.readouterr())
        assert ended.value.code == code, said
        return said

    def train(self, *words: object, code: int = 0) -> Said:
        """`golf train-local` of the tiny model for 3 steps; later words count."""
        return self.golf("train-local", "--backend", "torch", "--iterations", 3, *TINY, *words, code=code)

    def refused(self, *words: object, code: int) -> str:
        """The one line on stderr of a training that ends before it leaves any trace."""
        before = self.files()
        said = self.train(*words, code=code)
        assert (said.out, said.err.count("\n")) == ("", 1), said
        assert self.files() == before
        return said.err

    def crashed(self, *words: object, code: int) -> tuple[str, Path]:
        """The last line on stderr of a training that leaves one row more, a crash, and its folder."""
        before = self.rows()
        said = self.train(*words, code=code)
        return said.err.splitlines()[-1], self.crash_after(before)

    def crash_after(self, before: list[ledger.Row]) -> Path:
        """The run's folder of the one row that came, which must be that of a crash."""
        (*old, row) = self.rows()
        assert old == before
        assert (row.status, row.val_bpb, row.promoted) == ("crash", None, "no")
        folder = self.home / "runs" / row.commit
        assert self.record(row.commit)["status"] == "crash"
        assert not [path for path in self.files() if path.endswith((".part", ".pyc"))]
        return folder

    def rows(self) -> list[ledger.Row]:
        """The ledger."""
        return ledger.read_rows(self.results) if self.results.exists() else []

    def record(self, run: str) -> Any:
        """run.json, as plain JSON."""
        return json.loads((self.home / "runs" / run / "run.json").read_text())

    def files(self) -> list[str]:
        """All that is there."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))

    def forward(self, line: str, head: str = "") -> int:
        """Put a line in front of the model's forward pass, and others above all; the number of that line."""
        assert FORWARD in DEFAULT
        text = DEFAULT.replace(FORWARD, f"{FORWARD}    {line}\n").replace(
            "from dataclasses", f"{head}from dataclasses", 1
        )
        (self.home / "model.py").write_text(text)
        return text.splitlines().index(f"    {line}") + 1


def make_shards(folder: Path, n_train: int = 3000, n_val: int = 300) -> Path:
    """A folder with one shard of each split, in bytes."""
    words = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog"]
    text = " ".join(random.Random(0).choices(words, k=n_train + n_val)).encode()
    tokens = np.array([1, *(4 + byte for byte in text)])
    folder.mkdir(parents=True, exist_ok=True)
    write_shard(folder / "text_train_000000.bin", tokens[:n_train])
    write_shard(folder / "text_val_000000.bin", tokens[n_train : n_train + n_val])
    return folder
