"""Board records: what golf writes is read back; what anyone else wrote is read as far as it can be, and never fails."""

from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from golfkit import files
from golfkit.board.records import frontmatter, names, record
from golfkit.board.records.record import Agent, Message, Result
from golfkit.errors import GolfError

NOW = datetime(2026, 5, 1, 14, 30, tzinfo=UTC)
line = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(files.neutralise)
words = line.filter(bool)
body = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=200).map(
    lambda s: s.strip("\n")
)
agents = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)


@given(
    agents, body, st.sampled_from(record.TYPES), st.lists(st.from_regex(r"[a-z0-9_.-]+", fullmatch=True), max_size=3)
)
def test_a_message_comes_back_as_it_was_written(agent, text, kind, refs):
    written = Message(file=names.file_name(NOW, agent), agent=agent, when=NOW, body=text, type=kind, refs=tuple(refs))
    assert record.read_message(written.file, record.write_message(written).encode()) == written


@given(agents, words, words, st.integers(0, 10**9), body)
def test_a_result_comes_back_as_it_was_written(agent, method, description, n_bytes, text):
    written = Result(
        file=names.file_name(NOW, agent), agent=agent, when=NOW, method=method, bytes=n_bytes,
        bpc=round(8 * n_bytes / 1e8, 3), status="negative", description=description, body=text,
        artifacts="artifacts/a_b/", extra=(("verified", "yes"),),
    )  # fmt: skip
    assert record.read_result(written.file, record.write_result(written).encode()) == written


@given(agents, words, words, st.lists(words.filter(lambda s: "," not in s), max_size=3), body)
def test_an_agent_comes_back_as_it_was_written(agent, model, harness, tools, bio):
    written = Agent(
        file=f"{agent}.md",
        name=agent,
        model=model,
        harness=harness,
        tools=tuple(tools),
        hf_user=None,
        joined=NOW,
        bio=bio,
    )
    assert record.read_agent(written.file, record.write_agent(written).encode()) == written


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda s: f"---\n{s}\n---\n{s}".encode("utf-8", "replace")))
def test_reading_never_fails_and_what_golf_writes_is_yaml(content):
    for read in (record.read_message, record.read_result, record.read_agent):
        assert read("20260501-143000_a.md", content).problems
    found = frontmatter.read(content)
    fields = {name: value for name, value in found.fields.items() if name == files.neutralise(name)}
    head = frontmatter.write(fields, "").split("---\n")[1]
    assert not head or isinstance(yaml.safe_load(head), dict)


def test_values_stay_text_where_yaml_would_read_another_thing():
    found = frontmatter.read(b"---\nagent: 007\nmethod: no\nwhen: 2026-05-01T14:30:00Z\ntools: [1, on]\n---\n")
    assert found.fields == {"agent": "007", "method": "no", "when": "2026-05-01T14:30:00Z", "tools": ("1", "on")}
    assert yaml.safe_load(frontmatter.write({"agent": "007"}, "").split("---\n")[1]) == {"agent": "007"}


