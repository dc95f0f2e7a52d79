"""program.md as bytes: what is between the markers changes, nothing else does, and a broken file is refused whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.errors import GolfError
from golfkit.research.inject import document, update

SOTA = b"**SOTA: 1.1194 bpb. Baseline: 1.2244 bpb.**"
NEW_SOTA = b"**SOTA: 1.0500 bpb. Baseline: 1.2244 bpb.**"
NEW = {name: [f"new {name.lower()}", ""] for name in document.SECTIONS}


def marker(section: str, end: str) -> bytes:
    return document.marker(section, end).encode()


def program(newline: bytes = b"\n", between: bytes = b"text", old: bytes = b"old") -> bytes:
    parts = [b"# Program", SOTA]
    for name in document.SECTIONS:
        parts += [between, marker(name, "START"), old, marker(name, "END")]
    return newline.join([*parts, between])


def rewritten(content: bytes) -> bytes:
    return document.rewrite(content, NEW, 1.05, 1.2244, "program.md")


def outside(content: bytes) -> bytes:
    """The document with its sections emptied and its SOTA line cut out, by another way than the code's."""
    for name in document.SECTIONS:
        pattern = re.escape(marker(name, "START")) + rb"[ \t\r]*\n.*?(?=[ \t]*" + re.escape(marker(name, "END")) + rb")"
        content = re.sub(pattern, marker(name, "START") + b"\n", content, flags=re.DOTALL)
    return content.replace(SOTA, b"").replace(NEW_SOTA, b"")


def test_sections_and_the_sota_line_are_replaced():
    expected = program(old=b"").replace(SOTA, NEW_SOTA)
    for name in document.SECTIONS:
        start = marker(name, "START")
        expected = expected.replace(start + b"\n\n", start + b"\nnew " + name.lower().encode() + b"\n\n")
    assert rewritten(program()) == expected


def test_a_second_time_changes_nothing():
    once = rewritten(program())
    assert rewritten(once) == once


def test_new_lines_end_as_the_files_do():
    assert b"\n" not in rewritten(program(b"\r\n")).replace(b"\r\n", b"")


chunks = st.lists(
    st.sampled_from(
        [
            *(
                b"\n",
                b"\r\n",
                b"\r",
                b"\0",
                b"\xff\xfe",
                b"\\1 \\g<0>",
                b"```\n",
                b"~~~",
                b"<!--",
                b"-->",
                b"<!-- RESEARCH",
            ),
            *(b"**SOTA: ", b"bpb.**", b"| a |", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"    ", b"\t", b"#", b"$x_1$"),
        ]
    )
    | st.binary(max_size=8),
    max_size=8,
).map(b"".join)


@given(
    st.lists(chunks, min_size=10, max_size=10),
    st.sampled_from([b"\n", b"\r\n"]),
    st.permutations(document.SECTIONS),
    st.booleans(),
)
def test_every_byte_outside_of_the_markers_stays_whatever_the_file_holds(parts, newline, order, bom):
    content = b"\xef\xbb\xbf" * bom + parts[0] + newline + SOTA + newline + parts[1]
    for name, before, old in zip(order, parts[2:6], parts[6:], strict=True):
        content += newline + before + newline + marker(name, "START") + newline + old + newline + marker(name, "END")
    content += parts[9] if parts[9][:1] in (b"\n", b"") else newline + parts[9]
    after = rewritten(content)
    assert outside(after) == outside(content)
    assert rewritten(after) == after
    assert after.count(NEW_SOTA) == 1
    for name in document.SECTIONS:
        lines = [line.strip(b" \t\r") for line in after.split(b"\n")]
        assert lines.count(marker(name, "START")) == lines.count(marker(name, "END")) == 1
        assert lines.index(marker(name, "START")) < lines.index(marker(name, "END"))


@given(st.binary(max_size=400) | st.lists(chunks, max_size=5).map(b"".join))
def test_any_other_file_is_refused_with_its_name_and_a_line(content):
    with pytest.raises(GolfError, match=r"program\.md:\d+: "):
        rewritten(content)


