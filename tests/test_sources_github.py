"""GitHub: pull requests, the records in them, commits and code search, against recorded and hand-shaped answers."""

import json
from datetime import UTC, datetime

import pytest
import sources
import web
from hypothesis import given
from hypothesis import strategies as st
from sources import asked, told

from golfkit.research.fetch.protocol import Skipped, SourceError
from golfkit.research.fetch.sources import github, github_code, github_records
from golfkit.research.fetch.sources.github import Github
from golfkit.research.fetch.sources.github_code import GithubCode
from golfkit.research.queries import Queries, Repositories, Repository

GLOBS = ("records/**/README.md", "records/**/submission*.json")
CONTEST = Repository(name="openai/parameter-golf", record_files=GLOBS)
PLAIN = Repository(name="KellerJordan/modded-nanogpt")
CODE = Queries(queries=('"val_bpb" language:python',))
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
MADE = json.loads((sources.HAND_SHAPED / "github/records.json").read_bytes())


@pytest.fixture
def site():
    """The hand-shaped repository of records, and one of commits."""
    with web.running() as running:
        repos = "/github/repos"
        running.on(f"{repos}/openai/parameter-golf/pulls", web.Reply.of(MADE["pulls"]))
        for number, files in MADE["files"].items():
            running.on(f"{repos}/openai/parameter-golf/pulls/{number}/files", web.Reply.of(files))
        running.on(f"{repos}/openai/parameter-golf/pulls/303/files", web.recorded("github/error_404_not_found"))
        for path, text in MADE["contents"].items():
            running.on(f"{repos}/openai/parameter-golf/contents/{path}", web.Reply(200, text.encode()))
        running.on(f"{repos}/KellerJordan/modded-nanogpt/pulls", web.recorded("github/pulls_open_2020"))
        running.on(f"{repos}/KellerJordan/modded-nanogpt/commits", web.Reply.of(MADE["commits"]))
        yield running


def table(*repositories: Repository) -> Repositories:
    return Repositories(repositories=repositories)


def source(site: web.Site, token: str | None = "made-up-token", page: int = 100) -> Github:
    return Github(site.url + "/github", token, page)


def pages(found: list, *, next_page: bool) -> web.Reply:
    link = '<https://api.github.com/repositories/1/pulls?page=2>; rel="next", <https://x.example/?page=9>; rel="last"'
    return web.Reply.of(found, Link=link) if next_page else web.Reply.of(found)


@pytest.mark.parametrize(("name", "n_pulls"), [("pulls_closed_page1", 30), ("pulls_open_2020", 1), ("pulls_empty", 0)])
def test_every_recorded_list_of_pull_requests_is_read(name, n_pulls):
    values = sources.answer(web.recorded(f"github/{name}")).json()
    pulls = [github_records.pull(value, "o/n") for value in values]
    assert len(pulls) == n_pulls
    assert all(pull is not None and pull.sha and pull.created and pull.updated for pull in pulls)


def test_the_state_of_a_pull_request_tells_merged_from_closed():
    values = sources.answer(web.recorded("github/pulls_closed_page1")).json()
    pulls = [github_records.pull(value, "o/n") for value in values]
    states = [pull.state for pull in pulls]
    assert (states.count("merged"), states.count("closed")) == (29, 1)
    assert (pulls[0].number, pulls[0].title) == (234, "Homebrew installation command")


def test_a_body_that_is_null_is_no_body(site):
    got = told(source(site), asked(table(PLAIN)))
    item = got.found.items[0]
    assert (item.id, item.text, item.kind) == ("github:kellerjordan/modded-nanogpt#1", "", "pull_request")
    assert got.found.competitors == []


def test_commits_leave_out_merges_and_machines_and_know_their_pull_request(site):
    got = told(source(site), asked(table(PLAIN)))
    commits = [item for item in got.found.items if item.kind == "commit"]
    assert [item.title for item in commits] == ["Faster Muon", "Value embeddings"]
    assert commits[0].id == "github:kellerjordan/modded-nanogpt@1111111"
    assert commits[0].text == "Faster Muon\n\nFuses the update."
    assert commits[0].published == "2026-11-20T01:02:03Z"
    assert "github:kellerjordan/modded-nanogpt#77" in commits[1].aliases
    assert got.found.remarks == [
        "github: commits of KellerJordan/modded-nanogpt: 2 entries left out, the first because it has no sha or message"
    ]


def test_commits_are_asked_for_from_the_time_on(site):
    told(source(site), asked(table(PLAIN), hours=48))
    assert site.asked("/github/repos/KellerJordan/modded-nanogpt/commits")[0].query["since"] == "2026-11-20T12:00:00Z"


