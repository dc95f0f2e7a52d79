"""Reading the best items in full: where from, what is said when that fails, and what comes of it."""

import asyncio
import dataclasses
import json
from datetime import UTC, datetime

import llm_standin
import pytest
import web
from grading import ITEMS, NOW, graded, item, made, values, workspace
from hypothesis import given
from hypothesis import strategies as st
from web import Reply

from golfkit import jsonl
from golfkit.errors import Exit, GolfError
from golfkit.research.credits import Ledger
from golfkit.research.fetch import http
from golfkit.research.fetch.limits import Limit
from golfkit.research.fetch.retries import Patience
from golfkit.research.grade import graded as graded_file
from golfkit.research.grade.grader import Opinion
from golfkit.research.grade.llm.purse import CapReached
from golfkit.research.verify import brief, page, reading, run, verified
from golfkit.research.verify.reading import Reading
from golfkit.research.verify.verified import Verified
from golfkit.research.verify.verifier import ByRules

CLOCK = datetime(2026, 5, 2, 6, tzinfo=UTC)
BODY = "We add a bigram hash of 4096 buckets to the residual stream of the model. " * 60
PAPER = f"<html><head><title>x</title></head><body><nav>menu</nav><p>{BODY}</p><script>alert(1)</script></body></html>"
PULL = item(
    "p",
    id="github:openai/parameter-golf#12",
    kind="pull_request",
    url="https://github.com/openai/parameter-golf/pull/12",
)
POST = item("q", id="url:0123456789ab", kind="post", url="https://blog.example/post")
FAST = dict.fromkeys(("arxiv", "github", "tavily", "other", "feeds", "semantic_scholar", "openreview", "github_code"))


@pytest.fixture(scope="module")
def running():
    with web.running() as found:
        yield found


@pytest.fixture
def site(running):
    running.seen.clear()
    running._routes.clear()
    running.on("/arxiv.org/html/", Reply(200, PAPER.encode()))
    running.on("/arxiv.org/abs/", Reply(200, b"<p>Abstract: we hash bigrams.</p>"))
    return running


def read(site, items, tmp_path, *, cap=100, **changes):
    """(readings, the ledger) of items, without waiting for anybody."""
    from decimal import Decimal

    ledger = Ledger(tmp_path / "credits.jsonl", Decimal(cap), Decimal(1))
    known = values(**site.settings(), **changes)

    async def asked():
        limit = {name: Limit(1000, 1.0, 8) for name in FAST}
        async with http.connect(known, limit=limit, patience=Patience(1.0, tries=1)) as client:
            return await reading.read_all(items, client, known, ledger, CLOCK)

    return asyncio.run(asked()), ledger


def one(site, of, tmp_path, **changes):
    return read(site, [of], tmp_path, **changes)[0][of.id]


def test_a_paper_is_read_as_arxiv_s_html(site, tmp_path):
    found = one(site, ITEMS[0], tmp_path)
    assert found.text == BODY.strip()
    assert (found.full_text, found.fallback) == (True, None)
    assert found.evidence == (f"{site.url}/arxiv.org/html/2605.00000",)


def test_without_html_and_key_the_abstract_is_read_and_every_step_is_named(site, tmp_path):
    site.on("/arxiv.org/html/", Reply(404))
    found = one(site, ITEMS[0], tmp_path)
    assert (found.text, found.full_text) == ("Abstract: we hash bigrams.", False)
    assert found.evidence == (f"{site.url}/arxiv.org/abs/2605.00000",)
    for said in ("arXiv HTML:", "404", "no TAVILY_API_KEY", "read arXiv abstract instead"):
        assert said in found.fallback


def test_a_page_that_is_too_short_is_no_paper(site, tmp_path):
    site.on("/arxiv.org/html/", Reply(200, b"<p>No HTML for this paper.</p>"))
    assert "which is no paper" in one(site, ITEMS[0], tmp_path).fallback


def test_where_nothing_is_to_be_had_the_item_s_own_text_is_judged(site, tmp_path):
    site.on("/arxiv.org/html/", Reply(500))
    site.on("/arxiv.org/abs/", Reply(500))
    found = one(site, ITEMS[0], tmp_path)
    assert (found.text, found.full_text, found.evidence) == (ITEMS[0].text, False, (ITEMS[0].url,))
    assert found.fallback.endswith("read the item's own text instead")


