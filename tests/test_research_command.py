"""`golf research` as a process: its summary, its exit codes, ^C, and a rehearsal that sends nothing."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import web
from fetching import workspace
from web import Reply, Site

KEYS = {"TAVILY_API_KEY": "tvly-0123456789", "GITHUB_TOKEN": "ghp_0123456789"}
TABLES = ["semantic_scholar", "feeds", "tavily.ml", "tavily.breaking"]
FEED = b"""<rss version="2.0"><channel><title>t</title><link>https://example.org</link><description>d</description>
<item><title>A smaller tokenizer for byte models</title><link>https://example.org/1</link><description>x</description>
</item></channel></rss>"""
FOUND = {"results": [{"title": "News of the contest", "url": "https://example.org/n", "content": "c", "score": 0.9}]}


@pytest.fixture
def site() -> Iterator[Site]:
    with web.running() as running:
        running.on("/feeds/", Reply(200, FEED, {"Content-Type": "application/xml"}))
        running.on("/semantic_scholar/", Reply.of({"total": 0, "token": None, "data": []}))
        running.on("/tavily/search", Reply.of(FOUND))
        yield running


@pytest.fixture
def home(tmp_path: Path, site: Site) -> Path:
    return workspace(tmp_path, site.url, TABLES)


def test_a_run_is_summed_up_source_by_source(golf, home, site):
    ran = golf("research", "--json", env=site.environ() | KEYS)
    assert ran.returncode == 0
    record = json.loads(ran.stdout)
    assert {source["source"]: (source["status"], source["new"]) for source in record["sources"]} == {
        "semantic_scholar": ("ok", 0),
        "feeds": ("ok", 1),
        "tavily": ("ok", 1),
    }
    assert record["new"] == len((home / "raw_cache.jsonl").read_text().splitlines()) == 2
    assert "next: golf grade" in ran.stderr
    again = golf("research", "--source", "feeds", "--source", "tavily", env=site.environ())
    assert again.returncode == 0
    assert [line.split()[:3] for line in again.stdout.splitlines()[1:]] == [
        ["feeds", "ok", "0"],
        ["tavily", "skipped", "0"],
    ]
    assert "tavily: skipped: due again: golf.ml at" in again.stderr
    assert not [key for key in KEYS.values() if key in ran.stdout + ran.stderr]


def test_breaking_asks_for_the_news_alone(golf, home, site):
    ran = golf("research", "--breaking", env=site.environ() | KEYS)
    assert ran.returncode == 0
    assert [(seen.path, seen.json()["topic"]) for seen in site.seen] == [("/tavily/search", "news")]


def test_one_failing_source_is_a_line_and_all_failing_is_exit_4(golf, home, site):
    site.on("/feeds/", Reply.of({}, 404))
    ran = golf("research", env=site.environ() | KEYS)
    assert ran.returncode == 0
    assert "feeds: failed: 2 of 2 failed" in ran.stderr
    alone = golf("research", "--source", "feeds", env=site.environ())
    assert alone.returncode == 4


def test_a_rehearsal_says_what_would_be_asked_and_asks_nothing(golf, home, site):
    ran = golf("research", "--dry-run", env=site.environ() | KEYS)
    assert ran.returncode == 0
    lines = ran.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["source", "semantic_scholar", "feeds", "feeds", "tavily"]
    assert lines[-1].split()[-4:] == ["ml:", "bits", "per", "byte"]
    assert "1" in lines[-1].split()
    assert site.seen == []
    assert not (home / ".research/credits.jsonl").exists()
    assert not (home / "raw_cache.jsonl").exists()
    without = golf("research", "--dry-run", "--source", "tavily", "--json", env=site.environ())
    (only,) = json.loads(without.stdout)["asks"]
    assert "TAVILY_API_KEY" in only["skipped"]


def test_a_source_that_nobody_knows_is_named_with_those_that_are(golf, home):
    ran = golf("research", "--source", "arxive")
    assert ran.returncode == 2
    assert "arxive" in ran.stderr
    assert "semantic_scholar" in ran.stderr
    assert golf("research", "--breaking", "--source", "arxiv").returncode == 2
    skipped = golf("research", "--source", "openreview")
    assert skipped.returncode == 0
    assert "openreview: skipped: research.toml has no table" in skipped.stderr


def test_an_interrupt_ends_it_and_keeps_what_is_committed(home, site):
    site.latency_s["/semantic_scholar/"] = 30.0
    command = [str(Path(sys.executable).with_name("golf")), "research"]
    with subprocess.Popen(command, cwd=home, env=os.environ | site.environ() | KEYS, stderr=subprocess.PIPE) as child:

        def interrupt() -> None:
            state = home / ".research/state.json"
            while not (state.exists() and "golf/feeds" in state.read_text()):
                if child.poll() is not None:
                    return
            child.send_signal(signal.SIGINT)

        watcher = threading.Thread(target=interrupt)
        watcher.start()
        _, said = child.communicate(timeout=60)
        watcher.join()
    assert child.returncode == 130
    assert b"Traceback" not in said
    assert "byte models" in (home / "raw_cache.jsonl").read_text()