FIRST, LAST = marker("RESEARCH", "START"), marker("RESEARCH", "END")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (FIRST, b"", r"program.md:19: <!-- RESEARCH_START --> is missing"),
        (FIRST, FIRST + b"\n" + FIRST, r"program.md:5: <!-- RESEARCH_START --> is there 2 times (lines 4, 5)"),
        (b"old", FIRST, "is there 5 times"),
        (FIRST, b"see " + FIRST, "program.md:4: <!-- RESEARCH_START --> stands among other text"),
        (SOTA, b"", "program.md:1: no SOTA line"),
        (SOTA, SOTA + b"\n" + SOTA, "program.md:3: 2 SOTA lines (lines 2, 3)"),
        (SOTA, b"see " + SOTA + SOTA, "2 SOTA lines (lines 2, 2)"),
        (
            SOTA,
            b"```\n" + b"\n".join([FIRST, LAST]) + b"\n```\n" + SOTA,
            "RESEARCH_END --> is there 2 times (lines 4, 10)",
        ),
    ],
)
def test_a_broken_file_is_named_with_its_lines(before, after, expected):
    with pytest.raises(GolfError) as raised:
        rewritten(program().replace(before, after))
    assert expected in str(raised.value)


def test_every_problem_is_named_at_once():
    broken = program().replace(FIRST, b"").replace(marker("VERIFIED", "END"), b"").replace(SOTA, b"")
    with pytest.raises(GolfError) as raised:
        rewritten(broken)
    assert str(raised.value).count("is missing") == 2


def test_end_before_start_and_crossed_sections_are_refused():
    start, end = marker("COMPETITORS", "START"), marker("COMPETITORS", "END")
    turned = program().replace(start, b"@@").replace(end, start).replace(b"@@", end)
    with pytest.raises(GolfError, match="COMPETITORS_END --> closes nothing that is open"):
        rewritten(turned)
    crossed = program().replace(LAST, b"@@").replace(marker("EXPERIMENTS", "START"), LAST)
    with pytest.raises(GolfError, match="EXPERIMENTS_START --> stands inside of RESEARCH"):
        rewritten(crossed.replace(b"@@", marker("EXPERIMENTS", "START")))


def test_a_sota_line_within_a_section_is_no_other():
    content = program(old=SOTA)
    assert rewritten(content).count(b"SOTA") == 1


@pytest.mark.parametrize("line", ["<!-- RESEARCH_END -->", "a\nb", "a\rb", "-->"])
def test_a_line_that_would_break_the_document_is_never_written(line):
    with pytest.raises(ValueError, match="would change the document"):
        document.rewrite(program(), NEW | {"RESEARCH": [line]}, 1.0, 1.2, "program.md")


def test_a_file_that_would_not_change_is_not_written(tmp_path):
    path = tmp_path / "program.md"
    path.write_bytes(program())
    assert update.update(path, NEW, sota=1.05, baseline=1.2244).changed
    before = path.stat().st_mtime_ns, path.stat().st_ino
    assert not update.update(path, NEW, sota=1.05, baseline=1.2244).changed
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_a_link_stays_a_link_and_its_target_is_written(tmp_path):
    (tmp_path / "real.md").write_bytes(program())
    (tmp_path / "program.md").symlink_to("real.md")
    update.update(tmp_path / "program.md", NEW, sota=1.05, baseline=1.2244)
    assert (tmp_path / "program.md").is_symlink()
    assert NEW_SOTA in (tmp_path / "real.md").read_bytes()


def test_a_refused_file_and_a_dry_run_leave_no_trace(tmp_path):
    path = tmp_path / "program.md"
    path.write_bytes(program())
    assert update.update(path, NEW, sota=1.05, baseline=1.2244, dry_run=True).changed
    assert [p.name for p in tmp_path.iterdir()] == ["program.md"]
    assert path.read_bytes() == program()
    with pytest.raises(GolfError, match="not found"):
        update.update(tmp_path / "none.md", NEW, sota=1.05, baseline=1.2244)
    assert [p.name for p in tmp_path.iterdir()] == ["program.md"]
