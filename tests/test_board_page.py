"""The board's page as HTML: what it says, what it links, what it believes, and that strangers' texts stay texts."""

import base64
import hashlib
import html.parser
import json
import re
from datetime import UTC, datetime, timedelta

import hostile_texts
import pytest
from demo_board import demo
from hypothesis import given
from hypothesis import strategies as st
from paper_boards import BUCKET, NOW, Paper, agent, message, result

from golfkit.board.page import chart, data, render, view, words
from golfkit.board.page.references import REFERENCES

TAGS = set(
    """
    html head meta title link style script body header main section nav footer search form fieldset legend label input
    select option output h1 h2 h3 h4 h5 h6 p a b i em strong s span bdi time br hr img code pre blockquote ul ol li
    details summary figure figcaption div article table thead tbody tr th td svg defs g path use text clippath rect
    """.split()  # noqa: SIM905
)


def load(board: Paper, bucket: str | None = None, digests=None) -> data.Board:
    return data.load(board, data.state(board), bucket, digests)


def page(board: Paper, bucket: str | None = None, base: str | None = "../board/") -> str:
    return render.page(load(board, bucket), NOW, base).html.decode()


def seen(board: Paper, **more) -> view.View:
    return view.build(load(board, **more))


def test_the_same_board_at_the_same_time_gives_the_same_bytes():
    one, two = (render.page(load(demo(), BUCKET), NOW, None).html for _ in range(2))
    assert one == two


def test_the_leaderboard_has_results_and_the_documents_fixed_points_by_total():
    rows = seen(demo()).rows
    assert [row.bytes for row in rows] == sorted(row.bytes for row in rows)
    fixed = [(row.reference.name, row.reference.size, row.reference.bpc) for row in rows if row.reference]
    assert fixed == [
        ("cmix v21", "14,623,723", "1.170"),
        ("nncp v3.2", "14,915,298", "1.193"),
        ("phda9 1.8", "15,010,414", "1.201"),
        ("phda9", "15,284,944", "1.225"),
        ("paq8f", "18,324,887", "1.466"),
        ("xz -9e", "~26 M", "~2.1"),
        ("gzip -9", "~36 M", "~2.9"),
    ]
    text = page(demo())
    for reference in REFERENCES:
        assert reference.size in text


def test_negatives_and_results_of_other_inputs_are_not_ranked():
    board = Paper()
    board.put(result(NOW, "a", 15_000_000, "m", "d", status="negative"))
    board.put(result(NOW + timedelta(1), "a", 900, "m", "d", dataset="900 bytes, sha256 0"))
    board.put(result(NOW + timedelta(2), "a", 0, "m", "d"))
    found = seen(board)
    assert (found.best, len(found.negatives), len(found.unranked)) == (None, 1, 2)


def artifact(board: Paper, name: str, **changes) -> int:
    """An artifact with its results.json, as the workspace document has it; its total."""
    archive, bundle = b"A" * 900, b"PK" * 50
    said = {"agent_id": "a", "experiment": "e", "method": "m", "bpc": None, "verified": True, "verified_at": "2026"}
    said |= {"archive_bytes": 900, "decompressor_zip_bytes": 100, "total_bytes": 1000}
    said |= {"archive_sha256": hashlib.sha256(archive).hexdigest()}
    board.files[f"artifacts/{name}/results.json"] = json.dumps(said | changes).encode()
    board.files[f"artifacts/{name}/archive.bin"] = archive
    board.files[f"artifacts/{name}/decompressor.zip"] = bundle
    return 1000


def standing(board: Paper, digests=None) -> str:
    return next(iter(seen(board, digests=digests).outcomes.values())).standing.state


@pytest.mark.parametrize(
    ("n_bytes", "changes", "fields", "state"),
    [
        (1000, {}, {}, "verified"),
        (1000, {"verified": None}, {}, "unverified"),
        (1000, {}, {"verified": "no"}, "unverified"),
        (999, {}, {}, "tampered"),
        (1000, {"archive_bytes": 901, "total_bytes": 1001}, {}, "tampered"),
        (1000, {"total_bytes": 1001}, {}, "tampered"),
        (1000, {"archive_sha256": "0" * 64}, {}, "tampered"),
        (1000, {}, {"archive_sha256": "1" * 64}, "tampered"),
    ],
)
def test_a_result_is_what_its_artifacts_files_say(n_bytes, changes, fields, state):
    board = Paper()
    artifact(board, "x_a", **changes)
    board.put(result(NOW, "a", n_bytes, "m", "d", artifacts="artifacts/x_a/", **fields))

    def digest(path: str) -> str:
        return hashlib.sha256(board.files[path]).hexdigest()

    assert standing(board, digest) == state


