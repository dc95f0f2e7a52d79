"""A damaged book is told by file and line, never spent from, never reset: the more expensive known figure counts."""

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from golfkit.budget.book import chain, events
from golfkit.budget.book import snapshot as snapshots
from golfkit.budget.book.journal import Book
from golfkit.budget.book.state import Limit, Limits, State
from golfkit.errors import Exit, GolfError

NOW = 1_790_000_000.0
LIMITS = Limits(Limit(50_000, "default", False), Limit(5_000, "default", False))
RATE = Decimal("21.52")


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """Six lines: $300 set, r1 settled with $7, r4 open with $12, $3 by hand."""
    return filled(tmp_path)


def filled(folder: Path) -> Book:
    made = Book(folder, LIMITS)
    made.set(NOW, total_cents=30_000)
    first = made.reserve("run_a", 1000, RATE, NOW + 1, 9, NOW + 3600)
    made.settle(first, 700, NOW + 2, "ten minutes")
    made.reserve("run_b", 1200, RATE, NOW + 3, 9, NOW + 3600)
    made.charge("run_c", 300, NOW + 4, "by hand")
    made.charge("run_d", 0, NOW + 5)
    return made


def lines(book: Book) -> list[bytes]:
    return book.journal.read_bytes().splitlines(keepends=True)


def refusal(book: Book) -> str:
    """What every call says, the same."""
    calls: list[Callable[[], object]] = [
        lambda: book.state(NOW),
        lambda: book.charge("x", 1, NOW),
        lambda: book.set(NOW, 1, 1),
        lambda: book.reserve("x", 1, RATE, NOW, 99, NOW),
        lambda: book.settle("r4", 1, NOW),
        lambda: book.release("r4", NOW, ""),
    ]
    before = book.journal.read_bytes() if book.journal.exists() else None
    said = set()
    for call in calls:
        with pytest.raises(GolfError) as caught:
            call()
        assert caught.value.exit_code == Exit.BAD_FILE
        said.add(str(caught.value))
    assert len(said) == 1
    assert (book.journal.read_bytes() if book.journal.exists() else None) == before
    return said.pop()


def cut(text: bytes) -> bytes:
    return text[:-30]


JOURNALS = {
    "torn": (lambda ls: [*ls[:5], cut(ls[5])], "6: a torn line of ", 5),
    "without its last newline": (lambda ls: [*ls[:5], ls[5][:-1]], "6: a torn line of ", 5),
    "a line torn, then another": (lambda ls: [*ls[:2], cut(ls[2]) + b"\n", *ls[3:]], '3: \'{"seq": 3', 2),
    "edited": (lambda ls: [*ls[:2], ls[2].replace(b"700", b"7"), *ls[3:]], "3: digest ", 2),
    "a line gone": (lambda ls: [*ls[:2], *ls[3:]], "3: sequence 4, expected 3: lines before it are missing", 2),
    "the first gone": (lambda ls: ls[1:], "1: sequence 2, expected 1", 0),
    "swapped": (lambda ls: [ls[0], ls[2], ls[1], *ls[3:]], "2: sequence 3, expected 2", 1),
    "twice": (lambda ls: [*ls[:3], ls[2], *ls[3:]], "4: sequence 3, expected 4", 3),
    "zeros of a power cut": (lambda ls: [*ls[:5], bytes(len(ls[5]) - 1) + b"\n"], r"6: '\x00", 5),
    "not UTF-8": (lambda ls: [*ls[:3], b"\xff\xfe" + ls[3][2:], *ls[4:]], "4: byte 0 of the line is not UTF-8", 3),
    "an empty line": (lambda ls: [*ls[:3], b"\n", *ls[3:]], "4: '' does not end in a digest", 3),
    "Windows newlines": (lambda ls: [line.replace(b"\n", b"\r\n") for line in ls], "1: ", 0),
    "another program's": (lambda ls: [b'{"hello": 1}\n'], "1: '{\"hello\": 1}' does not end in a digest", 0),
}


@pytest.mark.parametrize("name", JOURNALS)
def test_a_damaged_journal_is_refused_at_its_line_with_the_last_good_state(book, name):
    damage, says, seq = JOURNALS[name]
    book.journal.write_bytes(b"".join(damage(lines(book))))
    said = refusal(book)
    assert said.startswith(f"{book.journal}:{says}")
    assert f"; the last good state is sequence {seq}: total $" in said
    assert "golf budget recover keeps it as budget.jsonl.broken-1 and writes a good one" in said


@pytest.mark.parametrize("name", JOURNALS)
def test_recovery_of_a_damaged_journal_keeps_it_and_loses_nothing_that_was_known(book, name):
    true, content = book.state(NOW + 9), b"".join(JOURNALS[name][0](lines(book)))
    book.journal.write_bytes(content)
    at_line = refusal(book).split(": ")[0]
    before = sorted(book.journal.parent.iterdir())
    dry = book.recover(NOW + 9, dry_run=True)
    assert sorted(book.journal.parent.iterdir()) == before
    found = book.recover(NOW + 9)
    assert found == dry
    assert found.problem.startswith(at_line)
    assert [path.name for path in found.kept_as] == ["budget.jsonl.broken-1", "budget.json.broken-1"]
    assert found.kept_as[0].read_bytes() == content
    assert book.state(NOW + 9) == found.plan.state
    covers(found.plan.state, true)
    assert book.recover(NOW + 9).problem is None


