"""What makes two findings the same: canonical URLs, arXiv ids, DOIs, GitHub's names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit.research.items import identity

HOSTILE = st.one_of(
    st.text(),
    st.builds(
        "{}://{}{}{}?{}#{}".format,
        st.sampled_from(["http", "HTTPS", "ftp", "javascript", "", "http\n"]),
        st.sampled_from(["", "user:secret@", "@", "[", "[::1]"]),
        st.sampled_from(
            ["EXAMPLE.org", "arxiv.org", "github.com:443", "h:99999999", "h:80:443", "\u2100.org", "\ud800"]
        ),
        st.one_of(st.text(max_size=8), st.sampled_from(["/abs/2403.01234v2", "/pdf/2403.01234.pdf", "/a/", "//b//"])),
        st.one_of(st.text(max_size=8), st.sampled_from(["utm_source=x&a=1", "&&=&gclid=3", "id=q"])),
        st.text(max_size=4),
    ),
)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("http://Example.ORG:80/Path/?utm_source=x&b=2&gclid=1&a=1#top", "https://example.org/Path?b=2&a=1"),
        ("https://example.org:443", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("https://example.org:8080/a", "https://example.org:8080/a"),
        ("https://user:secret@example.org/a", "https://example.org/a"),
        (" https://example.org/a\n b", "https://example.org/ab"),
        ("https://arxiv.org/pdf/2403.01234v3.pdf", "https://arxiv.org/abs/2403.01234"),
        ("http://export.arxiv.org/abs/2403.01234v1", "https://arxiv.org/abs/2403.01234"),
        ("https://www.arxiv.org/html/2403.01234v1#S2", "https://arxiv.org/abs/2403.01234"),
        ("https://arxiv.org/abs/math.GT/0309136v1", "https://arxiv.org/abs/math/0309136"),
        ("https://arxiv.org/list/cs.LG/recent", "https://arxiv.org/list/cs.LG/recent"),
        ("https://openreview.net/pdf?id=abc", "https://openreview.net/forum?id=abc"),
        ("https://[half", "https://[half"),
        ("not an address", "notanaddress"),
        ("", ""),
    ],
)
def test_a_url_has_one_form(url, canonical):
    assert identity.canonical_url(url) == canonical


@given(HOSTILE)
def test_canonical_url_never_raises_and_applied_twice_changes_nothing(url):
    once = identity.canonical_url(url)
    assert identity.canonical_url(once) == once


@given(HOSTILE)
def test_no_identity_raises_on_hostile_text(url):
    identity.arxiv_id(url)
    identity.doi(url)
    identity.github_url_id(url)
    first, aliases = identity.identities(url=url, arxiv=url, doi_name=url, github=("github:o/n#1",))
    assert first not in aliases


@pytest.mark.parametrize(
    ("text", "paper"),
    [
        ("2403.01234", "2403.01234"),
        ("2403.01234v12", "2403.01234"),
        ("arXiv:0704.0001v1", "0704.0001"),
        ("http://arxiv.org/abs/2202.12139v1", "2202.12139"),
        ("see https://arxiv.org/pdf/2403.01234v2.pdf for more", "2403.01234"),
        ("astro-ph/0601001", "astro-ph/0601001"),
        ("http://arxiv.org/abs/astro-ph/0601001v1", "astro-ph/0601001"),
        ("math.GT/0309136", "math/0309136"),
        ("10.48550/arXiv.2403.01234", "2403.01234"),
        ("oai:arXiv.org:2609.00001v1", None),
        ("it takes 2403.01234 seconds", None),
        ("2413.01234", None),
        ("arxiv.org/abs/2403.0123456", None),
        ("", None),
    ],
)
def test_an_arxiv_id_is_read_without_its_version(text, paper):
    assert identity.arxiv_id(text) == paper


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("10.1109/ABC.2024.1", "10.1109/abc.2024.1"),
        ("https://doi.org/10.1109%2FABC.2024.1", "10.1109/abc.2024.1"),
        ("doi: 10.1145/3341105.3373851.", "10.1145/3341105.3373851"),
        ("10.1/x", None),
        ("", None),
    ],
)
def test_a_doi_is_read_in_lower_case(text, name):
    assert identity.doi(text) == name


def test_the_strongest_identity_is_the_id_and_the_others_are_aliases():
    first, aliases = identity.identities(
        url="https://www.semanticscholar.org/paper/x", arxiv="2403.01234", doi_name="10.1109/ABC"
    )
    assert first == "arxiv:2403.01234"
    assert aliases == ("doi:10.1109/abc", identity.url_id("https://www.semanticscholar.org/paper/x"))


def test_the_doi_that_arxiv_gives_a_paper_is_its_arxiv_id():
    assert identity.identities(doi_name="10.48550/arXiv.2403.01234") == ("arxiv:2403.01234", ())


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/KellerJordan/modded-nanogpt/pull/12/files", "github:kellerjordan/modded-nanogpt#12"),
        ("https://www.github.com/o/n/commit/ABCDEF0123", None),
        ("https://github.com/o/n/commit/abcdef0123", "github:o/n@abcdef0"),
        ("https://github.com/o/n/blob/main/a/My%20file.py", "github:o/n/a/My file.py"),
        ("https://github.com/o/n", None),
        ("https://github.com/o/n/issues/3", None),
    ],
)
def test_a_page_of_github_is_what_it_shows(url, name):
    assert identity.github_url_id(url) == name


@pytest.mark.parametrize(
    "page", ["https://huggingface.co/papers/2403.01234", "https://www.alphaxiv.org/abs/2403.01234v2"]
)
def test_a_page_about_a_paper_is_that_paper(page):
    assert identity.identities(url=page) == ("arxiv:2403.01234", (identity.url_id(page),))


def test_a_finding_without_any_name_is_an_error():
    with pytest.raises(ValueError, match="not enough values"):
        identity.identities()