def test_without_digests_sizes_alone_are_compared_and_a_missing_file_is_told():
    board = Paper()
    artifact(board, "x_a", archive_sha256="0" * 64)
    board.put(result(NOW, "a", 1000, "m", "d", artifacts="artifacts/x_a/"))
    assert standing(board) == "verified"
    del board.files["artifacts/x_a/archive.bin"]
    assert standing(board) == "tampered"
    board.files["artifacts/x_a/results.json"] = b"{"
    assert standing(board) == "tampered"


def test_verdicts_of_others_count_and_ones_own_does_not():
    board = Paper()
    posted = board.put(result(NOW, "a", 16_000_000, "m", "d", verified="yes"))
    board.put(message(NOW + timedelta(1), "a", "it holds", posted, verdict="holds"))
    assert standing(board) == "verified"
    board.put(message(NOW + timedelta(2), "b", "it holds", posted, verdict="holds"))
    assert standing(board) == "re-verified"
    board.put(message(NOW + timedelta(3), "c", "no", f"results/{posted}", verdict="no: other bytes"))
    assert standing(board) == "disputed"
    board.put(message(NOW + timedelta(4), "c", "my mistake", posted, verdict="holds"))
    assert standing(board) == "re-verified"


def test_a_tampered_result_is_shown_but_is_not_the_best():
    board = Paper()
    artifact(board, "x_a")
    board.put(result(NOW, "a", 15_000_000, "m", "d", artifacts="artifacts/x_a"))
    board.put(result(NOW, "b", 17_000_000, "m", "d"))
    found = seen(board)
    assert found.best.result.agent == "b"
    assert "tampered" in page(board)
    assert "15,000,000" in page(board)


def test_results_stand_under_their_plan_and_under_the_report_that_names_them():
    board = Paper()
    plan = board.put(message(NOW, "a", "plan"))
    direct = board.put(result(NOW + timedelta(1), "a", 17_000_000, "direct", "d", plan))
    told = board.put(result(NOW + timedelta(2), "a", 16_000_000, "told", "d"))
    report = board.put(message(NOW + timedelta(3), "a", "report", plan, told))
    notes = {note.message.file: note for note in seen(board).notes}
    assert [outcome.result.file for outcome in notes[plan].outcomes] == [direct, told]
    assert [reply.file for reply in notes[plan].replies] == [report]
    assert [quote.message.file for quote in notes[report].quotes if quote.message] == [plan]
    assert [quote.outcome.result.file for quote in notes[report].quotes if quote.outcome] == [told]


def test_refs_are_found_in_every_form_and_a_missing_one_says_so():
    board = Paper()
    name = board.put(message(NOW, "a", "one"))
    board.put(result(NOW, "a", 16_000_000, "m", "d", name))  # the same name in both folders
    stem = name.removesuffix(".md")
    board.put(message(NOW + timedelta(1), "b", "x", name, stem, f"message_board/{name}", f"results/{name}", "nowhere"))
    quotes = seen(board).notes[0].quotes
    assert [bool(quote.message) for quote in quotes] == [True, True, True, False, False]
    assert quotes[3].outcome is not None
    text = page(board)
    assert "refers to <bdi>nowhere</bdi>, which is not on this board" in text


def test_refs_may_be_circular_many_and_to_themselves():
    board = Paper()
    names_of = [words.anchor("x", "y"), "20260603-094000_a.md", "20260604-094000_b.md"]
    board.put(message(NOW, "a", "x", *names_of, *[f"r{n}" for n in range(40)]))
    board.put(message(NOW + timedelta(1), "b", "x", *names_of))
    assert "and to 35 more" in page(board)


def test_unlinked_and_unregistered_agents_are_told():
    board = Paper()
    board.put(agent("here", "m", "h", None, "bash", "bio"))
    board.put(agent("odd", "m", "h", "x/../y", "bash", "bio"))
    board.put(message(NOW, "stranger", "hi"))
    text = page(board)
    assert text.count('<span class="soft">unlinked') == 2
    assert "is no user name" in text
    assert "not registered" in text


def test_broken_files_are_listed_with_what_is_wrong_and_shown_as_data():
    board = Paper(
        {
            "message_board/20260501-143000_a.md": b"no front matter, <b>bold</b>",
            "message_board/notes.txt": b"x",
            "results/20260501-143000_b.md": b"---\nagent: b\nbytes: many\n---\n" + b"z" * 2_000_000,
        }
    )
    found = {one.path: " ".join(one.problems) for one in load(board).broken}
    assert set(found) == set(board.files)
    assert "bytes is 'many'" in found["results/20260501-143000_b.md"]
    text = page(board)
    assert "no front matter, &lt;b&gt;bold&lt;/b&gt;" in text
    assert re.search(r"cut here: 979,9\d\d more characters", text)


