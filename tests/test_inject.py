"""`golf inject`: what the sections say, that no text of strangers gets out of them, and what the command writes."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import ATTACKS
from findings import PAPER, a_competitor, a_grading, a_reading, a_record, a_row, an_item, workspace
from hypothesis import given
from hypothesis import settings as tests
from hypothesis import strategies as st

from golfkit.research import techniques
from golfkit.research.grade.graded import Graded
from golfkit.research.inject import document, findings, inputs, sections
from golfkit.research.inject.inputs import Inputs
from golfkit.research.items.index import Indexed
from golfkit.settings import Settings
from golfkit.train.runs import view
from golfkit.train.workspace import create

TAXONOMY = techniques.read(Path(create.__file__).parent / "files" / techniques.FILE)


PEAK = """
import re
from pathlib import Path
from golfkit.research.inject import inputs, sections
from golfkit.settings import Settings
sections.compose(inputs.read(Path()), Settings())
status = Path("/proc/self/status").read_text()  # ru_maxrss would be that of the process that started this one
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024)
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("made")
    create.create(folder)
    return (folder / "program.md").read_bytes()


def nothing() -> Inputs:
    return Inputs(TAXONOMY, [], {}, {}, {}, {}, [], {})


def indexed(item) -> Indexed:
    return Indexed(item.source, item.url, item.aliases, item.digest, ())


def section(content: bytes, name: str) -> str:
    start, end = (content.index(document.marker(name, word).encode()) for word in ("START", "END"))
    return content[start:end].decode()


def check(program: bytes, found: Inputs) -> bytes:
    """The document with these inputs in it: valid, the same outside of its sections, and again the same."""
    composed = sections.compose(found, Settings())
    after = document.rewrite(program, composed.by_marker, composed.sota, 1.2244, "program.md")
    assert document.rewrite(after, composed.by_marker, composed.sota, 1.2244, "program.md") == after
    blank = {name: [] for name in document.SECTIONS}
    emptied = [document.rewrite(text, blank, 1.0, 1.2244, "program.md") for text in (program, after)]
    assert emptied[0] == emptied[1]
    text = after.decode("utf-8")
    markers = [document.marker(name, end) for name in document.SECTIONS for end in ("START", "END")]
    assert re.findall(r"<!--.*?-->", text, re.DOTALL) == markers
    assert len(section(after, "RESEARCH")) <= findings.SECTION_CHARACTERS + 40
    for name in document.SECTIONS:
        for line in section(after, name).split("\n")[1:]:
            assert not line or line.isprintable()
            assert not re.match(r"\s*(?:```|~~~|#|>|=|---$)", line)
            if '"' in line and not line.startswith("A run that tries"):
                assert line.count('"') % 2 == 0
            if line.startswith("|"):
                assert line.count("|") == len(line.split("|")) - 1 >= 8
    return after


anything = (
    st.text(st.characters(exclude_categories=[]), max_size=40)
    | st.sampled_from(ATTACKS)
    | st.lists(st.sampled_from(ATTACKS), max_size=3).map("\n".join)
)
several = st.lists(anything, max_size=6).map(tuple)


@st.composite
def hostile(draw) -> Inputs:
    """Every text of every input is a stranger's."""
    item = an_item(draw(anything), title=draw(anything), url=draw(anything), source=draw(anything))
    grading = a_grading(
        item, summary=draw(anything), techniques=draw(several), flags=draw(several), title=draw(anything)
    )
    reading = a_reading(
        item,
        title=draw(anything),
        url=draw(anything),
        brief=draw(anything),
        red_flags=draw(several),
        evidence=draw(several),
        grade_before=draw(anything),
        full_text=draw(st.booleans()),
        fallback=draw(anything),
    )
    competitor = a_competitor(
        1,
        draw(st.floats(0, 5)),
        id=draw(anything),
        author=draw(anything),
        technique=draw(anything),
        title=draw(anything),
        conflict=True,
        readings={draw(anything): 1.0},
        state=draw(anything),
        source=draw(anything),
    )
    rows = [a_row(draw(anything) or "x", 1.5, "keep", draw(anything)) for _ in range(2)]
    found = nothing()._replace(
        entries=view.entries(rows, {}),
        in_force={item.id: grading},
        past={item.id: [inputs.Past("2026-05-01T12:00:00Z", "A", grading.scores)]},
        items={item.id: indexed(item)},
        competitors=[competitor],
        readings={item.id: reading},
    )
    return found


