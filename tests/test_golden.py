"""Golden digests: what the own codecs write is frozen per codec version, and so are the tables that they start from.

A difference means that archives made before do not open any more: give the codec a new version in
compress/codecs/cm.py. Then,
or while a version is not released yet, write the file anew:

    python tests/test_golden.py >tests/golden.json
"""

import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import samples

from golfkit.compress import codecs, pipeline
from golfkit.compress.codecs import Codec
from golfkit.compress.kernels import states, tables

FILE = Path(__file__).with_name("golden.json")
OWN = [codec for codec in codecs.every() if codec.own]
INPUTS: dict[str, Callable[[], bytes]] = {  # the same on every machine and in every Python
    "empty": lambda: b"",
    "mixed 150 kB": lambda: samples.mixed(150_000),
    "zeros 70 kB": lambda: bytes(70_000),
    "mixed 6 kB": lambda: samples.mixed(6000),
    "zeros 3 kB": lambda: bytes(3000),
}
SHORT = ("empty", "mixed 6 kB", "zeros 3 kB")  # for a codec that takes 100 microseconds a byte
CASES = [(codec, name) for codec in OWN for name in INPUTS if name in SHORT or codec.name != "cm-max"]


def archive_row(codec: Codec, name: str) -> dict[str, object]:
    """What is frozen of one archive; the header's sha256 of the original is in it."""
    data, sink = INPUTS[name](), io.BytesIO()
    pipeline.compress_file(codec, io.BytesIO(data), sink, len(data), lambda n_in, n_out: None)
    digest = hashlib.sha256(sink.getvalue()).hexdigest()
    return {"codec": codec.name, "version": codec.version, "input": name, "sha256": digest}


def table_digests() -> dict[str, str]:
    """Digests of the start tables."""
    numbers = tables.tables_at(memoryview(bytearray(tables.TABLES_BYTES)), 0)
    histories = states.histories_at(memoryview(bytearray(states.HISTORIES_BYTES)), 0)
    tables.init_tables(numbers)
    states.init_states(histories)
    made = numbers._asdict() | {"next_state": histories.next_state}
    return {name: hashlib.sha256(repr(list(column)).encode()).hexdigest() for name, column in made.items()}


@pytest.mark.parametrize(("codec", "name"), CASES, ids=[f"{codec.name}, {name}" for codec, name in CASES])
def test_the_archive_is_the_one_frozen_for_this_version(codec: Codec, name: str):
    assert archive_row(codec, name) in json.loads(FILE.read_text())["archives"]


def test_the_tables_are_the_frozen_ones():
    assert table_digests() == json.loads(FILE.read_text())["tables"]


if __name__ == "__main__":
    archives = [archive_row(codec, name) for codec, name in CASES]
    json.dump({"archives": archives, "tables": table_digests()}, sys.stdout, indent=1)
    print()
