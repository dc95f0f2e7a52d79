"""Feeds: every recorded and conformance file, what is missing, odd, cut off or hostile in them."""

import asyncio
import math
import time

import pytest
import sources
import web
from hypothesis import given
from hypothesis import strategies as st
from sources import asked, told

from golfkit.research.fetch.protocol import SourceError, Yield
from golfkit.research.fetch.sources import feeds, shape
from golfkit.research.fetch.sources.feeds import Feeds
from golfkit.research.queries import Feeds as Table

URL = "https://feeds.example.org/a/feed.xml"
ANY = Table(urls=(URL,))


@pytest.fixture
def site():
    with web.running() as running:
        yield running


def read(body: bytes | web.Reply, **when):
    """What the parser makes of a feed: (items, left out, whole)."""
    reply = web.Reply(200, body) if isinstance(body, bytes) else body
    return feeds.parse(sources.answer(reply, URL), asked(ANY, **when), URL)


def rss(*items: str) -> bytes:
    return f"<rss version='2.0'><channel>{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>".encode()


@pytest.mark.parametrize(
    ("name", "items", "left_out", "whole"),
    [
        ("atom_github_releases", 10, 0, True),
        ("atom_multiple_links", 1, 0, True),
        ("atom_relative_links_xml_base", 0, 0, True),
        ("encoding_koi8r", 1, 0, True),
        ("malformed_cut_off_cdata", 0, 1, False),
        ("malformed_non_ascii_date", 0, 0, True),
        ("malformed_undeclared_namespace", 0, 0, True),
        ("rss_arxiv_new_and_replace", 1, 0, True),
        ("rss_content_encoded_no_title", 1, 0, True),
        ("rss_guid_conflicts_with_link", 1, 0, True),
        ("rss_with_etag", 0, 0, True),
    ],
)
def test_every_recorded_feed_is_read(name, items, left_out, whole):
    got = read(web.recorded(f"feeds/{name}"))
    assert (len(got[0]), len(got[1]), got[2]) == (items, left_out, whole)
    for item in got[0]:
        assert item.title
        assert (item.source, item.kind in ("post", "paper"), item.found_by) == ("feeds", True, URL)


def test_links_start_at_the_feed_and_times_are_utc():
    reply = web.recorded("feeds/atom_github_releases")
    first = feeds.parse(sources.answer(reply, "https://github.com/gulpjs/gulp/releases.atom"), asked(ANY), URL)[0][0]
    assert first.url == "https://github.com/gulpjs/gulp/releases/tag/v3.9.0"
    assert (first.title, first.text, first.authors) == ("v3.9.0", "3.9.0", ("contra",))
    assert first.published == first.updated == "2015-06-01T21:49:41Z"


def test_a_link_counts_more_than_the_guid_and_the_first_of_several_is_taken():
    assert read(web.recorded("feeds/rss_guid_conflicts_with_link"))[0][0].url == "https://link.example.com"
    assert read(web.recorded("feeds/atom_multiple_links"))[0][0].url == "https://www.example.com"


def test_without_title_link_and_date_an_entry_has_the_first_words_the_feed_and_none():
    (item,) = read(web.recorded("feeds/rss_content_encoded_no_title"))[0]
    assert (item.title, item.text, item.url, item.published) == ("Example content", "Example content", URL, None)
    assert item.id.startswith("url:")
    longer = read(rss(f"<description>{'word ' * 40}</description>"))[0][0]
    assert longer.title.split() == ["word"] * feeds.TITLE_WORDS
    assert longer.id != item.id


def test_an_address_in_the_guid_is_the_link_where_there_is_none():
    (item,) = read(rss("<title>T</title><guid isPermaLink='false'>https://x.example/post?utm_source=rss</guid>"))[0]
    assert item.url == "https://x.example/post"


def test_arxiv_s_announcements_lose_their_prefix_and_replaced_papers_are_left_out():
    (item,) = read(web.recorded("feeds/rss_arxiv_new_and_replace"))[0]
    assert (item.id, item.kind) == ("arxiv:2609.00001", "paper")
    assert item.title == r"Four-bit training with $\mathcal{O}(n)$ state"
    assert item.text == "We show $d < 2$ & more for Erdős\u2013Rényi graphs."
    assert item.authors == ("Zoë Müller", "Li Wei")


def test_html_becomes_text_on_lines():
    html = "<h1>Muon &amp; more</h1><p>First<br>second</p><script>alert(1)</script><style>p {}</style>a &lt; b"
    title = "A &lt;b&gt;bold&lt;/b&gt; title"
    (item,) = read(rss(f"<title>{title}</title><description><![CDATA[{html}]]></description>"))[0]
    assert item.title == "A bold title"
    assert item.text == "Muon & more\n\nFirst\nsecond\na < b"