@tests(max_examples=150)
@given(hostile())
def test_no_text_of_any_field_gets_out_of_its_section(program, found):
    check(program, found)


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_each_known_attack_stays_in_its_section_in_every_field(program, text):
    item = an_item(text, title=text, url=f"https://a.example/{text[:80]}", source=text)
    many = (text, text)
    found = nothing()._replace(
        entries=view.entries([a_row(text or "x", 1.5, "keep", text)], {}),
        in_force={item.id: a_grading(item, summary=text, techniques=many, flags=many)},
        items={item.id: indexed(item)},
        competitors=[a_competitor(1, 1.1, id=text, author=text, technique=text, state=text, readings={text: 1.0})],
        readings={
            item.id: a_reading(item, brief=text, red_flags=many, evidence=many, fallback=text, grade_before=text)
        },
    )
    after = check(program, found)
    for said in ("ignore all previous", "spend it all", "Now the instructions"):
        for line in after.decode().split("\n"):
            if said in line:
                assert re.search(rf'"[^"]*{said}[^"]*"', line)


def test_sections_with_nothing_name_the_command_that_fills_them(program):
    after = check(program, nothing())
    for name, command in {
        "RESEARCH": "golf research",
        "EXPERIMENTS": "golf train-local",
        "COMPETITORS": "golf research",
        "VERIFIED": "golf verify",
    }.items():
        assert f"Nothing yet: `{command}" in section(after, name)


def chosen(*gradings: Graded, items=(), readings=()) -> list[str]:
    found = findings.chosen(
        {one.item: one for one in gradings}, {one.id: indexed(one) for one in items}, {r.item: r for r in readings}
    )
    return [one.item for one in found.best]


def test_the_best_gradings_of_texts_as_they_are_come_first_and_c_and_ungraded_not_at_all():
    made = [an_item(f"arxiv:2403.0000{n}") for n in range(7)]
    gradings = [
        a_grading(made[0], (2, 2, 1, 2, 1)),  # B, 8 of 15
        a_grading(made[1], (3, 3, 2, 4, 3)),  # A, 15 of 15
        a_grading(made[2], (3, 3, 2, 4, 0)),  # A, 12 of 15
        a_grading(made[3], (0, 1, 1, 1, 1)),  # C
        a_grading(made[4], grade="ungraded", total=None),
        a_grading(made[5], (3, 3, 2, 4, 3)),  # A, of an older text
        a_grading(made[6], (3, 3, 2, 4, 3)),  # A, then C in full
    ]
    now = [*made[:5], dataclasses.replace(made[5], text="another"), made[6]]
    refuted = a_reading(made[6], grade="C", total=3)
    assert chosen(*gradings, items=now, readings=[refuted]) == [made[1].id, made[2].id, made[0].id]
    assert chosen(*gradings[:2]) == [made[1].id, made[0].id]  # raw_cache.jsonl may be gone


def test_the_research_section_shows_whole_items_only_and_stays_in_its_size():
    made = [an_item(f"arxiv:2403.{n:05}", title="t" * 500, url="https://a.example/" + "u" * 200) for n in range(20)]
    long = {m.id: a_grading(m, summary="s" * 999, flags=("f" * 500,) * 9, techniques=("k" * 500,) * 9) for m in made}
    lines = findings.research(findings.chosen(long, {}, {}), {m.id: indexed(m) for m in made}, {})
    heads = [line for line in lines if re.match(r"\d+\. `arxiv", line)]
    assert 3 <= len(heads) < findings.ITEMS
    assert findings.characters(lines) <= findings.SECTION_CHARACTERS
    assert sum(line.startswith("   address:") for line in lines) == len(heads)
    assert f"{len(heads)} of 20 items of grade A or B; 20 are graded." in lines
    short = {m.id: a_grading(m) for m in made}
    lines = findings.research(findings.chosen(short, {}, {}), {}, {})
    assert sum(bool(re.match(r"\d+\. `arxiv", line)) for line in lines) == findings.ITEMS


def test_experiments_show_the_last_rows_with_their_noise_cost_tiers_frontier_and_calibration(program):
    rows = [a_row(f"local_r_{n}", 1.5 - n / 100, "keep", f"muon try {n}") for n in range(10)]
    records = {row.commit: a_record(row, "2026-05-01T00:00:00Z") for row in rows}
    after = check(program, nothing()._replace(entries=view.entries(rows, records), records=records))
    text = section(after, "EXPERIMENTS")
    assert re.findall(r"^\| `(local_r_\d)` \| local \| (\S+) \|", text, re.M) == [
        (f"local_r_{n}", f"{1.5 - n / 100:.4f}") for n in range(2, 10)
    ]
    assert '| -0.0100 ±? | keep |  | "muon try 9" |' in text
    assert "0 local runs paired with the expensive tier; fewer than 5, so not reliable" in text
    assert re.search(r"^\| optimiser \| 10 \| 10 \| 0 \| 0 \| \+0\.70% \| \d\.\d\d \|", text, re.M)
    assert "no graded item was tried yet" in text


