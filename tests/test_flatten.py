"""golf flatten: every name of the script means what it meant, what is not needed goes, and mistakes are one line."""

import ast
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from golfkit.errors import Exit
from golfkit.train import flatten
from golfkit.train.flatten import pack
from golfkit.train.model import default

DEFAULT = Path(default.__file__).read_text()
CHANGES = ["vocab_size=260", "n_layers=3", "dim=32"]


@pytest.fixture(scope="module")
def tiny():
    return flatten.flatten(DEFAULT, CHANGES, base="LOCAL")


def test_every_name_of_the_script_resolves_and_golfkit_is_not_among_its_imports(tmp_path, tiny):
    script = tmp_path / "train_gpt.py"
    script.write_text(flatten.flatten(DEFAULT).readable)
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821,F401,F811", str(script)]
    done = subprocess.run(ruff, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert not re.search(r"^\s*(?:from|import) golfkit", tiny.readable, re.MULTILINE)


def test_what_the_run_does_not_reach_is_left_out(tiny):
    defined = {node.name for node in ast.parse(tiny.readable).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    assert {"main", "TorchBackend", "forward", "decode_codes", "GolfError"} <= defined
    assert not defined & {"MlxBackend", "MlxOps", "official_int8", "write_shard", "Ops", "Backend"}


def test_the_same_model_gives_the_same_bytes(tiny):
    again = flatten.flatten(DEFAULT, CHANGES, base="LOCAL")
    assert again.readable == tiny.readable
    assert again.packed == tiny.packed
    assert tiny.packed.isascii()
    assert len(tiny.packed) < 25_000 < len(tiny.readable.encode())


MODEL = """\
import functools
import string as text
from dataclasses import dataclass
from golfkit.train.model import parameters as tables
from golfkit.train.model.recipe import Recipe
from golfkit.train.model.default import Spec as Base, forward as usual
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    from nowhere import Thing

@dataclass(frozen=True, kw_only=True)
class Spec(Base):
    wide: "Thing" = 3

FULL = Spec()
LOCAL = FULL
unused = functools.reduce(max, [1, 2])
kept = {}
try:
    import nowhere as sum_2
except ImportError:
    sum_2 = None

class Empty:
    if TYPE_CHECKING:
        import nowhere

    def both(self):
        return [text for text in self.words] + list(text.digits), sum_2

    words: "Thing" = (1,)

kept["hash"] = len(text.digits)

def pack(score, /, *, run=len):  # the names of golfkit's own functions
    weights = [score for score in range(score)]
    return run([pack for pack in weights]) + kept["hash"]

def sum(values):  # and of a builtin that golfkit uses
    total = 0
    for value in values:
        total += value
    return total

@functools.cache
def twice(number: "Thing") -> "Thing":
    global calls
    calls += 1
    return sum([number, number])

calls = 0

def parameters(spec: Spec) -> list[tables.Parameter]:
    assert Empty().both() == ([1, *"0123456789"], None)
    return [tables.Parameter("embed", (spec.wide, twice(2)), "constant", pack(2), "embed")]

def forward(ops, spec, weights, ids):
    return usual(ops, spec, weights, ids)

if __name__ == "__main__":
    raise SystemExit("not in the script")
"""


def test_a_users_names_imports_and_state_survive(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: scripts/setup test")
    assert torch
    script = flatten.flatten(MODEL, {"wide": 5, "vocab_size": 300}).readable
    for form in (script, pack.minified(script)):
        space = {"__name__": "flattened"}
        sys.modules["flattened"] = sys.modules[__name__]
        try:
            exec(compile(form, "flattened.py", "exec"), space)
        finally:
            del sys.modules["flattened"]
        row = space["MODEL"].parameters(space["SPEC"])[0]
        assert (row.shape, row.scale, space["calls"], space["SPEC"].vocab_size) == ((5, 4), 12, 1, 300)
        assert space["bits_per_byte"](2.0, 1, 2) == pytest.approx(1 / math.log(2))
        assert "unused" not in space


def test_a_name_of_two_modules_stays_two_things(tiny):
    functions = [node.name for node in ast.parse(tiny.readable).body if isinstance(node, ast.FunctionDef)]
    assert {"_damaged", "_damaged_2"} <= set(functions)  # of the shards and of the payload
    assert len(functions) == len(set(functions))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("x = 1\ndef f(:\n", "model.py:2: invalid syntax, expected Python"),
        ("x = '\0'", "model.py:1: "),
        (DEFAULT.replace("def forward", "def backward"), "model.py:1: no forward at the top level"),
        (DEFAULT.replace("def parameters", "def tables"), "model.py:1: no parameters at the top level"),
        (DEFAULT.replace("FULL = ", "MOST = "), "model.py:1: no FULL at the top level"),
        (DEFAULT.replace("class Spec", "class Shape"), "model.py:1: no Spec at the top level"),
        ("\nfrom .other import x\n", "model.py:2: a relative import"),
        ("from math import *\n", "model.py:1: 'from math import *', expected"),
        ("import golfkit.errors\n", "model.py:1: 'import golfkit.errors', expected"),
        ("from golfkit.errors import Nothing\n" + DEFAULT + "\nNothing()\n", "golfkit.errors has no Nothing"),
        (DEFAULT.replace("return table", "return TABLE"), "name 'TABLE' is not defined"),
    ],
)
def test_a_model_that_cannot_be_flattened_is_one_line_with_its_place(golf, tmp_path, model, says):
    (tmp_path / "model.py").write_text(model)
    result = golf("flatten", "--model", "model.py")
    assert result.returncode == Exit.BAD_FILE
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "train_gpt.py").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("n_layer=3", "its Spec has no field 'n_layer', expected one of n_layers"),
        ("n_layers", "'n_layers': expected KEY=VALUE"),
        ("n_layers=many", "n_layers=many: expected a whole number (int)"),
        ("matrix_rate=nan", "matrix_rate=nan: expected a number (float)"),
        ("unet=maybe", "unet=maybe: expected true or false (bool)"),
    ],
)
def test_a_change_that_cannot_be_is_a_usage_error(golf, tmp_path, change, says):
    result = golf("flatten", "--set", change)
    assert (result.returncode, result.stdout) == (Exit.USAGE, "")
    assert says in result.stderr
    assert not list(tmp_path.iterdir())