def test_every_request_says_who_asks_and_which_version_it_wants(site):
    told(source(site), asked(table(CONTEST), since=NOVEMBER))
    for seen in site.seen:
        raw = "/contents/" in seen.path
        assert seen.headers["accept"] == f"application/vnd.github{'.raw' if raw else ''}+json"
        assert seen.headers["x-github-api-version"] == "2022-11-28"
        assert seen.headers["authorization"] == "Bearer made-up-token"
        assert seen.headers["user-agent"].startswith("golfkit/")
    first = site.seen[0].query
    assert (first["state"], first["sort"], first["direction"]) == ("all", "updated", "desc")


def test_a_record_has_the_score_of_its_submission_and_its_pull_request_as_item(site):
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    assert got.error is None
    record = next(one for one in got.found.competitors if one.pr == 302)
    assert record.id == "github:openai/parameter-golf#302"
    assert (record.val_bpb, record.source, record.conflict) == (1.148, "submission.json", False)
    assert (record.author, record.technique, record.state) == ("carol", "SmearGate + int6", "merged")
    assert (record.date, record.url) == ("2026-11-01", "https://github.com/openai/parameter-golf/pull/302")
    item = next(one for one in got.found.items if one.id == record.id)
    assert item.text.startswith("Smear the embeddings.\n\n# SmearGate\n\nMixes each embedding")
    assert (item.authors, item.updated, item.found_by) == (("carol",), "2026-11-20T06:00:00Z", "openai/parameter-golf")


def test_a_projected_score_and_the_score_of_another_pull_request_are_nobody_s(site):
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    (record,) = [one for one in got.found.competitors if one.pr == 301]
    assert (record.val_bpb, record.source, record.readings) == (None, None, {})
    assert record.author == "bob"


def test_a_pull_request_of_two_records_makes_two_competitors(site):
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    two = [one for one in got.found.competitors if one.pr == 304]
    folder = "github:openai/parameter-golf#304:records/track_10min_16mb"
    assert [one.id for one in two] == [f"{folder}/2026-11-19_A", f"{folder}/2026-11-19_B"]
    assert [(one.val_bpb, one.technique) for one in two] == [(1.1312, "Idea A"), (1.1289, "Idea B")]


def test_without_records_a_title_that_states_a_score_is_a_competitor_and_another_is_not(site):
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    by_number = {one.pr: one for one in got.found.competitors}
    assert (by_number[305].val_bpb, by_number[305].source) == (1.0678, "title")
    assert 300 not in by_number
    assert 306 in by_number


def test_files_that_github_does_not_give_out_are_a_remark_and_the_title_counts(site):
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    gone = next(one for one in got.found.competitors if one.pr == 303)
    assert (gone.val_bpb, gone.author, gone.state) == (1.21, None, "closed")
    assert len(got.found.remarks) == 1
    assert got.found.remarks[0].startswith("github: openai/parameter-golf#303: its files are not to be had")


def test_who_edits_the_record_of_another_is_not_its_author(site):
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    assert next(one.author for one in got.found.competitors if one.pr == 306) == "hal"


def test_pull_requests_come_in_their_order_and_only_those_updated_since(site):
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    numbers = [int(name.rpartition("#")[2]) for name in got.ids]
    assert numbers == [305, 304, 303, 302, 301, 306]
    assert not site.asked("/github/repos/openai/parameter-golf/pulls/300")


def test_pages_are_read_until_one_is_too_old_and_no_link_is_followed_elsewhere(site):
    new, old = MADE["pulls"][:2], MADE["pulls"][-1:]
    place = "/github/repos/KellerJordan/modded-nanogpt/pulls"
    site.on(place, [pages(new, next_page=True), pages(old, next_page=True), pages(old, next_page=False)])
    got = told(source(site), asked(table(PLAIN), since=NOVEMBER))
    assert [seen.query["page"] for seen in site.asked(place)] == ["1", "2"]
    assert len([item for item in got.found.items if item.kind == "pull_request"]) == 2


def test_files_of_a_pull_request_are_read_page_by_page(site):
    files = MADE["files"]["302"]
    place = "/github/repos/openai/parameter-golf/pulls/302/files"
    site.on(place, [pages(files[2:], next_page=True), pages(files[:2], next_page=False)])
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    assert next(one.val_bpb for one in got.found.competitors if one.pr == 302) == 1.148


@pytest.mark.parametrize("name", ["error_403_primary_exhausted", "error_403_secondary_retry_after"])
def test_a_limit_ends_the_source_and_keeps_what_was_read_before(site, name):
    site.on("/github/repos/openai/parameter-golf/pulls/302/files", web.recorded(f"github/{name}"))
    got = told(source(site), asked(table(CONTEST), since=NOVEMBER))
    assert isinstance(got.error, SourceError)
    assert "its limit is reached" in str(got.error)
    assert got.error.retry_at is not None
    assert "github:openai/parameter-golf#302" not in got.ids


def test_without_a_token_few_records_are_read_and_it_says_so(site, monkeypatch):
    monkeypatch.setattr(github, "ANONYMOUS", 1)
    got = told(source(site, token=None), asked(table(CONTEST), since=NOVEMBER))
    assert got.error is None
    assert len(got.found.items) == 6
    assert "records of 5 pull requests not read" in got.found.remarks[-1]
    assert all("authorization" not in seen.headers for seen in site.seen)