def pull_request(site, files, body="what it does"):
    base = "/github/repos/openai/parameter-golf"
    site.on(f"{base}/pulls/12", Reply.of({"body": body, "head": {"sha": "a" * 40}}))
    site.on(f"{base}/pulls/12/files", Reply.of(files))
    site.on(f"{base}/contents/", lambda seen: Reply(200, f"README at {seen.path}".encode()))


def test_a_pull_request_is_its_body_and_the_readmes_that_it_adds(site, tmp_path):
    path = "records/track_10min_16mb/2026 x/README.md"
    pull_request(site, [{"filename": path, "status": "added"}, {"filename": "gone/README.md", "status": "removed"}])
    found = one(site, PULL, tmp_path, github_token="t0ken")
    assert found.text.startswith("what it does\n\nREADME at /github")
    assert path in found.text
    assert "gone" not in found.text
    assert (found.full_text, len(found.evidence)) == (True, 2)
    last = site.seen[-1]
    assert (last.query, last.headers["authorization"]) == ({"ref": "a" * 40}, "Bearer t0ken")
    assert "raw" in last.headers["accept"]


def test_a_pull_request_without_a_readme_is_its_body_and_its_changes(site, tmp_path):
    pull_request(site, [{"filename": "train_gpt.py", "status": "modified", "patch": "@@ -1 +1 @@\n-a\n+b"}])
    assert one(site, PULL, tmp_path).text == "what it does\n\ntrain_gpt.py:\n@@ -1 +1 @@\n-a\n+b"


def test_a_commit_and_a_file_are_read_from_github(site, tmp_path):
    site.on(
        "/github/repos/o/n/commits/abcdef0",
        Reply.of({"commit": {"message": "muon"}, "files": [{"filename": "m.py", "patch": "+x"}]}),
    )
    site.on("/github/repos/o/n/contents/", Reply(200, b"def f(): ..."))
    commit, file = item("c", id="github:o/n@abcdef0"), item("f", id="github:o/n/src/a b.py@1234567")
    found, _ = read(site, [commit, file], tmp_path)
    assert found[commit.id].text == "muon\n\nm.py:\n+x"
    assert found[file.id].text == "def f(): ..."
    assert {seen.path for seen in site.asked("/github/repos/o/n/contents")} == {"/github/repos/o/n/contents/src/a b.py"}


@pytest.mark.parametrize("name", ["github:o/n/../../../user", "github:o/..", "github:o/n#x", "github:", "arxiv"])
def test_an_id_that_leads_elsewhere_is_not_followed(site, tmp_path, name):
    found = one(site, item("x", id=name, url="javascript:alert(1)"), tmp_path, tavily_api_key="k")
    assert found.full_text is False
    assert site.seen == []


def test_other_pages_are_extracted_in_one_question_for_one_credit(site, tmp_path):
    posts = [dataclasses.replace(POST, id=f"url:{n}", url=f"https://blog.example/{n}") for n in range(4)]
    site.on(
        "/tavily/extract",
        Reply.of(
            {
                "results": [{"url": post.url, "raw_content": f"# {post.url}\n{BODY}"} for post in posts[:3]],
                "failed_results": [{"url": posts[3].url, "error": "blocked\x1b"}],
            }
        ),
    )
    found, ledger = read(site, posts, tmp_path, tavily_api_key="tvly-x")
    assert [found[post.id].full_text for post in posts] == [True, True, True, False]
    assert "Tavily: blocked; read the item's own text instead" in found[posts[3].id].fallback
    assert ledger.spent(CLOCK) == 1
    (asked,) = site.seen
    assert asked.headers["authorization"] == "Bearer tvly-x"
    assert asked.json() == {"urls": [post.url for post in posts], "extract_depth": "basic", "format": "markdown"}


