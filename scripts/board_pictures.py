"""Screenshots of a made-up board for the documentation: scripts/board-pictures [--folder docs].

Writes board-desktop.png (1280 wide, light), board-dark.png (1280 wide) and board-phone.png (390 wide), by Chromium
without a window, with whatever fonts this machine has (Debian: fonts-inter).
"""

import argparse
import io
import math
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image

from golfkit import output
from golfkit.board.page import data, render

ROOT = Path(__file__).parent.parent
VIEWS = {  # name: width, height, dark, scale
    "board-desktop": (1280, 1500, False, 1),
    "board-dark": (1280, 1500, True, 1),
    "board-phone": (390, 1700, False, 1.5),
}


def main(arguments: argparse.Namespace) -> int:
    """Take the pictures."""
    sys.path.insert(0, str(ROOT / "tests"))
    from demo_board import demo
    from paper_boards import BUCKET, NOW
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        output.error("chromium is not installed (Debian: apt-get install chromium)")
        return 5
    home = demo(loss_curve())
    board = data.load(home, data.state(home), BUCKET)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        target = render.write(render.page(board, NOW, None), Path(folder))
        browser = driver.chromium.launch(executable_path=program)
        for name, (width, height, dark, scale) in VIEWS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if dark else "light",
                device_scale_factor=scale,
            )
            page.goto(target.as_uri())
            save(page.screenshot(), arguments.folder / f"{name}.png")
        browser.close()
    return 0


def loss_curve() -> bytes:
    """The picture in one of the messages."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 2.2), layout="constrained")
    axes = figure.add_subplot()
    position = [n / 2 for n in range(201)]
    axes.plot(position, [16 * (1 - math.exp(-x / 14)) + 0.4 * math.sin(x / 2) for x in position], color="#2563a8")
    axes.set(xlabel="position, MB", ylabel="gain, bytes a kB")
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def save(picture: bytes, target: Path) -> None:
    """Write a screenshot, as small as it gets without loss."""
    Image.open(io.BytesIO(picture)).convert("RGB").save(target, optimize=True)
    output.note(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs")
    sys.exit(main(parser.parse_args()))
