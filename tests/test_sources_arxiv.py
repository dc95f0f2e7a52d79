"""arXiv: every recorded answer, pages, empty pages that are none, and what is too old."""

import re
from datetime import UTC, datetime

import pytest
import sources
import web
from hypothesis import given
from hypothesis import strategies as st
from sources import asked, told

from golfkit.research.fetch.protocol import Answer, SourceError
from golfkit.research.fetch.sources import arxiv
from golfkit.research.queries import Queries

ONE = Queries(queries=("all:testing",))
PLACE = "/arxiv/api/query"


@pytest.fixture
def site():
    with web.running() as running:
        yield running


def source(site: web.Site, page: int = 10) -> arxiv.Arxiv:
    return arxiv.Arxiv(site.url + PLACE, page)


def feed(*papers: tuple[str, str], total: int | None = None) -> web.Reply:
    """A page of (id, day of submission)."""
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{name}v1</id><title>T {name}</title><summary>S</summary>"
        f"<published>{day}T00:00:00Z</published></entry>"
        for name, day in papers
    )
    results = f"<opensearch:totalResults>{len(papers) if total is None else total}</opensearch:totalResults>"
    space = 'xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
    return web.Reply(200, f"<feed {space}>{results}{entries}</feed>".encode())


@pytest.mark.parametrize(
    ("name", "total", "ids"),
    [
        ("search_page_start0", 214881, 10),
        ("search_page_start10_unicode", 214881, 10),
        ("search_page_start5_overlap", 214881, 15),
        ("empty_result", 0, 0),
        ("single_many_authors_unicode", 1, 1),
        ("single_oldstyle_id", 1, 1),
        ("two_ids_one_returned", 1, 1),
        ("legacy_format_single", 1, 1),
        ("legacy_format_list", 31, 10),
        ("spurious_empty_page", 214881, 0),
    ],
)
def test_every_recorded_answer_is_read_whole(name, total, ids):
    page = arxiv.parse(sources.answer(web.recorded(f"arxiv/{name}")), asked(ONE), "q")
    assert (page.total, len(page.items), page.left_out, page.whole) == (total, ids, [], True)
    assert len({item.id for item in page.items}) == ids
    for item in page.items:
        assert re.fullmatch(r"arxiv:([\w-]+/)?[\d.]+", item.id)
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", item.published)
        assert "\n" not in item.title + item.text
        assert item.authors
        assert item.text


def test_a_paper_keeps_what_identifies_it():
    first = arxiv.parse(sources.answer(web.recorded("arxiv/search_page_start0")), asked(ONE), "q").items[0]
    assert first.id == "arxiv:2202.12139"
    assert first.url == "https://arxiv.org/abs/2202.12139"
    assert "doi:10.1109/icstw55395.2022.00035" in first.aliases
    assert (first.source, first.kind, first.contests, first.found_by) == ("arxiv", "paper", ("parameter_golf",), "q")
    assert first.published == first.updated == "2022-02-24T15:05:19Z"
    assert first.authors == ("Mohit Kumar Ahuja", "Arnaud Gotlieb", "Helge Spieker")


def test_an_old_id_and_an_old_layout_are_read():
    old = arxiv.parse(sources.answer(web.recorded("arxiv/single_oldstyle_id")), asked(ONE), "q").items[0]
    assert old.id == "arxiv:astro-ph/0601001"
    wrapped = arxiv.parse(sources.answer(web.recorded("arxiv/legacy_format_single")), asked(ONE), "q").items[0]
    assert (wrapped.id, wrapped.updated) == ("arxiv:1111.2011", "2012-04-02T12:38:54Z")
    assert wrapped.title.endswith("Bethe Lattice in the Large Connectivity Limit")
    many = arxiv.parse(sources.answer(web.recorded("arxiv/single_many_authors_unicode")), asked(ONE), "q").items[0]
    assert len(many.authors) == 34


def test_the_question_is_the_query_with_a_range_of_days_newest_first(site):
    site.on(PLACE, web.recorded("arxiv/empty_result"))
    assert told(source(site), asked(ONE, hours=48)).error is None
    assert site.seen[0].query == {
        "search_query": "(all:testing) AND submittedDate:[202611131200 TO 202611221200]",
        "start": "0",
        "max_results": "10",
        "sortBy": "submittedDate",
        "sortOrder": "descending",
    }