def test_the_recorded_extract_is_read(site, tmp_path):
    reply = web.recorded("tavily/extract_four_ok_one_failed")
    site.on("/tavily/extract", reply)
    urls = [row["url"] for row in json.loads(reply.body)["results"]] + ["https://com"]
    posts = [dataclasses.replace(POST, id=f"url:{n}", url=url) for n, url in enumerate(urls)]
    found, _ = read(site, posts, tmp_path, tavily_api_key="tvly-x")
    assert [found[post.id].full_text for post in posts] == [True] * 4 + [False]
    assert len(found["url:0"].text) == reading.CHARACTERS
    assert "Invalid URL format" in found["url:4"].fallback


def test_spent_credits_are_said_and_nothing_is_asked(site, tmp_path):
    found = one(site, POST, tmp_path, tavily_api_key="k", cap=0)
    assert "the month's 0 credits are spent" in found.fallback
    assert site.seen == []


@pytest.mark.parametrize(("fault", "spent"), [(Reply(432), 0), (Reply(429), 0), ("drop", 1), ("malformed", 1)])
def test_a_refusal_gives_the_credit_back_and_a_lost_answer_does_not(site, tmp_path, fault, spent):
    site.on("/tavily/extract", Reply.of({"results": []}))
    site.fault("/tavily", fault)
    found, ledger = read(site, [POST], tmp_path, tavily_api_key="key-of-tavily")
    assert "Tavily:" in found[POST.id].fallback
    assert "key-of-tavily" not in found[POST.id].fallback
    assert ledger.spent(CLOCK) == spent


def test_scripts_menus_and_references_are_no_text_and_formulas_are():
    html = (
        "<nav><nav>a</nav>b</nav><p>one <math alttext='x^2'><mi>x</mi></math> two<br>three</p>"
        "<section class='ltx_bibliography'><section>refs</section></section><style>p{}</style><p>four &amp; five"
    )
    assert page.text_of(html) == "one x^2 two\nthree\nfour & five"


@given(st.text(alphabet="<>/!pnavmth=\"' \n&;-[x", max_size=60))
def test_no_page_makes_the_reader_raise(html):
    page.text_of(html)