def covers(found: State, true: State) -> None:
    """What was spent, held and started is in `found`, and perhaps more."""
    assert found.spent_cents >= true.spent_cents
    assert set(found.open) >= set(true.open)
    assert set(found.starts) >= set(true.starts)
    assert (found.total_cents, found.reserve_cents) == (true.total_cents, true.reserve_cents)


def test_an_edited_note_costs_nothing_in_the_recovery(book):
    true = book.state(NOW + 9)
    book.journal.write_bytes(book.journal.read_bytes().replace(b"ten minutes", b"11 minutes"))
    plan = book.recover(NOW + 9).plan
    assert (plan.n_kept, plan.n_read, plan.n_lost, plan.added_cents, plan.reopened) == (2, 4, 0, 0, ())
    assert (plan.state.spent_cents, plan.state.open) == (true.spent_cents, true.open)


def test_an_amount_edited_down_is_made_up_from_the_snapshot_and_the_line_says_so(book):
    book.journal.write_bytes(book.journal.read_bytes().replace(b'"cents": 700', b'"cents": 7'))
    plan = book.recover(NOW + 9).plan
    assert (plan.added_cents, plan.state.spent_cents) == (693, 1000)
    assert plan.state.charges[-1] == (NOW + 9, "recovered", 693, None, "known to budget.json alone")


def snapshot(book: Book, **changes: object) -> None:
    record = json.loads(book.snapshot.read_text())
    book.snapshot.write_text(json.dumps(record | changes, indent=1))


def without_last_lines(book: Book) -> None:
    book.journal.write_bytes(b"".join(lines(book)[:3]))