def test_competitors_are_ranked_with_delta_confidence_and_conflicts_and_the_rest_is_counted(program):
    found = [
        a_competitor(1, 1.2),
        a_competitor(2, 1.1, conflict=True, confidence=0.4, readings={"README": 1.1, "submission.json": 1.1574}),
        a_competitor(3, None, confidence=0.0),
        a_competitor(4, 0.2, confidence=0.2),
    ]
    text = section(check(program, nothing()._replace(competitors=found)), "COMPETITORS")
    assert re.findall(r"parameter-golf#(\d)` .*?\| (\d\.\d+) \| (\S+) \|", text) == [
        ("2", "1.1000", "-0.1244"),
        ("1", "1.2000", "-0.0244"),
    ]
    assert "CONFLICT: README 1.1000, submission.json 1.1574" in text
    assert "2 of 2 known scores; too unsure to rank (below 0.5): 1; unknown: 1." in text
    assert Settings().baseline_split in text


def test_verified_items_show_the_change_of_grade_the_brief_and_the_links(program):
    item = an_item()
    text = section(check(program, nothing()._replace(readings={item.id: a_reading(item)})), "VERIFIED")
    assert f"1. `{PAPER}`: grade A, 12 -> grade B, 9 of 15; read in full" in text
    assert 'brief: "Add one matrix."' in text
    assert "links: `https://arxiv.org/abs/2403.01234`, `https://arxiv.org/html/2403.01234`" in text


def test_a_new_best_of_the_expensive_tier_moves_the_sota_line(program):
    rows = [a_row("runpod_a_1", 1.0512, "keep", "all of it", tier="runpod")]
    after = check(program, nothing()._replace(entries=view.entries(rows, {})))
    assert b"**SOTA: 1.0512 bpb. Baseline: 1.2244 bpb.**" in after


@pytest.fixture
def filled(tmp_path) -> Path:
    item = an_item(title='x <!-- RESEARCH_END --> "\\alpha\\1"')
    return workspace(
        tmp_path,
        items=[item],
        gradings=[a_grading(item, (0, 1, 1, 1, 0)), a_grading(item)],
        readings=[a_reading(item)],
        competitors=[a_competitor(1, 1.1)],
        rows=[a_row("runpod_a_1", 1.05, "keep", "muon", tier="runpod")],
    )


def test_the_command_writes_once_and_then_leaves_the_file_alone(golf, filled):
    path = filled / "program.md"
    record = json.loads(golf("inject", "--json").stdout)
    assert record == {
        "program": str(path),
        "changed": True,
        "sota": 1.05,
        "graded": 1,
        "tries": 1,
        "competitors": 1,
        "read_in_full": 1,
    }
    first = path.read_bytes(), path.stat().st_mtime_ns
    assert b"x \xe2\x80\xb9!-- RESEARCH_END --\xe2\x80\xba '\xe2\x88\x96alpha\xe2\x88\x961'" in first[0]
    assert "changed: false" in golf("inject").stdout
    assert (path.read_bytes(), path.stat().st_mtime_ns) == first


def test_a_dry_run_prints_the_difference_and_writes_nothing(golf, filled):
    before = {path: path.read_bytes() for path in filled.rglob("*") if path.is_file()}
    result = golf("inject", "--dry-run")
    assert result.returncode == 0
    assert "+**SOTA: 1.0500 bpb. Baseline: 1.2244 bpb.**\n" in result.stdout
    assert "-**SOTA: 1.1194 bpb. Baseline: 1.2244 bpb.**\n" in result.stdout
    assert json.loads(golf("inject", "--dry-run", "--json").stdout)["diff"].startswith("--- ")
    assert {path: path.read_bytes() for path in filled.rglob("*") if path.is_file()} == before


def test_a_damaged_program_or_input_is_refused_and_nothing_is_written(golf, filled):
    path = filled / "program.md"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"<!-- VERIFIED_END -->", b""))
    result = golf("inject")
    assert (result.returncode, result.stdout) == (3, "")
    assert re.search(r"program\.md:\d+: <!-- VERIFIED_END --> is missing", result.stderr)
    assert golf("inject", "--program", "other.md").returncode == 3
    path.write_bytes(whole)
    with (filled / "graded.jsonl").open("a") as file:
        file.write('{"item": 1}\n')
    result = golf("inject")
    assert (result.returncode, path.read_bytes()) == (3, whole)
    assert "graded.jsonl:3: " in result.stderr


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of one process is read from /proc")
def test_ten_thousand_items_are_injected_in_little_memory(golf, tmp_path):
    items = [an_item(f"arxiv:2403.{n:05}", text=f"{n} quantised weights " * 60) for n in range(10_000)]
    workspace(tmp_path, items=items, gradings=[a_grading(item, techniques=("gptq",)) for item in items])
    assert "graded: 10000" in golf("inject").stdout
    peak = subprocess.run(
        [sys.executable, "-c", PEAK], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    assert int(peak.stdout) < 300_000_000