def test_the_command_writes_either_form_and_says_what_both_weigh(golf, tmp_path):
    result = golf("flatten", "--json", "--set", "n_layers=5", "--set", "unet=off")
    record = json.loads(result.stdout)
    script = (tmp_path / "train_gpt.py").read_text()
    assert record == {
        "readable_bytes": len(script.encode()),
        "packed_bytes": record["packed_bytes"],
        "out": "train_gpt.py",
    }
    assert "SPEC = replace(FULL, n_layers=5, unet=False)" in script
    golf("flatten", "--packed", "--out", "small.py", "--set", "n_layers=5", "--set", "unet=off")
    assert (tmp_path / "small.py").stat().st_size == record["packed_bytes"]
    assert golf("flatten", "--out", "-", "--set", "n_layers=5", "--set", "unet=off").stdout == script


def test_a_workspaces_model_is_the_default_and_code_beside_it_is_refused(golf, tmp_path):
    (tmp_path / "golf.toml").touch()
    (tmp_path / "model.py").write_text(DEFAULT.replace("HASH = 1_000_003", "HASH = 7"))
    assert golf("flatten").returncode == 0
    assert "HASH = 7\n" in (tmp_path / "train_gpt.py").read_text()
    (tmp_path / "helpers.py").write_text("x = 1\n")
    (tmp_path / "model.py").write_text("import helpers\n" + DEFAULT)
    result = golf("flatten")
    assert result.returncode == Exit.BAD_FILE
    assert "imports helpers.py beside it" in result.stderr


def test_measure_weighs_the_flattened_model_and_the_newest_runs_payload(golf, tmp_path):
    (tmp_path / "golf.toml").touch()
    (tmp_path / "model.py").write_text(DEFAULT)
    code_bytes = len(flatten.flatten(DEFAULT).packed)
    record = json.loads(golf("measure", "--json").stdout)
    assert (record["status"], record["code_bytes"], record["weights_bytes"]) == ("CODE ONLY", code_bytes, {})
    for n, (run, payload) in enumerate({"old": 50, "new": 70, "crashed": 0}.items()):
        home = tmp_path / "runs" / run
        home.mkdir(parents=True)
        (home / "run.json").write_text(json.dumps({"artifact": {"payload": "a.ptz"} if payload else None}))
        os.utime(home / "run.json", (n, n))
        if payload:
            (home / "a.ptz").write_bytes(bytes(payload))
            (home / "seed2.a.ptz").write_bytes(bytes(payload + 1))
    result = golf("measure", "--json")
    record = json.loads(result.stdout)
    assert (result.returncode, record["artifact_bytes"]) == (Exit.DONE, code_bytes + 70)
    assert list(record["weights_bytes"]) == [str(tmp_path / "runs/new/a.ptz")]
    (tmp_path / "runs/crashed/run.json").write_text("[")
    result = golf("measure")
    assert (result.returncode, result.stderr.count("runs/crashed/run.json")) == (Exit.BAD_FILE, 1)
