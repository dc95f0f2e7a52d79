"""Semantic Scholar against every recorded answer, OpenReview against hand-shaped ones."""

import json
from datetime import UTC, datetime

import pytest
import sources
import web
from hypothesis import given
from hypothesis import strategies as st
from sources import asked, hand_shaped, told

from golfkit.research.fetch.protocol import Skipped, SourceError
from golfkit.research.fetch.sources import openreview
from golfkit.research.fetch.sources import semantic_scholar as s2
from golfkit.research.fetch.sources.openreview import OpenReview
from golfkit.research.fetch.sources.semantic_scholar import SemanticScholar
from golfkit.research.queries import Queries, Venues

ONE = Queries(queries=('"weight compression" + quantization',))
BULK = "/s2/paper/search/bulk"
VENUE = "ICLR.cc/2027/Conference"
KEYWORDS = ("quantization", "weight sharing", "test-time training")
VENUES = Venues(venues=(VENUE,), keywords=KEYWORDS)
KEYS = ("data", "token", "title", "paperId", "externalIds", "ArXiv", "authors", "id", "content", "value")
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@pytest.fixture
def site():
    with web.running() as running:
        yield running


def scholar(site: web.Site, key: str | None = None) -> SemanticScholar:
    return SemanticScholar(site.url + "/s2", key)


def review(site: web.Site, page: int = openreview.PAGE, **login: str) -> OpenReview:
    return OpenReview(site.url + "/or", page=page, **(login or {"token": "made-up-token"}))


def page_of(name: str) -> s2.Page:
    return s2.parse(sources.answer(web.recorded(f"semantic_scholar/{name}")).json(), asked(ONE), "q")


@pytest.mark.parametrize(
    ("name", "items", "left_out", "goes_on"),
    [
        ("search_page_first", 100, 0, False),
        ("search_page_offset100", 100, 0, False),
        ("search_date_filter_single_page", 77, 0, False),
        ("search_empty_no_data_key", 0, 0, False),
        ("bulk_first_page_token", 0, 1000, True),  # recorded without titles
        ("bulk_last_page_token_null", 0, 27, False),
        ("match_title", 1, 0, False),
    ],
)
def test_every_recorded_search_is_read_whole(name, items, left_out, goes_on):
    page = page_of(name)
    assert (len(page.items), len(page.left_out), page.token is not None) == (items, left_out, goes_on)
    assert len({item.id for item in page.items}) == items


def test_a_paper_with_all_its_fields_and_one_that_is_null_are_read():
    rows = sources.answer(web.recorded("semantic_scholar/batch_with_null_entry")).json()
    page = s2.parse({"total": len(rows), "data": rows}, asked(ONE), "q")
    assert page.left_out == ["an entry has no title or no id"] * rows.count(None)
    first = page.items[0]
    known = next(row for row in rows if row)
    assert first.title == known["title"]
    assert first.published == f"{known['publicationDate']}T00:00:00Z"
    assert first.authors == tuple(author["name"] for author in known["authors"])
    assert first.id == f"doi:{known['externalIds']['DOI'].lower()}"


def test_a_paper_of_arxiv_has_its_arxiv_id_and_an_abstract_may_be_missing():
    row = {"paperId": "f1", "title": "T", "abstract": None, "externalIds": {"ArXiv": "2503.01234", "DOI": "10.1109/X"}}
    item = s2.parse({"total": 1, "data": [row]}, asked(ONE), "q").items[0]
    assert (item.id, item.text, item.published) == ("arxiv:2503.01234", "", None)
    assert item.aliases[0] == "doi:10.1109/x"


def test_the_question_is_a_bulk_search_from_a_day_on_with_the_key(site):
    site.on(BULK, web.recorded("semantic_scholar/search_empty_no_data_key"))
    assert told(scholar(site, "made-up-key"), asked(ONE, hours=48)).error is None
    (seen,) = site.seen
    assert seen.query["query"] == ONE.queries[0]
    assert seen.query["sort"] == "publicationDate:desc"
    assert seen.query["publicationDateOrYear"] == "2026-11-13:"
    assert seen.headers["x-api-key"] == "made-up-key"


def test_pages_are_followed_by_their_token_to_the_null_one(site):
    first, last = (
        web.recorded(f"semantic_scholar/{name}") for name in ("bulk_first_page_token", "bulk_last_page_token_null")
    )
    site.on(BULK, [first, last])
    got = told(scholar(site), asked(ONE))
    assert got.error is None
    assert [seen.query.get("token", "")[:4] for seen in site.seen] == ["", "PCOA"]
    assert len(got.found.remarks) == 2


def test_a_token_that_leads_nowhere_new_ends_the_list(site):
    site.on(BULK, web.recorded("semantic_scholar/bulk_first_page_token"))
    assert told(scholar(site), asked(ONE)).error is None
    assert len(site.seen) == 2


def test_papers_of_before_the_week_before_are_left_out(site):
    rows = [{"paperId": day, "title": day, "publicationDate": day} for day in ("2026-11-14", "2026-11-12", None)]
    rows[2] |= {"paperId": "x", "title": "without a day"}
    site.on(BULK, web.Reply.of({"total": 3, "data": rows}))
    got = told(scholar(site), asked(ONE, hours=48))
    assert [item.title for item in got.found.items] == ["2026-11-14", "without a day"]


