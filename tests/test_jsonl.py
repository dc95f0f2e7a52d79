"""JSON Lines of one record type: what is written is read back; what is damaged names its line."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit import jsonl
from golfkit.errors import GolfError


@dataclass(frozen=True, kw_only=True)
class Note:
    """A record with each kind of field."""

    name: str
    count: int = 0
    score: float | None = None
    tags: tuple[str, ...] = ()


text = st.text(st.characters(exclude_categories=["Cs"]))
notes = st.builds(
    Note,
    name=text,
    count=st.integers(0, 1 << 60),
    score=st.none() | st.floats(0, 1e9),
    tags=st.lists(text, max_size=3).map(tuple),
)


@given(st.lists(notes, max_size=5))
def test_records_come_back_as_they_were_whatever_their_text_holds(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("jsonl") / "notes.jsonl"
    lines = [jsonl.render(record) for record in records]
    assert not any("\n" in line for line in lines)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    assert jsonl.read(path, Note) == records


def test_a_lone_surrogate_becomes_a_question_mark():
    assert jsonl.render(Note(name="a\ud800b")) == '{"name": "a?b", "count": 0, "score": null, "tags": []}'


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b'{"name": "a"', "not JSON"),
        (b'{"name": 1}', "key 'name' is 1"),
        (b'{"name": "a", "count": -1}', "0 or more"),
        (b'{"name": "a", "other": 1}', "unknown key 'other'"),
        (b"[]", "expected a JSON object"),
        (b"\xff", "byte 0 is not UTF-8"),
        (b"", "not JSON"),
    ],
)
def test_a_damaged_line_is_named_and_nothing_is_skipped(tmp_path, line, found):
    path = tmp_path / "notes.jsonl"
    path.write_bytes(b'{"name": "first"}\n' + line + b"\n")
    with pytest.raises(GolfError, match=r"notes\.jsonl:2: ") as raised:
        jsonl.read(path, Note)
    assert found in str(raised.value)


def test_a_missing_file_is_an_error_unless_it_may_be_missing(tmp_path):
    assert jsonl.read(tmp_path / "none", Note, missing_ok=True) == []
    with pytest.raises(GolfError, match="not found"):
        jsonl.read(tmp_path / "none", Note)
