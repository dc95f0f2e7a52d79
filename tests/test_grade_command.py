"""`golf grade` as people and cron call it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import llm_standin
import pytest
import web
from grading import ITEMS, workspace
from web import Reply

from golfkit import jsonl
from golfkit.research.grade import graded

TAB = "\t"
ROWS = TAB.join(("f1", "local", "1.25", "", "", "discard", "pending", "", "loop the middle layers thrice"))
HEADER = "commit\ttier\tval_bpb\tartifact_bytes\tmemory_gb\tstatus\tpromoted\tcost_usd\tdescription"


@pytest.fixture
def home(tmp_path):
    """A workspace with 25 items."""
    folder = workspace(tmp_path / "ws")
    (folder / "raw_cache.jsonl").write_text("".join(f"{jsonl.render(item)}\n" for item in ITEMS))
    return folder


@pytest.fixture
def model():
    with web.running() as site:
        yield llm_standin.Model(site)


def test_items_are_graded_by_the_model_and_nothing_is_due_afterwards(golf, home, model):
    env = model.environ("anthropic")
    first = golf("grade", "--json", cwd=home, env=env)
    assert first.returncode == 0, first.stderr
    summary = json.loads(first.stdout)
    assert {key: summary[key] for key in ("grader", "model", "graded", "left", "A", "tokens_in")} == {
        "grader": "llm",
        "model": "standin-1",
        "graded": 25,
        "left": 0,
        "A": 25,
        "tokens_in": 3000,
    }
    assert "grader: llm (standin-1 at http://127.0.0.1" in first.stderr
    assert json.loads(golf("grade", "--json", cwd=home, env=env).stdout)["graded"] == 0
    assert len(model.calls) == 3
    for path in home.rglob("*"):
        assert not path.is_file() or llm_standin.KEY not in path.read_text()
    assert llm_standin.KEY not in first.stdout + first.stderr


def test_a_new_failure_is_in_the_next_prompt_and_items_are_judged_again(golf, home, model):
    golf("grade", "--limit", "2", cwd=home, env=model.environ())
    (home / "results.tsv").write_text(f"{HEADER}\n{ROWS}\n")
    again = golf("grade", "--json", cwd=home, env=model.environ())
    assert json.loads(again.stdout)["graded"] == 25
    assert "loop the middle layers thrice" in model.calls[-1].user


def test_the_limit_is_kept_and_what_is_left_is_said(golf, home, model):
    result = golf("grade", "--limit", "7", cwd=home, env=model.environ())
    assert "graded: 7\n" in result.stdout
    assert "left: 18\n" in result.stdout


def test_a_dry_run_asks_nobody_and_writes_nothing(golf, home, model):
    prices = "\nllm_input_usd_per_mtok = 3.0\nllm_output_usd_per_mtok = 15.0\n"
    (home / "golf.toml").write_text(prices)
    before = sorted(home.rglob("*"))
    result = golf("grade", "--dry-run", "--json", cwd=home, env=model.environ())
    plan = json.loads(result.stdout)
    assert (plan["items"], plan["why"], plan["most_tokens"]) == (25, {"new": 25}, 200_000)
    assert plan["tokens_in"] > 3000
    assert plan["cost_usd"] == pytest.approx((plan["tokens_in"] * 3 + plan["tokens_out"] * 15) / 1e6, abs=1e-4)
    assert model.calls == []
    assert sorted(home.rglob("*")) == before


def test_a_cap_leaves_the_rest_and_says_so(golf, home, model):
    (home / "golf.toml").write_text("llm_max_tokens = 40000\n")
    model.usage = (15_000, 500)
    result = golf("grade", "--json", cwd=home, env=model.environ())
    summary = json.loads(result.stdout)
    assert (result.returncode, summary["graded"], summary["left"]) == (0, 20, 5)
    assert "llm_max_tokens is 40000" in result.stderr


def test_a_cap_that_allows_nothing_is_a_no(golf, home, model):
    (home / "golf.toml").write_text("llm_max_tokens = 400\n")
    result = golf("grade", cwd=home, env=model.environ())
    assert (result.returncode, model.calls) == (1, [])


def test_a_server_that_is_down_is_exit_4_and_never_the_offline_grader(golf, home, model):
    model.script = [llm_standin.good, *[Reply(503, b"", {"Retry-After": "0"})] * 4]
    result = golf("grade", "--json", cwd=home, env=model.environ())
    assert result.returncode == 4
    assert "answered 503" in result.stderr
    assert json.loads(result.stdout)["left"] == 15
    assert {row.grader for row in graded.read(home / "graded.jsonl")} == {"llm"}
    assert json.loads(golf("grade", "--json", cwd=home, env=model.environ()).stdout)["graded"] == 15


def test_a_kill_between_batches_keeps_what_was_paid_for(home, model):
    killed = []
    script = Path(sys.executable).with_name("golf")

    def third(call):
        killed.append(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        return llm_standin.good(call)

    model.script = [llm_standin.good, llm_standin.good, third]
    process = subprocess.Popen([script, "grade"], cwd=home, env=os.environ | model.environ(), stderr=subprocess.DEVNULL)
    process.wait(60)
    assert killed
    assert len(graded.read(home / "graded.jsonl")) == 20


def test_a_second_run_at_the_same_time_leaves_the_work_to_the_first(golf, home, model):
    (home / ".research").mkdir()
    with (home / ".research/grade.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = golf("grade", cwd=home, env=model.environ())
    assert (result.returncode, model.calls) == (0, [])
    assert "another golf grade is at work" in result.stderr


def test_without_items_the_way_to_them_is_said(golf, home):
    (home / "raw_cache.jsonl").unlink()
    result = golf("grade", cwd=home)
    assert result.returncode == 3
    assert "run golf research" in result.stderr


def test_a_key_in_the_env_file_is_enough(golf, home, model):
    (home / ".env").write_text(f"OPENAI_API_KEY={llm_standin.KEY}\n")
    (home / "golf.toml").write_text(f'llm_model = "standin-1"\nllm_base_url = "{model.site.url}/llm/v1"\n')
    result = golf("grade", "--limit", "1", cwd=home)
    assert (result.returncode, model.calls[0].headers["authorization"]) == (0, f"Bearer {llm_standin.KEY}")


def test_without_a_model_the_offline_rules_grade_and_write_only_what_changed(golf, home):
    first = golf("grade", "--json", cwd=home)
    assert json.loads(first.stdout)["graded"] == 25
    assert "grader: offline (llm_model is not set" in first.stderr
    before = (home / "graded.jsonl").read_bytes()
    assert json.loads(golf("grade", "--json", cwd=home).stdout)["graded"] == 0
    text = "a hashed embedding with fewer bits"
    (home / "results.tsv").write_text(f"{HEADER}\n{ROWS.rpartition(TAB)[0]}{TAB}{text}\n")
    golf("grade", cwd=home)
    rows = graded.read(home / "graded.jsonl")
    assert (home / "graded.jsonl").read_bytes().startswith(before)
    assert {row.item for row in rows[25:]} <= {row.item for row in rows[:25]}
    assert all("like FAILED f1" in " ".join(row.flags) for row in rows[25:])


def test_the_offline_rules_leave_a_model_s_fresh_grades_alone(golf, home, model):
    golf("grade", "--limit", "20", cwd=home, env=model.environ())
    result = golf("grade", "--grader", "offline", cwd=home, env=model.environ())
    assert "20 grades of a model from the last 14 days stay as they are" in result.stderr
    assert [row.grader for row in graded.read(home / "graded.jsonl")] == ["llm"] * 20 + ["offline"] * 5


def test_the_frontier_is_in_the_prompt(golf, home, model):
    (home / "results.tsv").write_text(f"{HEADER}\n{ROWS.rpartition(TAB)[0]}{TAB}depth recurrence, shared layers\n")
    golf("grade", "--limit", "1", cwd=home, env=model.environ())
    assert "architecture: tried 1, kept 0, failed 1" in model.calls[0].document["frontier"]
