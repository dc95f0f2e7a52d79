"""How long the page of a large board takes: scripts/board-speed [--messages 5000] [--results 1000].

Renders a made-up board, opens the page in Chromium (until its load event, and until the first frame after it), and
searches it; medians of three. Needs Chromium (Debian: apt-get install chromium).
"""

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from golfkit import output
from golfkit.board.page import data, render

ROOT = Path(__file__).parent.parent
TIMES = 3
OPENED = """() => new Promise(resolve => requestAnimationFrame(() => setTimeout(() => {
  const entry = performance.getEntriesByType('navigation')[0];
  resolve([entry.loadEventEnd, performance.now()]);
})))"""
SEARCHED = """async () => {
  const words = document.getElementById('words'), hits = document.getElementById('hits');
  const spent = [];
  for (const text of ['coder', 'coder run', '']) {
    const begun = performance.now();
    const done = new Promise(resolve => new MutationObserver(resolve).observe(hits, {childList: true}));
    words.value = text;
    words.dispatchEvent(new Event('input'));
    await done;
    await new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)));
    spent.push(performance.now() - begun);
  }
  return spent;
}"""


def main(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    sys.path.insert(0, str(ROOT / "tests"))
    from paper_boards import NOW, large

    board = large(arguments.messages, arguments.results)
    spent = []
    for _ in range(TIMES):
        begun, worked = time.perf_counter(), time.process_time()
        made = render.page(data.load(board, data.state(board), None), NOW, None)
        spent.append((time.perf_counter() - begun, time.process_time() - worked))
    wall, cpu = (round(statistics.median(column), 2) for column in zip(*spent, strict=True))
    facts: dict[str, Any] = {"messages": arguments.messages, "results": arguments.results}
    facts |= {"page_mb": round(len(made.html) / 1e6, 2), "render_s": wall, "render_cpu_s": cpu}
    output.emit(facts | browse(made.html))
    return 0


def browse(html: bytes) -> dict[str, Any]:
    """Milliseconds in Chromium."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        output.note("no chromium: what a browser takes is not measured")
        return {}
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        target = Path(folder) / "index.html"
        target.write_bytes(html)
        browser = driver.chromium.launch(executable_path=program)
        opened, searched = [], []
        for _ in range(TIMES):
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(target.as_uri())
            opened.append(page.evaluate(OPENED))
            searched.append(page.evaluate(SEARCHED))
            page.close()
        browser.close()
    names = ("load_ms", "first_frame_ms")
    found = {
        name: round(statistics.median(column)) for name, column in zip(names, zip(*opened, strict=True), strict=True)
    }
    names = ("first_search_ms", "next_search_ms", "search_cleared_ms")
    return found | {
        name: round(statistics.median(column)) for name, column in zip(names, zip(*searched, strict=True), strict=True)
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--results", type=int, default=1000)
    sys.exit(main(parser.parse_args()))