SNAPSHOTS = {
    "journal cut at a line": (without_last_lines, "3: seq is 6, but budget.jsonl ends at 3: the journal lost lines", 3),
    "journal gone": (lambda b: b.journal.unlink(), "3: seq is 6, but budget.jsonl ends at 0", 0),
    "journal emptied": (lambda b: b.journal.write_bytes(b""), "3: seq is 6, but budget.jsonl ends at 0", 0),
    "of another journal": (lambda b: snapshot(b, digest="0" * 16), "3: digest is 0000000000000000, but line 6 of ", 6),
    "truncated": (lambda b: b.snapshot.write_bytes(b.snapshot.read_bytes()[:90]), "5: not JSON (", 6),
    "emptied": (lambda b: b.snapshot.write_bytes(b""), "1: not JSON (", 6),
    "no object": (lambda b: b.snapshot.write_text("[]"), "1: '[]', expected one JSON object", 6),
    "too deep": (lambda b: b.snapshot.write_text("[" * 100_000), "1: not JSON (", 6),
    "of a later golf": (lambda b: snapshot(b, schema="golfkit.budget.v2"), "1: schema is 'golfkit.budget.v2', ", 6),
    "without a key": (lambda b: b.snapshot.write_text('{"schema": "golfkit.budget.v1"}'), "1: no key 'set'", 6),
    "negative": (lambda b: snapshot(b, spent_cents=-1), "7: spent_cents is -1, expected a whole number", 6),
    "a float": (lambda b: snapshot(b, spent_cents=9.5), "7: spent_cents is 9.5, expected a whole number", 6),
    "no list": (lambda b: snapshot(b, open=5), "1: set is ", 6),
    "no objects": (lambda b: snapshot(b, open=[5]), "1: open holds 5, expected objects", 6),
    "no reservation": (lambda b: snapshot(b, open=[{"id": "r1"}]), "1: reservation has the keys id; expected id, ", 6),
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_snapshot_that_is_broken_or_newer_than_the_journal_is_refused_at_its_line(book, name):
    damage, says, seq = SNAPSHOTS[name]
    damage(book)
    said = refusal(book)
    assert said.startswith(f"{book.snapshot}:{says}")
    assert f"; the last good state is sequence {seq}: total $" in said
    assert "golf budget recover keeps it as budget.json.broken-1" in said


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_recovery_from_a_broken_snapshot_or_a_shorter_journal_loses_nothing(book, name):
    true = book.state(NOW + 9)
    SNAPSHOTS[name][0](book)
    found = book.recover(NOW + 9)
    covers(found.plan.state, true)
    assert found.plan.state.spent_cents == true.spent_cents
    assert book.state(NOW + 9) == found.plan.state
    open_names = [reservation.id for reservation in true.open]
    assert list(found.plan.reopened) == (open_names if "journal" in name and "another" not in name else [])


def test_a_recovered_reservation_is_settled_under_its_old_name(book):
    (held,) = book.state(NOW + 9).open
    book.journal.unlink()
    book.recover(NOW + 9)
    assert book.settle(held.id, 1100, NOW + 10) == (1100, None)
    assert book.state(NOW + 10).spent_cents == 2100


def test_both_files_broken_still_yields_what_the_lines_say(book):
    true = book.state(NOW + 9)
    book.journal.write_bytes(b"".join(JOURNALS["a line torn, then another"][0](lines(book))))
    book.snapshot.write_text("{")
    plan = book.recover(NOW + 9).plan
    assert (plan.n_kept, plan.n_read, plan.n_lost) == (2, 3, 1)
    assert plan.state.spent_cents == 300
    assert set(plan.state.open) > set(true.open)  # the torn line may have closed r2: a person decides
    assert book.state(NOW + 9) == plan.state


def test_a_settlement_that_the_snapshot_does_not_know_is_money_and_leaves_the_reservation_open(book):
    (held,) = book.state(NOW + 9).open
    stale = book.snapshot.read_bytes()
    book.settle(held.id, 1100, NOW + 9)
    book.snapshot.write_bytes(stale)  # as after a kill between the two files
    book.journal.write_bytes(b"".join([*lines(book)[:4], *lines(book)[5:]]))
    plan = book.recover(NOW + 9).plan
    assert plan.state.spent_cents == 700 + 1100  # line 5 is gone, and the snapshot's 1000 are less
    assert plan.state.open == (held,)


def test_each_recovery_keeps_its_files_under_a_free_name(book):
    for n in (1, 2, 3):
        book.journal.write_bytes(book.journal.read_bytes() + b"torn")
        assert book.recover(NOW + 9).kept_as[0].name == f"budget.jsonl.broken-{n}"


def test_a_recovery_cut_between_its_two_files_is_finished_by_the_next(book):
    true = book.state(NOW + 9)
    without_last_lines(book)
    old = book.snapshot.read_bytes()
    book.recover(NOW + 9)
    book.snapshot.write_bytes(old)
    assert "was replaced" in refusal(book)
    covers(book.recover(NOW + 9).plan.state, true)
    assert book.state(NOW + 9).spent_cents == true.spent_cents


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"kind": "bribe"}, "1: kind is 'bribe', expected one of set, reserve, settle, charge, release, recover"),
        ({"kind": "charge", "cents": 1}, "1: charge has the keys cents; expected at, run, cents, note"),
        ({"cents": -1}, "1: cents is -1, expected a whole number, 0 or more"),
        ({"cents": True}, "1: cents is True, expected a whole number, 0 or more"),
        ({"at": "yesterday"}, "1: at is 'yesterday', expected a time such as 2026-05-01T14:30:00.000Z"),
        ({"at": "2026-05-01T14:30:00"}, "1: at is '2026-05-01T14:30:00', expected a time"),
        ({"at": "9999-12-31T23:59:59-23:59"}, "1: at is '9999-12-31T23:59:59-23:59', expected a time"),
        ({"note": None}, "1: note is None, expected text"),
        ({"seq": 2}, "1: sequence 2, expected 1"),
        ({"kind": "settle", "id": "r9", "cents": 1, "note": "", "at": "2026-05-01T14:30:00Z"}, "1: no reservation r9"),
    ],
)
def test_a_line_that_is_well_chained_but_says_what_no_golf_writes_is_refused(tmp_path, table, says):
    whole = {"seq": 1, "kind": "charge", "at": "2026-05-01T14:30:00.000Z", "run": "x", "cents": 1, "note": ""}
    content = json.dumps({"seq": 1} | table if "kind" in table else whole | table)
    digest = hashlib.sha256(f"{events.SCHEMA}{content}".encode()).hexdigest()[:16]
    book = Book(tmp_path, LIMITS)
    book.journal.write_text(f'{content[:-1]}, "digest": "{digest}"}}\n')
    with pytest.raises(GolfError) as caught:
        book.state(NOW)
    assert str(caught.value).startswith(f"{book.journal}:{says}")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Book:
    """A good book that stays as it is."""
    return filled(tmp_path_factory.mktemp("whole"))


@settings(max_examples=200)
@given(data=st.data())
def test_no_change_of_any_bytes_goes_unnoticed_or_loses_what_was_spent_or_held(whole, data):
    content, known = whole.journal.read_bytes(), snapshots.parse(whole.snapshot.read_text())
    true = chain.read(content).tally.state(LIMITS, NOW + 9)
    at = data.draw(st.integers(0, len(content) - 1), "at")
    n = data.draw(st.integers(0, 20) | st.integers(0, len(content)), "bytes taken")
    put = data.draw(st.binary(max_size=4) | st.from_regex(r"[0-9r]{1,3}", fullmatch=True).map(str.encode), "put")
    changed = content[:at] + put + content[at + n :]
    assume(changed != content)
    first = next(i for i in range(len(content) + 1) if content[i : i + 1] != changed[i : i + 1])
    reading = chain.read(changed)
    if reading.damage:
        assert reading.damage.line == content[:first].count(b"\n") + 1
    else:
        assert "the journal lost lines" in chain.compare(reading, known)  # cut at a line's end
    plan = chain.mend(reading, known, "changed", LIMITS, NOW + 9)
    covers(plan.state, true)
    again = chain.read(plan.text.encode())
    assert (again.damage, again.digest, again.tally.state(LIMITS, NOW + 9)) == (None, plan.digest, plan.state)