@pytest.mark.parametrize(
    ("name", "key", "said"),
    [
        ("error_400_bad_fields", None, "it refuses the query"),
        ("error_403_bad_key", "wrong", "correct S2_API_KEY"),
        ("error_404_paper", None, "Paper with id 0 not found"),
        ("error_429_shared_pool", None, "set S2_API_KEY"),
    ],
)
def test_its_refusals_say_what_to_do(site, name, key, said):
    site.on(BULK, web.recorded(f"semantic_scholar/{name}"))
    assert said in str(told(scholar(site, key), asked(ONE)).error)


@pytest.mark.parametrize("fault", ["half", "cut", "malformed", "drop"])
def test_half_an_answer_is_no_answer(site, fault):
    site.on(BULK, web.recorded("semantic_scholar/search_page_first"))
    site.fault(BULK, fault, times=9)
    got = told(scholar(site), asked(ONE))
    assert isinstance(got.error, SourceError)
    assert got.ids == []


def test_without_a_login_openreview_is_skipped_and_says_what_it_needs(site):
    for source in (OpenReview(site.url), OpenReview(site.url, username="alice")):
        got = told(source, asked(VENUES))
        assert isinstance(got.error, Skipped)
        assert "OPENREVIEW_TOKEN, or OPENREVIEW_USERNAME and OPENREVIEW_PASSWORD" in str(got.error)
    assert site.seen == []


def test_submissions_that_hold_a_keyword_are_items_in_both_versions_of_the_api(site):
    site.on("/or/notes", hand_shaped("openreview/notes"))
    got = told(review(site), asked(VENUES, since=datetime(2026, 11, 1, tzinfo=UTC)))
    assert got.error is None
    assert [item.title for item in got.found.items] == [
        "A Great Paper",
        "Weight-Sharing Transformers",  # version 1, by its keyword "weight  sharing"
        "Test-time training for tokenizers",  # submitted long before it was shown
    ]
    assert got.found.remarks == [
        f"openreview: {VENUE}: 3 entries left out, the first because untitled has no title or no id"
    ]
    first = got.found.items[0]
    assert (first.url, first.id[:4]) == ("https://openreview.net/forum?id=abc123", "url:")
    assert first.authors == ("Alice Ångström", "Bob Example")
    assert (first.published, first.updated) == ("2026-11-06T21:20:00Z", "2026-11-06T21:20:01Z")


def test_the_question_is_a_venue_s_submissions_with_the_token(site):
    site.on("/or/notes", hand_shaped("openreview/notes_empty"))
    assert told(review(site), asked(VENUES, hours=48)).error is None
    (seen,) = site.seen
    assert seen.query["invitation"] == f"{VENUE}/-/Submission"
    assert int(seen.query["mintcdate"]) < sources.NOW.timestamp() * 1000
    assert seen.headers["authorization"] == "Bearer made-up-token"


def test_a_login_gives_the_token(site):
    site.on("/or/login", hand_shaped("openreview/login"))
    site.on("/or/notes", hand_shaped("openreview/notes_empty"))
    assert told(review(site, username="alice", password="secret"), asked(VENUES)).error is None
    assert site.seen[0].json() == {"id": "alice", "password": "secret"}
    assert site.seen[1].headers["authorization"] == "Bearer made-up-token"


def test_a_login_that_wants_a_second_factor_says_so(site):
    site.on("/or/login", hand_shaped("openreview/login_second_factor"))
    got = told(review(site, username="alice", password="secret"), asked(VENUES))
    assert "set OPENREVIEW_TOKEN instead" in str(got.error)


def test_its_challenge_is_told_once_and_left_to_people(site):
    site.on("/or/notes", hand_shaped("openreview/error_403_challenge"))
    got = told(review(site), asked(Venues(venues=("A", "B", "C"), keywords=())))
    assert isinstance(got.error, SourceError)
    assert "proof that a person asks" in str(got.error)
    assert len(site.seen) == 1


def test_its_limit_is_told_with_the_time_to_come_back(site):
    site.on("/or/notes", hand_shaped("openreview/error_429"))
    got = told(review(site), asked(VENUES))
    assert "surpassing the limit of 98" in str(got.error)
    assert got.error.retry_at is not None


def test_notes_are_read_page_by_page_until_one_is_not_full_or_has_nothing_new(site):
    def notes(seen: web.Seen) -> web.Reply:
        start = int(seen.query["offset"])
        made = [
            {"id": f"n{i}", "cdate": 1794000000000 - i, "content": {"title": f"quantization {i}"}} for i in range(5)
        ]
        return web.Reply.of({"notes": made[start : start + 2]})

    site.on("/or/notes", notes)
    assert len(told(review(site, page=2), asked(VENUES)).ids) == 5
    assert [seen.query["offset"] for seen in site.seen] == ["0", "2", "4"]
    site.seen.clear()
    assert told(review(site, page=2), asked(VENUES, hours=1)).ids == []
    assert len(site.seen) == 1


@given(JSON)
def test_no_answer_brings_down_the_parsers(value):
    for parse, table in ((s2.parse, ONE), (openreview.parse, VENUES)):
        try:
            parse(value, asked(table), "q")
        except SourceError:
            continue


@given(st.lists(JSON, max_size=4))
def test_no_entry_brings_down_the_parsers(entries):
    s2.parse({"data": entries}, asked(ONE), "q")
    openreview.parse({"notes": entries}, asked(VENUES), "q")


@given(st.lists(st.text(max_size=8), max_size=3), st.text())
def test_any_keywords_make_a_pattern(keywords, text):
    openreview.keyword_pattern(keywords).search(text)


def test_hand_shaped_answers_say_that_they_are():
    assert "Hand-shaped" in (sources.HAND_SHAPED / "README.md").read_text()
    assert all(json.loads(path.read_bytes()) for path in sources.HAND_SHAPED.rglob("*.json"))
