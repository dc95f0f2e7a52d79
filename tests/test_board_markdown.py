"""Strangers' markdown, addresses, pictures and words, as the board's page shows them."""

import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
from paper_boards import BUCKET, NOW, png

from golfkit.board.page import links, pictures, words
from golfkit.board.page.links import Links
from golfkit.board.page.markdown import Markdown
from golfkit.board.page.pictures import Pictures


def markdown(text: str, files: dict[str, bytes] | None = None, bucket: str | None = None) -> str:
    files = files or {}
    where = Links(bucket, "", links.folders(files))
    shown = Pictures(lambda path, most: files.get(path), {path: len(content) for path, content in files.items()})
    return Markdown(where, shown, {}).html(text).strip()


def test_markdown_is_commonmark_with_tables_and_no_html():
    text = markdown("# Top\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n<b>raw</b> ~~gone~~")
    assert "<h4>Top</h4>" in text
    assert '<td class="right">2</td>' in text
    assert "&lt;b&gt;raw&lt;/b&gt;" in text
    assert "<s>gone</s>" in text


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("see artifacts/x_a/.", '<a href="artifacts/x_a"'),
        ("`artifacts/x_a/log.txt`", '<a href="artifacts/x_a/log.txt"'),
        ("[log](artifacts/x_a/log.txt)", '<a href="artifacts/x_a/log.txt"'),
        ("https://example.org/a?b=1.", '<a href="https://example.org/a?b=1"'),
        ("<https://example.org/>", '<a href="https://example.org/"'),
    ],
)
def test_paths_of_artifacts_and_addresses_become_links(text, link):
    found = markdown(text, {"artifacts/x_a/log.txt": b"x"})
    assert link in found
    assert 'rel="noopener noreferrer nofollow"' in found


def test_paths_lead_to_the_hub_where_the_board_is_a_bucket():
    assert f'href="https://huggingface.co/buckets/{BUCKET}/tree/artifacts/new_b/x.py"' in markdown(
        "artifacts/new_b/x.py", bucket=BUCKET
    )


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "[x](//example.org/x)",
        "[x](file:///etc/passwd)",
        "[x](../../etc/passwd)",
        "[x](artifacts/../../etc/passwd)",
        "[x](#leaderboard)",
        "[x](artifacts/x_a/page.html)",
        "[x](artifacts/x_a/PICTURE.SVG)",
        "[x](artifacts/absent/x)",
        "artifacts/../agents/a.md",
        "[x](http:x)",
        "[x](https://[)",
    ],
)
def test_other_addresses_are_left_out_and_their_text_stays(text):
    found = markdown(text, {"artifacts/x_a/page.html": b"x", "artifacts/x_a/PICTURE.SVG": b"<svg/>"})
    assert "href" not in found
    assert re.sub("<[^>]*>", "", found)


def test_pictures_of_the_board_stand_in_the_page():
    files = {"artifacts/x_a/p.png": png()}
    address = f"https://huggingface.co/buckets/{BUCKET}/resolve/artifacts/x_a/p.png"
    for text, bucket in (("![loss](artifacts/x_a/p.png)", None), (f"![loss]({address})", BUCKET)):
        found = markdown(text, files, bucket)
        assert f'src="data:image/png;base64,{base64.b64encode(png()).decode()}"' in found
        assert 'alt="loss"' in found


@pytest.mark.parametrize(
    ("url", "files", "why"),
    [
        ("https://example.org/p.png", {}, "elsewhere"),
        ("https://huggingface.co/buckets/other/bucket/resolve/artifacts/x_a/p.png", {}, "elsewhere"),
        ("artifacts/x_a/none.png", {}, "is not on this board"),
        ("artifacts/x_a/p.svg", {"artifacts/x_a/p.svg": b"<svg/>"}, "is no PNG"),
        ("artifacts/x_a/p.png", {"artifacts/x_a/p.png": b"<svg/>"}, "is no PNG"),
        ("artifacts/x_a/p.png", {"artifacts/x_a/p.png": bytes(pictures.MOST_EACH + 1)}, "more than a page carries"),
        ("data:image/svg+xml,<svg/>", {}, "elsewhere"),
    ],
)
def test_other_pictures_are_words_or_links(url, files, why):
    found = markdown(f"![p]({url})", files, BUCKET)
    assert "<img" not in found
    assert why in found or url.startswith("data:")


def test_pictures_are_told_by_their_first_bytes():
    kinds = {
        png(): "image/png",
        b"\xff\xd8\xff\xe0": "image/jpeg",
        b"GIF89a...": "image/gif",
        b"RIFF0000WEBPVP8 ": "image/webp",
        b"<svg xmlns=": None,
        b"RIFF0000WAVE": None,
        b"": None,
    }
    assert {start: pictures.kind(start) for start in kinds} == kinds


def test_all_pictures_together_are_bounded(monkeypatch):
    monkeypatch.setattr(pictures, "MOST_ALL", len(png()) + 1)
    files = {"artifacts/x/1.png": png(), "artifacts/x/2.png": png()}
    found = markdown("![a](artifacts/x/1.png) ![b](artifacts/x/2.png)", files)
    assert found.count("<img") == 1
    assert "would make the page too large" in found


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("mira-voss", "https://huggingface.co/mira-voss"),
        ("a.b_c", "https://huggingface.co/a.b_c"),
        (None, None),
        ("", None),
        ("a/b", None),
        ("../x", None),
        ("a..b", None),
        ("a b", None),
        ('a"b', None),
        ("a\n", None),
    ],
)
def test_agents_lead_to_a_hugging_face_user_only_where_that_can_be_one(name, address):
    assert links.user(name) == address


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\u202eb\x1b[31m", "a b [31m"), ("x" * 500, "x" * 400 + "…"), (None, ""), ("a\n\tb", "a b")],
)
def test_a_field_is_one_line_without_tricks(text, shown):
    assert words.line(text) == shown


def test_anchors_are_plain_and_distinct():
    assert words.anchor("m", "20260501-143000_agent-01.md") == "m-20260501-143000_agent-01"
    odd = [words.anchor("m", name) for name in ("a b.md", "a%20b.md", '"><x.md', "\udcff.md", "ä.md")]
    assert len(set(odd)) == 5
    assert all(re.fullmatch(r"m-[0-9a-f]{16}", found) for found in odd)


def test_differences_and_spans_are_written_for_people():
    assert [words.delta(n, 100) for n in (90, 100, 12_345)] == ["−10", "±0", "+12,245"]  # noqa: RUF001
    spans = {
        0: "just now",
        61: "1 minute ago",
        7200: "2 hours ago",
        86400 * 45: "1 month ago",
        86400 * 800: "2 years ago",
    }
    assert {seconds: words.ago(NOW - timedelta(seconds=seconds), NOW) for seconds in spans} == spans
    assert words.ago(datetime(1, 1, 1, tzinfo=UTC), NOW) == ""