def test_a_repository_that_is_not_there_does_not_keep_the_others_from_being_read(site):
    got = told(source(site), asked(table(Repository(name="o/missing"), PLAIN)))
    assert len(got.found.items) == 3
    assert "github: o/missing" in str(got.error)


def test_the_recorded_files_of_a_pull_request_hold_no_record():
    files = sources.answer(web.recorded("github/pull_files")).json()
    assert len(files) == 45
    assert github_records.folders(files, GLOBS) == []
    found = github_records.folders(files, ["**/*.py"])
    assert sum(folder.readme is not None for folder in found) == len(found) > 1


def test_globs_stay_within_a_name_unless_they_are_double():
    def paths(*names: str) -> list[dict[str, str]]:
        return [{"filename": name, "status": "added"} for name in names]

    deep = github_records.folders(paths("records/README.md", "records/a/b/c/README.md", "xrecords/a/README.md"), GLOBS)
    assert [folder.path for folder in deep] == ["records"]  # one above the others is the record
    flat = github_records.folders(paths("records/a/README.md", "records/a/b/README.md"), ["records/*/README.md"])
    assert [folder.path for folder in flat] == ["records/a"]
    assert github_records.folders(paths("records/a/submission_v2.json"), GLOBS)[0].submission
    assert github_records.folders([{"filename": "records/a/README.md", "status": "removed"}], GLOBS) == []


def test_contents_are_read_raw_and_in_base64_too():
    raw = sources.answer(web.recorded("github/contents_raw_text"))
    assert github_records.text_of(raw).startswith("# hello-world")
    coded = sources.answer(web.recorded("github/contents_file_base64"))
    assert "bootstrap-affix.js" in github_records.text_of(coded)
    submission = web.Reply.of({"val_bpb": 1.1, "encoding": "base64"})
    assert json.loads(github_records.text_of(sources.answer(submission)))["val_bpb"] == 1.1


def test_code_search_needs_a_token(site):
    got = told(GithubCode(site.url, None), asked(CODE))
    assert isinstance(got.error, Skipped)
    assert "GITHUB_TOKEN" in str(got.error)


def test_code_is_found_with_its_lines_on_one_page(site):
    site.on("/github/search/code", web.recorded("github/search_code_page1_incomplete"))
    got = told(GithubCode(site.url + "/github", "made-up-token"), asked(CODE))
    values = sources.answer(web.recorded("github/search_code_page1_incomplete")).json()["items"]
    assert len(got.found.items) == len(values) == 5
    assert "some results are missing" in got.found.remarks[0]
    (seen,) = site.seen
    assert (seen.query["q"], seen.query["per_page"]) == ('"val_bpb" language:python', "100")
    assert seen.headers["accept"] == "application/vnd.github.text-match+json"
    first = got.found.items[0]
    assert (first.id, first.kind) == ("github:busdos/cloud-protocols/pyproject.toml", "code")
    assert "github:busdos/cloud-protocols/pyproject.toml@a77d7ed" in first.aliases
    assert first.published is None


def test_fragments_are_the_text_of_code():
    match = {"fragment": "def muon(x):\n    return x", "matches": []}
    result = {"path": "a b.py", "sha": "ab" * 20, "repository": {"full_name": "O/n"}, "text_matches": [match, None]}
    (item,), _ = github_code.parse({"items": [result]}, asked(CODE), "q")
    assert item.text == "def muon(x):\n    return x"
    assert (item.id, item.url) == ("github:o/n/a b.py", "https://github.com/O/n/blob/HEAD/a%20b.py")


KEYS = st.sampled_from(
    [
        *("number", "title", "body", "user", "login", "head", "sha", "filename", "status", "updated_at", "merged_at"),
        *("commit", "message", "author", "parents", "path", "repository", "full_name", "text_matches", "fragment"),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=9) | st.just("\ud800/\n"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=15,
)


@given(st.lists(VALUES, max_size=3))
def test_no_entry_brings_down_the_parsers(entries):
    for entry in entries:
        request = github_records.pull(entry, "o/n")
        if request is not None:
            github.pull_item(request, [], asked(table()))
            list(github_records.competitors(request, []))
        if not github.is_routine(entry):
            github.commit_item(entry, "o/n", asked(table()))
    github_records.folders(entries, GLOBS)
    github_code.parse({"items": entries}, asked(CODE), "q")


@given(st.binary(max_size=80) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_file_has_a_text(body):
    github_records.text_of(sources.answer(web.Reply(200, body)))


@given(st.lists(st.text("*/?a.[]{}\\^$", max_size=12), max_size=3), st.text("*/?a.[]\n", max_size=12))
def test_any_glob_makes_a_pattern(globs, path):
    github_records.folders([{"filename": path, "status": "added"}], globs)
