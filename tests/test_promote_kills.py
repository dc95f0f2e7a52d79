"""golf promote, killed by SIGKILL at ten points: the watchdog alone, or one reap alone, leaves nothing behind."""

import pytest
from killing import POINTS
from machine import eventually
from promoting import Stage

KILLED = [point for point in POINTS if point]
BEFORE_ANY_WATCHDOG = ("after reserve", "after intent")
BEFORE_ANY_POD = BEFORE_ANY_WATCHDOG


def killed(stage: Stage, point: str) -> None:
    """A promotion that dies there."""
    (stage.data / "size").write_text("30000000")  # so that its copy can be caught on the way
    child = stage.start(point, "promote", "--force", "a test")
    said = child.communicate(timeout=60)
    assert child.returncode == -9, said


@pytest.mark.parametrize("point", [point for point in KILLED if point not in BEFORE_ANY_WATCHDOG])
def test_the_watchdog_alone_cleans_up_after_a_kill(stage: Stage, point: str):
    killed(stage, point)
    eventually(lambda: stage.rows() and not stage.book().state(0.0).open, "the watchdog wrote the row", 30)
    stage.check_nothing_left()
    (row,) = stage.rows()
    assert (row.status, row.description) == ("crash", "idea local_better_1")


@pytest.mark.parametrize("point", KILLED)
def test_one_reap_alone_cleans_up_after_a_kill(stage: Stage, point: str):
    killed(stage, f"{point},nodog")
    done = stage.golf("pods", "reap")
    assert done.returncode == 0, done.stderr
    stage.check_nothing_left()
    assert len(stage.rows()) == (point not in BEFORE_ANY_POD)
    assert stage.golf("pods", "reap").stdout == "open: 0\n"