def test_the_workspace_documents_own_invalid_yaml_is_read():
    text = "---\nagent: a\nmethod: dict-zpaq\nbytes: 19920000\nstatus: negative\ntimestamp: 2026-05-01 14:30 UTC\n"
    text += "description: dict-preproc + zpaq -m5: anti-synergistic, ~150 KB worse\n---\n"
    found = record.read_result("20260501-143000_a.md", text.encode())
    assert found.description == "dict-preproc + zpaq -m5: anti-synergistic, ~150 KB worse"
    assert (found.bytes, found.bpc, found.status) == (19_920_000, 1.594, "negative")
    assert len(found.problems) == 1
    assert "no YAML" in found.problems[0]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"hello", "no front matter"),
        (b"---\nagent: a\n", "no front matter"),
        (b"", "no front matter"),
        (b"---\nagent: a\n---\n\xff\xfe", "not UTF-8"),
        (b"---\nagent: a\0\n---\n", "NUL"),
        (b"---\nagent: {a: {b: c}}\n---\n", "agent is nested"),
        (b"---\n" + b"[" * 9000 + b"\n---\n", "brackets"),
        (b"---\nx: " + b"y" * 20_000 + b"\n---\n", "front matter of 20003 characters"),
        (b"---\na: 1\n---\n" + b"x" * 1_000_001, "1000014 bytes"),
        (b"---\n" + b"".join(b"k%d: v\n" % i for i in range(70)) + b"---\n", "70 fields"),
        (b"---\n- a\n- b\n---\n", "no list of fields"),
        (b"---\na: &a [x]\nb: *a\nc: *nowhere\n---\n", "no YAML"),
        (b"---\n? [a, b]\n: c\n---\n", "no YAML"),
    ],
)
def test_what_is_broken_is_named(content, problem):
    assert any(problem in found for found in frontmatter.read(content).problems)


def test_windows_line_ends_and_a_byte_order_mark_are_read():
    found = record.read_message(
        "20260501-143000_a.md",
        b"\xef\xbb\xbf---\r\nagent: a\r\ntimestamp: 2026-05-01 14:30 UTC\r\n---\r\n\r\nhi\r\nyou\r\n",
    )
    assert (found.body, found.problems) == ("hi\nyou", ())


@pytest.mark.parametrize(
    ("file", "field", "problem"),
    [
        ("20260501-143000_a.md", "agent: b", "agent is 'b', expected 'a'"),
        ("20260501-143000_a.md", "bytes: 12.5", "bytes is '12.5'"),
        ("20260501-143000_a.md", "bpc: 9.9", "bpc is 9.9, expected 1.594"),
        ("20260501-143000_a.md", "status: best", "status is 'best'"),
        ("20260501-143000_a.md", "artifacts: ../../etc", "expected a path inside the board"),
        ("20260501-143000_a.md", "timestamp: yesterday", "timestamp is 'yesterday'"),
        ("notes.md", "agent: a", "its name is none"),
    ],
)
def test_what_contradicts_is_named(file, field, problem):
    good = {"agent": "a", "method": "m", "bytes": "19920000", "status": "negative", "description": "d"}
    name, _, value = field.partition(": ")
    text = frontmatter.write(good | {"timestamp": "2026-05-01 14:30 UTC"} | {name: value}, "")
    assert any(problem in found for found in record.read_result(file, text.encode()).problems)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "a\\b",
        "C:/x",
        "hf://x",
        "a/./b",
        "~/x",
        "-rf",
        "a\nb",
        "a\0b",
        "x" * 401,
    ],
)
def test_a_path_that_could_leave_the_board_is_none(path):
    assert names.inside(path) is None


def test_a_path_inside_the_board_is_one():
    assert str(names.inside("artifacts/zpaq_lvwerra-cc/")) == "artifacts/zpaq_lvwerra-cc"


@pytest.mark.parametrize("agent", ["", "a b", "../a", "a..b", "-a", "a/", "a" * 65, "ä", "a\n"])
def test_an_id_that_could_be_a_path_or_an_option_is_refused(agent):
    with pytest.raises(GolfError, match="agent id"):
        names.check_agent(agent)


def test_names_sort_by_time_with_and_without_a_suffix():
    plain = names.file_name(NOW, "agent-01")
    suffixed = names.file_name(NOW, "agent-01", names.unique(NOW, "0123456789ab"[:9]))
    assert (plain, suffixed) == ("20260501-143000_agent-01.md", "20260501-143000-000012345678_agent-01.md")
    assert sorted(["20260501-143001_a.md", suffixed, "20260501-142959_z.md"])[1] == suffixed
    assert names.take_apart(suffixed) == (NOW, "000012345678", "agent-01")
    assert names.take_apart("20261399-143000_a.md").when is None
