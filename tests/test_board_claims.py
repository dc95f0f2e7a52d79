"""Claims: one holder a topic, the same for every reader, by the home's clock."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from golfkit.board.reading import claims, threads
from golfkit.board.records import names
from golfkit.board.records.record import Message

START = datetime(2026, 5, 1, 12, tzinfo=UTC)


def said(agent, minutes, topic="tables", hours=1.0, released=False, number=0):
    """(message, minutes after START at which the home got it)."""
    when = START + timedelta(minutes=minutes)
    file = names.file_name(when, agent, f"{number:012x}")
    extra = (("claim", topic), ("released", "yes"))
    if not released:
        extra = (("claim", topic), ("expires", (when + timedelta(hours=hours)).strftime(names.WRITTEN)))
    return Message(file=file, agent=agent, when=when, body="", extra=extra)


def holder(messages, minutes, uploaded=None):
    times = {message.file: None for message in messages} | (uploaded or {})
    held = claims.holders(messages, times, START + timedelta(minutes=minutes))
    return held["tables"].agent if "tables" in held else None


def test_the_earliest_claim_holds_until_it_expires_and_then_the_next_may_begin():
    both = [said("a", 0), said("b", 1, hours=9)]
    assert [holder(both, minutes) for minutes in (0, 30, 59, 60, 61)] == ["a", "a", "a", None, None]
    again = [*both, said("b", 90)]
    assert holder(again, 91) == "b"  # the void claim of minute 1 does not come to life


def test_the_homes_clock_counts_and_not_the_agents():
    early, late = said("liar", 0), said("honest", 5)
    times = {
        early.file: (START + timedelta(minutes=6)).timestamp(),
        late.file: (START + timedelta(minutes=5)).timestamp(),
    }
    assert holder([early, late], 7, times) == "honest"


def test_a_claim_is_extended_and_released_by_its_agent_alone():
    assert holder([said("a", 0), said("a", 50)], 100) == "a"
    assert holder([said("a", 0), said("b", 5, released=True)], 10) == "a"
    assert holder([said("a", 0), said("a", 5, released=True), said("b", 6)], 10) == "b"


def test_a_claim_for_ever_holds_a_week_and_one_without_an_end_not_at_all():
    assert holder([said("a", 0, hours=1e5)], 7 * 24 * 60 - 1) == "a"
    assert holder([said("a", 0, hours=1e5)], 7 * 24 * 60 + 1) is None
    broken = Message(file="20260501-120000_a.md", agent="a", when=START, body="", extra=(("claim", "tables"),))
    assert holder([broken], 0) is None


events = st.tuples(st.sampled_from("abc"), st.integers(0, 300), st.floats(0.1, 3), st.booleans())


@given(st.lists(events, max_size=12), st.integers(0, 400), st.randoms(use_true_random=False))
def test_every_reader_comes_to_the_same_holder_whatever_the_order_of_files(found, minutes, rng):
    messages = [said(a, m, hours=h, released=r, number=i) for i, (a, m, h, r) in enumerate(found)]
    shuffled = messages[:]
    rng.shuffle(shuffled)
    assert holder(messages, minutes) == holder(shuffled, minutes)
    assert holder(messages, minutes) == holder(
        [m for m in messages if m.when <= START + timedelta(minutes=minutes)], minutes
    )


def test_of_eight_agents_that_claim_at_once_one_wins(golf, tmp_path):
    agents = [f"agent-{i}" for i in range(8)]

    def run(agent, *args):
        return golf("board", *args, env={"AGENT_ID": agent, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"})

    with ThreadPoolExecutor(8) as pool:
        for ended in pool.map(lambda agent: run(agent, "agent", "register", "-m", "m", "-H", "h"), agents):
            assert ended.returncode == 0, ended.stderr
        codes = [ended.returncode for ended in pool.map(lambda agent: run(agent, "claim", "tables"), agents)]
    assert sorted(codes) == [0] + [1] * 7


def test_threads_survive_every_wrong_reference():
    rng = random.Random(0)
    files = [f"20260501-1200{i:02}_a.md" for i in range(30)]
    messages = [
        Message(file=file, agent="a", when=START, body="", refs=(rng.choice(files), "gone.md", "../../x"))
        for file in files
    ]
    for file in files:
        found = [post.file for post in threads.thread(file, messages, [])]
        assert file in found
        assert len(found) == len(set(found))
