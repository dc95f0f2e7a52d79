"""A real Chromium for tests, which records every request; skipped where there is none, a failure where GOLF_CI=1."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window, without any network but files and 127.0.0.1."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        why = "no chromium (Debian: apt-get install chromium)"
        if os.environ.get("GOLF_CI") == "1":
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=program, args=["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        )
        yield running
        running.close()


@dataclass
class Seen:
    """A page that is open, and what happened on it."""

    page: Any
    requests: list[str] = field(default_factory=list)  # after the page's own
    said: list[str] = field(default_factory=list)  # console, errors, dialogs


def open_page(browser: Any, address: str | Path, **options: Any) -> Seen:
    """A new page; options as playwright's new_page has them."""
    seen = Seen(browser.new_page(**options))
    page, own = seen.page, address.as_uri() if isinstance(address, Path) else address
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (seen.said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(own)
    assert seen.requests.pop(0) == own
    return seen
