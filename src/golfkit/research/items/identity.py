"""What makes two findings the same: arXiv id, DOI, GitHub's names, and the canonical form of a URL. Pure.

Nothing here raises, whatever the text: URLs of strangers hold ports like `99999999`, half an IPv6 address, control
characters and lone surrogates.
"""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

_TRACKING = re.compile(
    r"utm_.*|(?:g|d|fb|ms|y|tw)clid|igshid|mc_[ce]id|_hs(?:enc|mi)|mkt_tok|ref_src|vero_id", re.DOTALL
)
_NEW = r"\d{2}(?:0[1-9]|1[0-2])\.\d{4,5}"  # since April 2007: year, month, number
_OLD = r"[a-z]+(?:-[a-z]+)?(?:\.[A-Za-z]{2})?/\d{2}(?:0[1-9]|1[0-2])\d{3}"
_ID = rf"(?P<id>{_NEW}|{_OLD})(?:v\d+)?"
_WHOLE = re.compile(rf"(?:arxiv:\s?)?{_ID}", re.ASCII | re.IGNORECASE)
_WITHIN = re.compile(
    rf"(?:arxiv\.org/(?:abs|pdf|html|format|ps|e-print)/|arxiv:\s?|\b10\.48550/arxiv\.)"
    rf"{_ID}(?![\d/])",
    re.ASCII | re.IGNORECASE,
)
_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"'<>?#\\]+", re.ASCII)
_PAPER_PAGES = re.compile(
    rf"https://(?:(?:www\.)?alphaxiv\.org/(?:abs|overview)|huggingface\.co/papers)/{_ID}", re.ASCII
)
_GITHUB = re.compile(
    r"https://github\.com/(?P<repository>[\w.-]+/[\w.-]+)/"
    r"(?:pull/(?P<number>[1-9]\d{0,8})|commit/(?P<sha>[0-9a-f]{7,40})|blob/(?P<ref>[^/]+)/(?P<path>.+))(?P<rest>/.*)?",
    re.ASCII,
)


def canonical_url(url: str) -> str:
    """One form of a web address: https, host in lower case, no fragment, tracking, default port, user or end slash.

    Papers of arXiv get the address of their abstract, those of OpenReview that of their forum. What is no web address
    comes back without blanks and control characters. Applied twice it changes nothing.
    """
    text = "".join(c for c in url if c.isprintable() and not c.isspace())
    parts = _split(text)
    if parts is None:
        return text
    host = _host(parts)
    if not host:
        return text
    path = parts.path.rstrip("/")
    if host == "arxiv.org" or host.endswith(".arxiv.org"):
        paper = arxiv_id(f"arxiv.org{path.removesuffix('.pdf')}")
        if paper:
            return f"https://arxiv.org/abs/{paper}"
    kept = [pair for pair in parts.query.split("&") if pair and not _tracks(pair)]
    if host == "openreview.net" and path == "/pdf":
        path = "/forum"
    return urlunsplit(("https", host, path, "&".join(kept), ""))


def arxiv_id(text: str) -> str | None:
    """The arXiv id that `text` is or names, without its version: 2403.01234, or math/0309136 for old ones.

    A bare number counts only when it is all of the text: prose is full of numbers.
    """
    match = _WHOLE.fullmatch(text.strip()) or _WITHIN.search(text)
    if match is None:
        return None
    archive, slash, number = match["id"].lower().partition("/")
    return f"{archive.split('.')[0]}/{number}" if slash else match["id"]


def doi(text: str) -> str | None:
    """The first DOI in `text` or a doi.org address, in lower case."""
    match = _DOI.search(unquote(text) if "%2f" in text.lower() else text)
    return match[0].rstrip(".,;:)]}").lower() if match else None


def url_id(url: str) -> str:
    """`url:` and 12 hex digits of sha256 of the canonical URL."""
    return f"url:{hashlib.sha256(canonical_url(url).encode('utf-8', 'replace')).hexdigest()[:12]}"


def github_pull(repository: str, number: int) -> str:
    """Id of a pull request; GitHub does not tell upper from lower case in names, so they are lowered."""
    return f"github:{repository.lower()}#{number}"


def github_commit(repository: str, sha: str) -> str:
    """Id of a commit by 7 hex digits."""
    return f"github:{repository.lower()}@{sha[:7].lower()}"


def github_file(repository: str, path: str, sha: str | None = None) -> str:
    """Id of a file; with the sha of its blob, of this very content."""
    return f"github:{repository.lower()}/{path}" + (f"@{sha[:7].lower()}" if sha else "")


def github_url_id(url: str) -> str | None:
    """Id of the pull request, commit or file that a github.com address shows; None for any other page."""
    match = _GITHUB.fullmatch(canonical_url(url))
    if match is None:
        return None
    if match["number"]:
        return github_pull(match["repository"], int(match["number"]))
    if match["sha"]:
        return github_commit(match["repository"], match["sha"])
    return github_file(match["repository"], unquote(match["path"]))


def identities(
    *, url: str = "", arxiv: str | None = None, doi_name: str | None = None, github: Sequence[str] = ()
) -> tuple[str, tuple[str, ...]]:
    """(id, aliases) of a finding: its strongest identity and every other one.

    url       where it is read; what it says of arXiv, a DOI or GitHub counts, too. Never the text: a post that cites
              a paper is not that paper
    arxiv     id or address as the source gives it
    doi_name  DOI or address as the source gives it
    github    ids made by the functions above
    ValueError where there is nothing to go by.
    """
    page = canonical_url(url)
    found_doi = doi(doi_name or "") or (doi(page) if _on_doi_org(page) else None)
    paper_page = _PAPER_PAGES.match(page)
    paper = (
        arxiv_id(arxiv or "")
        or (arxiv_id(page) if page.startswith("https://arxiv.org/abs/") else None)
        or (arxiv_id(paper_page["id"]) if paper_page else None)
        or arxiv_id(found_doi or "")
    )
    names = [
        f"arxiv:{paper}" if paper else None,
        f"doi:{found_doi}" if found_doi and not arxiv_id(found_doi) else None,
        *github,
        github_url_id(page),
        url_id(page) if page else None,
    ]
    first, *others = dict.fromkeys(name for name in names if name)
    return first, tuple(others)


def _split(text: str) -> SplitResult | None:
    """The parts of an http or https address; None for anything else."""
    try:
        parts = urlsplit(text)
    except ValueError:  # half an IPv6 address, and characters that turn into others under NFKC
        return None
    return parts if parts.scheme in ("http", "https") else None


def _host(parts: SplitResult) -> str:
    """Host in lower case, with its port where that is neither 80 nor 443; www. of the sites known here is dropped."""
    host, before = parts.netloc.rpartition("@")[2].lower(), None
    while host != before:
        before, host = host, host.rstrip(".:").removesuffix(":80").removesuffix(":443")
    return host.removeprefix("www.") if host in ("www.arxiv.org", "www.github.com", "www.openreview.net") else host


def _tracks(pair: str) -> bool:
    return _TRACKING.fullmatch(unquote(pair.partition("=")[0]).lower()) is not None


def _on_doi_org(page: str) -> bool:
    return page.startswith(("https://doi.org/", "https://dx.doi.org/"))