@pytest.mark.parametrize("part", ["<a ", "<p x='", "<!--", "<", "&#", "&amp;", "<div>", "<script>", "<math>"])
def test_a_page_that_is_all_beginnings_is_read_as_fast_as_any(part):
    page.text_of(part * (1_000_000 // len(part)))  # html.parser takes hours, nh3 minutes


def test_a_brief_without_a_model_is_whole_sentences_and_says_so():
    text = (
        f"Intro that says nothing of use to anyone at all, really. {BODY} We set 11 layers and 8 heads with int6 GPTQ."
    )
    said = brief.extract(text, made().taxonomy)
    assert said.startswith(brief.HEAD)
    assert len(said) <= verified.BRIEF_CHARACTERS
    assert "11 layers" in said
    assert said.count("We add a bigram hash") == 1
    assert "Intro" not in said
    assert brief.extract("nothing here", made().taxonomy) == ""


class Rules:
    """An offline grader as simple as can be."""

    context = "c" * 16

    def grade(self, item, now):
        return graded(item, "B", graded=now, context=self.context, flags=("needs: pip install x",))


def test_the_offline_rules_bring_their_flags_and_an_extract():
    opinion = ByRules(Rules(), made().taxonomy).judge(ITEMS[0], Reading(BODY, (), True), NOW)
    assert (opinion.graded.grade, opinion.red_flags) == ("B", ("needs: pip install x",))
    assert "bigram hash" in opinion.brief


def reading_of(of, grade="A", **changes):
    whole = {
        "item": of.id,
        "item_digest": of.digest,
        "title": of.title,
        "url": of.url,
        "verified": NOW,
        "grader": "offline",
        "context": "0" * 16,
        "total_before": 12,
        "grade_before": "A",
        "grade": grade,
    }
    return Verified(**(whole | changes))


def test_unread_items_of_grade_a_come_first_the_best_first_then_those_that_failed():
    a, best, b, done, failed, failed_before, changed, stale = ITEMS[:8]
    rows = [
        graded(a),
        graded(best, total=14, novelty=3, bpb_impact=3, implementability=3),
        graded(b, "B"),
        *(graded(one) for one in (done, failed, failed_before, changed)),
        graded(stale, item_digest="before"),
    ]
    known = [
        reading_of(done),
        reading_of(failed, "ungraded"),
        reading_of(failed_before, "ungraded", verified="2026-05-01T00:00:00Z"),
        reading_of(changed, item_digest="before"),
    ]
    chosen = run.choose(ITEMS, graded_file.latest(rows), verified.latest(known))
    assert [one.item for one in chosen] == [best, a, changed, failed_before, failed]


class Judge:
    name, model, context = "llm", "m", "c" * 16

    def __init__(self, *steps):
        self.steps = list(steps)

    def judge(self, item, reading, now):
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return Opinion(graded(item, step, graded=now), "build it", ("a doubt",))


def test_each_item_is_written_as_soon_as_it_is_judged(tmp_path):
    path = tmp_path / "verified.jsonl"
    chosen = [run.Chosen(one, graded(one), 12) for one in ITEMS[:3]]
    readings = {one.id: Reading("text", ("https://x",), False, "read something instead") for one in ITEMS}
    outcome = run.run(chosen, readings, Judge("B", "ungraded", CapReached("cap")), path, lambda: NOW)
    assert (outcome.left, outcome.stopped, outcome.failed) == (1, "cap", None)
    first, second = verified.read(path)
    assert (first.total_before, first.total, first.grade, first.brief) == (12, 7, "B", "build it")
    assert (first.evidence, first.full_text, first.fallback) == (("https://x",), False, "read something instead")
    assert len(first.dimensions) == 5
    assert (second.grade, second.total, second.dimensions) == ("ungraded", None, ())


def test_a_server_that_is_down_ends_the_run(tmp_path):
    chosen = [run.Chosen(ITEMS[0], graded(ITEMS[0]), 12)]
    error = GolfError("http://x: nobody", Exit.REMOTE)
    outcome = run.run(chosen, {ITEMS[0].id: Reading("t", (), True)}, Judge(error), tmp_path / "v", lambda: NOW)
    assert (outcome.failed, outcome.left) == (error, 1)


@pytest.fixture
def home(tmp_path):
    folder = workspace(tmp_path / "ws")
    (folder / "raw_cache.jsonl").write_text("".join(f"{jsonl.render(one)}\n" for one in ITEMS))
    graded_file.append(folder / "graded.jsonl", [graded(one) for one in ITEMS[:2]])
    return folder


def test_the_command_reads_judges_and_shows_the_change(golf, home, site):
    model = llm_standin.Model(site)
    env = site.environ() | model.environ("anthropic")
    site.latency_s.clear()
    result = golf("verify", "--limit", "1", "--json", cwd=home, env=env)
    assert result.returncode == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["left"] == 1
    assert record["verified"][0]["total_before"] == 12
    assert record["verified"][0]["grade"] == "A"
    (line,) = verified.read(home / "verified.jsonl")
    assert (line.brief, line.red_flags, line.full_text) == ("how to build item-1", ("no ablation",), True)
    assert "We add a bigram hash" in model.calls[0].user
    assert llm_standin.KEY not in (home / "verified.jsonl").read_text() + result.stderr


def test_a_dry_run_names_the_places_and_asks_nobody(golf, home, site):
    model = llm_standin.Model(site)
    env = site.environ() | model.environ() | {"TAVILY_API_KEY": "k"}
    result = golf("verify", "--dry-run", "--json", cwd=home, env=env)
    plan = json.loads(result.stdout)
    assert (plan["items"], plan["most_credits"]) == (2, 1)
    assert plan["tokens_in"] > 2 * 7000
    assert [read["place"] for read in plan["reads"]] == ["arXiv HTML", "Tavily"] * 2
    assert site.seen == []
    assert not (home / "verified.jsonl").exists()


def test_without_an_unread_item_nothing_is_asked(golf, home, site):
    (home / "graded.jsonl").unlink()
    env = site.environ() | llm_standin.Model(site).environ()
    result = golf("verify", "--json", cwd=home, env=env)
    assert (result.returncode, json.loads(result.stdout)["verified"]) == (0, [])
    assert site.seen == []