def test_overlapping_pages_are_read_to_the_end(site):
    pages = ["search_page_start0", "search_page_start10_unicode", "search_page_start5_overlap"]
    site.on(PLACE, [web.recorded(f"arxiv/{name}") for name in pages])
    got = told(source(site), asked(ONE))
    assert got.error is None
    assert [seen.query["start"] for seen in site.seen] == ["0", "10", "20"]  # the last brings nothing new
    assert len(set(got.ids)) == 20


def test_paging_ends_with_the_first_paper_that_is_too_old(site):
    site.on(PLACE, [feed(("2611.00001", "2026-11-20"), ("2611.00002", "2026-11-01"), total=99), feed(total=99)])
    got = told(source(site), asked(ONE, hours=48))
    assert (got.ids, got.error, len(site.seen)) == (["arxiv:2611.00001"], None, 1)


def test_papers_count_that_were_submitted_a_week_before_they_could_be_seen(site):
    site.on(PLACE, feed(("2611.00003", "2026-11-14"), ("2611.00004", "2026-11-12")))
    assert told(source(site), asked(ONE, hours=48)).ids == ["arxiv:2611.00003"]


def test_an_empty_page_before_the_end_is_asked_for_again(site):
    site.on(PLACE, [web.recorded("arxiv/spurious_empty_page"), web.recorded("arxiv/search_page_start0")])
    got = told(source(site), asked(ONE, since=datetime(2026, 1, 1, tzinfo=UTC)))
    assert (got.error, len(site.seen)) == (None, 2)


def test_a_page_that_stays_empty_is_an_error_and_keeps_what_came_before(site):
    first = feed(("2611.00001", "2026-11-20"), total=20)
    site.on(PLACE, [first, web.recorded("arxiv/spurious_empty_page")])
    got = told(source(site), asked(ONE))
    assert got.ids == ["arxiv:2611.00001"]
    assert "an empty page at 1 of" in str(got.error)


def test_a_list_that_breaks_off_is_an_error_and_keeps_its_first_half(site):
    whole = web.recorded("arxiv/search_page_start0")
    site.on(PLACE, whole._replace(body=whole.body[: len(whole.body) // 2]))
    got = told(source(site), asked(ONE))
    assert 0 < len(got.ids) < 10
    assert "cut off" in str(got.error)
    assert len(site.seen) == arxiv.TRIES


def test_its_own_word_of_an_error_is_told_and_other_queries_go_on(site):
    site.on(PLACE, [web.recorded("arxiv/error_400_bad_id"), web.recorded("arxiv/single_oldstyle_id")])
    got = told(source(site), asked(Queries(queries=("abc", "fine"))))
    assert got.ids == ["arxiv:astro-ph/0601001"]
    assert str(got.error) == "1 of 2 failed; arxiv: abc: incorrect id format for abc"


def test_a_refusal_ends_the_source(site):
    site.on(PLACE, web.recorded("arxiv/error_429_rate_exceeded"))
    got = told(source(site), asked(Queries(queries=("a", "b", "c"))))
    assert "Rate exceeded." in str(got.error)
    assert {seen.query["search_query"][:3] for seen in site.seen} == {"(a)"}


def test_an_entry_without_an_id_is_left_out_and_said(site):
    reply = feed(("2611.00001", "2026-11-20"), ("nonsense", "2026-11-20"))
    site.on(PLACE, reply)
    got = told(source(site), asked(ONE))
    assert got.ids == ["arxiv:2611.00001"]
    assert got.found.remarks[0].startswith("arxiv: all:testing: 1 entries left out")


@pytest.mark.parametrize("body", [b"", b"<html><body>Sorry</body></html>", b"{}", b"/etc/passwd", b"\xff\xfe\0"])
def test_what_is_no_feed_is_an_error(body):
    with pytest.raises(SourceError, match="no RSS or Atom"):
        arxiv.parse(Answer(200, {}, body, "https://x.example"), asked(ONE), "q")


PIECES = st.sampled_from(
    b"<feed> </feed> <entry> </entry> <id>http://arxiv.org/abs/2611.00001v1</id> <title>T</title> <![CDATA[ ]]> "
    b"<published>0000-13-99</published> <author><name>&#x0;</name></author> &#xD800; <summary> <!DOCTYPE\tx\t[ <rss> "
    b"<opensearch:totalResults>9e9 <link\thref='http://[x'/> \xff".split(b" ")
)


@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=12).map(b"".join)))
def test_no_answer_brings_down_the_parser(body):
    try:
        page = arxiv.parse(Answer(200, {}, body, "https://x.example"), asked(ONE), "q")
    except SourceError:
        return
    assert all(item.id.startswith("arxiv:") for item in page.items)