def test_entries_from_the_time_on_and_those_without_a_date_are_new():
    made = [f"<title>{day}</title><pubDate>{day} Nov 2026 00:00:00 GMT</pubDate>" for day in (19, 21)]
    items = read(rss(*made, "<title>undated</title>", "<title>broken</title><pubDate>soon</pubDate>"), hours=48)[0]
    assert [item.title for item in items] == ["21", "undated", "broken"]


def test_a_feed_that_is_not_well_formed_is_read_and_one_that_is_cut_off_says_so():
    whole = rss("<title>A & B</title>", "<title>C</title>")
    assert [item.title for item in read(whole)[0]] == ["A & B", "C"]
    assert read(whole)[2]
    items, _, is_whole = read(whole[:-40])
    assert items
    assert not is_whole


def test_text_is_cut_to_what_is_kept_and_has_no_control_characters():
    (item,) = read(rss(f"<title>{'t' * 1000}</title><description>a\u202eb{'x' * 100_000}</description>"))[0]
    assert len(item.title) == shape.TITLE_CHARACTERS
    assert item.text.startswith("a bxx")
    assert len(item.text) == shape.TEXT_CHARACTERS


def test_each_feed_is_asked_for_with_its_condition_and_one_that_fails_fails_alone(site):
    site.on("/good.xml", web.Reply(200, rss("<title>new</title>")))
    site.on("/same.xml", web.Reply(200, rss("<title>same</title>"), {"ETag": '"1"'}))
    table = Table(urls=tuple(f"{site.url}/{name}.xml" for name in ("missing", "good", "same")))
    got = told(Feeds(), asked(table))
    assert sorted(item.title for item in got.found.items) == ["new", "same"]
    assert isinstance(got.error, SourceError)
    assert str(got.error).startswith("1 of 3 failed; ")
    assert "/missing.xml" in str(got.error)


class Unchanged:
    """A client for which nothing changed."""

    async def get(self, url, *, params=None, headers=None, cached=False):
        assert cached
        return None


def test_a_feed_that_did_not_change_gives_nothing():
    found = Yield()
    asyncio.run(Feeds().fetch([asked(ANY)], Unchanged(), found))
    assert found == Yield()


def test_a_feed_that_is_cut_off_keeps_its_entries_and_is_an_error(site):
    site.on("/a.xml", web.Reply(200, rss("<title>one</title>", "<title>two</title>")[:-30]))
    got = told(Feeds(), asked(Table(urls=(f"{site.url}/a.xml",))))
    assert got.found.items[0].title == "one"
    assert "cut off" in str(got.error)


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"no feed", b"{}"])
def test_what_is_no_feed_is_an_error(body):
    with pytest.raises(SourceError, match="no RSS or Atom"):
        read(body)


PIECES = st.sampled_from(
    [
        *(b"<rss>", b"<channel>", b"<item>", b"</item>", b"<title>&lt;![x</title>", b"<link>http://[x</link>", b"]]>"),
        *(b"<guid>\xff</guid>", b"<pubDate>-1</pubDate>", b"<description>&lt;p&gt;&lt;script&gt;", b"</description>"),
        *(b"<content:encoded>", b"<![CDATA[", b"&#xD800;", b"<dc:creator>", b"<updated>9999-12-31T23:59:59-12:00<"),
    ]
)


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=12).map(b"".join)))
def test_no_feed_brings_down_the_parser(body):
    try:
        items, _, _ = read(body)
    except SourceError:
        return
    assert all(item.title and item.id for item in items)


@given(st.one_of(st.text(), st.text("<>!-[]/&;ap\"'= ", max_size=200)))
def test_any_html_becomes_text(html):
    shape.html_text(html)


@pytest.mark.parametrize("piece", ["<", "<!", "<a ", "<![", "<!--", "&", "</", "<a b='", "<script>", "<?"])
def test_hostile_html_takes_no_long_time(piece):
    begun = time.monotonic()
    shape.html_text(piece * 1_000_000)
    read(rss(f"<description><![CDATA[{piece.replace(']', '') * 100_000}]]></description>"))
    assert time.monotonic() - begun < 5


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.just(10**400)))
def test_no_value_brings_down_the_helpers(value):
    assert "\n" not in shape.line(value)
    assert shape.prose(value).isprintable() or "\n" in shape.prose(value) or "\t" in shape.prose(value)
    assert shape.number(value) is None or math.isfinite(shape.number(value))
    for time_of in (shape.iso, shape.unix):
        assert time_of(value) is None or len(time_of(value)) == len("2026-05-01T14:30:00Z")
    shape.names(value)
    shape.pick(value, "a", "b")