def test_a_time_that_cannot_be_is_not_drawn():
    board = Paper()
    for when in (datetime(1, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC), NOW - timedelta(days=2), NOW):
        board.files[f"results/{when.year:04d}0101-000000_a.md"] = b""
        del board.files[f"results/{when.year:04d}0101-000000_a.md"]
        one = result(NOW, "a", 16_000_000 + when.year, "m", "d")
        content = board.files.pop(f"results/{board.put(one)}")
        board.files[f"results/{when.year:04d}{when:%m%d-%H%M%S}_a.md"] = content
    found = seen(board)
    assert len(found.outcomes) == 4
    assert [outcome.result.when for outcome in view.timed(found, NOW)] == [NOW - timedelta(days=2), NOW]
    assert page(board)


def test_the_chart_has_every_line_that_fits_a_mark_for_every_result_and_no_style():
    timed = view.timed(seen(demo()), NOW)
    drawing = chart.draw(timed)
    assert [name for name, _ in drawing.svgs] == ["wide", "narrow"]
    for _, drawn in drawing.svgs:
        assert "style=" not in drawn
        assert drawn.count("<title>") == len(timed)
        assert "paq8f" in drawn
    assert drawing.above == ("gzip -9 ~36 M",)
    ids = [found for _, drawn in drawing.svgs for found in re.findall(r' id="([^"]+)"', drawn)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "totals", [(1,), (5, 3), (200_000, 190_000), (100_000_000, 16_000_000), (10**14,), (14_000_000,) * 3]
)
def test_any_totals_can_be_drawn(totals):
    board = Paper()
    for n, total in enumerate(totals):
        board.put(result(NOW - timedelta(days=9 - n), f"$\\frac{{_{n}".replace("$\\frac{_", "a"), total, "$\\x$", "d"))
    assert chart.draw(view.timed(seen(board), NOW)).svgs


def test_without_matplotlib_a_table_stands_for_the_chart_and_says_so(monkeypatch):
    monkeypatch.setattr(chart, "available", lambda: False)
    made = render.page(load(demo()), NOW, None)
    assert not made.chart
    assert b"matplotlib is not installed" in made.html
    assert b'<details class="steps" open>' in made.html


def test_an_empty_board_is_a_page_that_says_so():
    text = page(Paper())
    for said in ("No result yet", "Nobody has posted", "Nobody has registered", "Nothing was uploaded", "14,623,723"):
        assert said in text


class Structure(html.parser.HTMLParser):
    """Every tag and attribute of a page; text by the id of a record."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def check_structure(text: str) -> None:
    """Only the page's own elements; no handler, no style, no address but of the web, the page and data: pictures."""
    found = Structure(text)
    assert {tag for tag, _ in found.tags} <= TAGS
    assert [tag for tag, _ in found.tags].count("script") == 1
    for tag, attrs in found.tags:
        assert not [name for name in attrs if name.startswith("on") or name in ("style", "srcdoc", "action", "target")]
        for name in ("href", "src"):
            value = attrs.get(name) or "#"
            assert value.startswith(("#", "https://", "http://", "../board/artifacts/", "data:")), (tag, value)
            assert not value.startswith("data:") or tag in ("img", "link")
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = {
        attrs["href"][1:] for tag, attrs in found.tags if tag == "a" and (attrs.get("href") or "").startswith("#")
    }
    assert targets <= set(ids)


def test_the_demo_board_is_well_formed_and_every_anchor_leads_somewhere():
    check_structure(page(demo()))
    check_structure(page(demo(), BUCKET, None))


def test_hostile_texts_in_every_field_stay_texts():
    assert len(hostile_texts.PAYLOADS) >= 30
    check_structure(page(hostile_texts.board()))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["message_board", "results", "agents"]),
            st.text(max_size=30),
            st.binary(max_size=200) | st.text(max_size=200).map(lambda s: s.encode("utf-8", "replace")),
        ),
        max_size=4,
    )
)
def test_any_files_make_a_page(found):
    board = Paper({f"{folder}/20260501-143000_{name}.md": content for folder, name, content in found})
    check_structure(page(board))


def test_the_policy_names_the_digests_of_the_pages_own_style_and_script():
    text = page(Paper())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)[1].replace("&#39;", "'")
    for tag in ("style", "script"):
        inner = re.search(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[1]
        assert f"{tag}-src 'sha256-{base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; img-src data: 'self';")
