"""What many tests share: a deterministic hypothesis, a clean environment, and the real console script."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from boards import home, hub_site  # noqa: F401
from hypothesis import settings
from machine import box_fixture, running_box  # noqa: F401
from promoting import stage  # noqa: F401

from golfkit.compress.codecs.cm import CM_FAST, CM_MAX, CM_MID, ContextMixing
from golfkit.compress.runtimes import native
from golfkit.settings import Settings, cache_folder

settings.register_profile("golf", derandomize=True, deadline=None)
settings.load_profile("golf")

Golf = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them (compiled kernels may stay cached)."""
    for declared in Settings.__dataclass_fields__.values():
        name = declared.metadata["env"]
        if name and name not in ("GOLF_CACHE", "GOLF_RUNTIME", "GOLF_NOJIT"):
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def golf(tmp_path: Path) -> Golf:
    """Run the installed `golf` in tmp_path, or in `cwd`; text in and out, no terminal."""
    script = Path(sys.executable).with_name("golf")

    def run(
        *args: object, cwd: Path = tmp_path, stdin: str = "", env: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        command = [str(script), *map(str, args)]
        environ = os.environ | (env or {})
        return subprocess.run(
            command, cwd=cwd, input=stdin, env=environ, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def built(codec: ContextMixing) -> native.Built:
    """The native programs of a codec, from the cache where they are there."""
    if why := native.missing():
        pytest.skip(f"no native code: {why}")
    programs = native.built(codec.model, cache_folder(os.environ))
    assert isinstance(programs, native.Built), programs  # cc is there: a build that fails is a failure
    return programs


@pytest.fixture(scope="session")
def native_programs() -> native.Built:
    """The native programs of cm-fast."""
    return built(CM_FAST)


@pytest.fixture(scope="session")
def native_mid() -> native.Built:
    """Those of cm-mid."""
    return built(CM_MID)


@pytest.fixture(scope="session")
def native_max() -> native.Built:
    """Those of cm-max."""
    return built(CM_MAX)
