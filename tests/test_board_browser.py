"""The board's page in a real browser: quiet, alone, drawn, searchable, light and dark, on a phone, without scripts."""

import re
from itertools import pairwise
from pathlib import Path

import hostile_texts
import pytest
from browsing import browser, open_page  # noqa: F401
from demo_board import demo
from paper_boards import BUCKET, NOW, Paper, large
from test_board_serve import serving

from golfkit.board.page import data, render, serve, words

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}


def write(board: Paper, folder: Path, bucket: str | None = BUCKET) -> Path:
    made = render.page(data.load(board, data.state(board), bucket), NOW, "../board/")
    return render.write(made, folder)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(demo(), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def large_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(large(1500, 300), tmp_path_factory.mktemp("large"))


def colours(page) -> list[str]:
    return page.evaluate("['body', '.best', '.chart .stroke-accent'].map(s => document.querySelector(s)).map("
                         "e => getComputedStyle(e)).flatMap(s => [s.backgroundColor, s.color, s.stroke])")  # fmt: skip


def test_it_opens_quietly_and_asks_the_network_for_nothing(browser, page):  # noqa: F811
    seen = open_page(browser, page, viewport=DESKTOP)
    seen.page.mouse.wheel(0, 20_000)
    assert (seen.said, [url for url in seen.requests if not url.startswith("data:")]) == ([], [])
    assert "Hutter Prize" in seen.page.title()


def test_a_server_sees_one_request_and_its_headers_break_nothing(browser):  # noqa: F811
    board, asked = demo(), []
    site = serve.Site(
        board, lambda state: render.page(data.load(board, state, None), NOW, "").html, recheck_s=0, files=True
    )
    answer = site.answer
    site.answer = lambda path: (asked.append(path), answer(path))[1]
    with serving(site) as port:
        seen = open_page(browser, f"http://127.0.0.1:{port}/", viewport=DESKTOP)
        seen.page.fill("#words", "lstm")
        seen.page.locator("#hits:not(:empty)").wait_for()
        assert (asked, seen.said) == (["/"], [])


def test_the_chart_is_drawn_and_its_marks_lead_to_their_rows(browser, page):  # noqa: F811
    seen = open_page(browser, page, viewport=DESKTOP)
    chart = seen.page.locator(".chart svg.wide")
    box = chart.bounding_box()
    assert box["width"] > 800
    assert box["height"] > 300
    assert not seen.page.locator(".chart svg.narrow").is_visible()
    assert chart.locator("a[href^='#r-']").count() == 13
    assert seen.page.locator(".chart").get_attribute("aria-label").startswith("Best total over time, from 22,411,870")
    widths = chart.locator("path.stroke-accent").evaluate_all(
        "found => found.map(e => +e.getAttribute('stroke-width'))"
    )
    assert max(widths) > 2


def test_the_search_filters_messages_results_and_agents(browser, page):  # noqa: F811
    seen = open_page(browser, page, viewport=DESKTOP)
    tab = seen.page
    every = tab.locator(".record:visible").count()
    tab.fill("#words", "dictionary QUILL")
    tab.locator("#hits:not(:empty)").wait_for()
    hits = tab.locator(".record:visible")
    assert 0 < hits.count() < every
    assert all("dictionary" in text.lower() and "quill" in text.lower() for text in hits.all_text_contents())
    tab.fill("#words", "")
    tab.select_option("#by", "basalt")
    tab.select_option("#kind", "negative")
    tab.locator("#hits", has_text=re.compile("^1 found$")).wait_for()
    assert "lstm-2x128+cm6" in hits.first.text_content()
    tab.select_option("#by", "")
    tab.select_option("#kind", "system")
    tab.locator("#hits", has_text=re.compile("^1 found$")).wait_for()
    assert "Reminder" in hits.first.text_content()
    tab.select_option("#kind", "")
    tab.locator("#hits:empty").wait_for(state="attached")
    assert tab.locator(".record:visible").count() == every
    tab.keyboard.press("Escape")
    tab.locator("h1").click()
    tab.keyboard.press("/")
    assert tab.evaluate("document.activeElement.id") == "words"
    assert seen.said == []


def test_details_open_and_show_a_results_body(browser, page):  # noqa: F811
    tab = open_page(browser, page, viewport=DESKTOP).page
    row = tab.locator("tr", has_text="cm14 with basalt's LSTM").first
    assert not row.locator("text=decompressor.zip").is_visible()
    row.locator("summary").click()
    assert row.locator("text=decompressor.zip").is_visible()
    tab.locator("#artifacts summary").first.click()
    assert tab.locator("#artifacts a").first.get_attribute("href").startswith("https://huggingface.co/buckets/")


def test_light_and_dark_differ_by_preference_and_by_choice(browser, page):  # noqa: F811
    light = open_page(browser, page, color_scheme="light", viewport=DESKTOP).page
    dark = open_page(browser, page, color_scheme="dark", viewport=DESKTOP).page
    by_day, by_night = colours(light), colours(dark)
    assert by_day != by_night
    light.locator("label", has_text="dark").click()
    assert colours(light) == by_night
    dark.locator("label", has_text="light").click()
    assert colours(dark) == by_day
    assert not light.evaluate("document.cookie")


def test_text_has_contrast_in_both(browser, page):  # noqa: F811
    for scheme in ("light", "dark"):
        tab = open_page(browser, page, color_scheme=scheme, viewport=DESKTOP).page
        assert min(tab.evaluate(CONTRAST)) >= 4.5, scheme


CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const linear = v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = colour => rgb(colour).map(linear).reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return ['body', '.soft', '.mark-verified', '.first td.bytes', '.mark-unverified', '.delta'].map(selector => {
    const ink = light(getComputedStyle(document.querySelector(selector)).color);
    return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05);
  });
}
"""


@pytest.mark.parametrize("width", [360, 390, 768, 1280])
def test_no_width_scrolls_sideways(browser, page, width):  # noqa: F811
    tab = open_page(browser, page, viewport={"width": width, "height": 740}).page
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.locator(".chart svg.narrow").is_visible() == (width <= 640)
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_everything_is_there_but_the_search(browser, page):  # noqa: F811
    tab = open_page(browser, page, java_script_enabled=False, viewport=PHONE).page
    assert not tab.locator("#search").is_visible()
    assert tab.locator("article.note:visible").count() == 11
    assert tab.locator("text=Restored in an empty root").is_visible()
    tab.locator("summary", has_text="As a table").click()
    assert tab.locator("table[aria-label='Best total over time']").is_visible()
    tab.locator(".counts a", has_text="agents").click()
    assert tab.url.endswith("#agents")


def test_the_keyboard_reaches_what_a_mouse_reaches(browser, page):  # noqa: F811
    tab = open_page(browser, page, viewport=DESKTOP).page
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the leaderboard"
    names = tab.evaluate(
        "[...document.querySelectorAll('input, select, button')].map(e => e.labels && e.labels[0] ? "
        "e.labels[0].textContent.trim() : '')"
    )
    assert all(names)
    assert tab.evaluate("document.querySelectorAll('h1').length") == 1
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(e => +e.tagName[1])")
    assert all(after <= before + 1 for before, after in pairwise(levels) if after < 4)


def test_pictures_of_the_board_are_decoded(browser, page):  # noqa: F811
    tab = open_page(browser, page, viewport=DESKTOP).page
    picture = tab.locator(".body img")
    picture.scroll_into_view_if_needed()
    assert picture.evaluate("async found => { await found.decode(); return found.naturalWidth; }") == 320


def test_nothing_of_a_stranger_runs_and_every_text_is_shown_as_it_is(browser, tmp_path):  # noqa: F811
    board = hostile_texts.board()
    target = write(board, tmp_path, None)
    seen = open_page(browser, target, viewport=DESKTOP)
    tab = seen.page
    tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= DESKTOP["width"]
    tab.mouse.wheel(0, 50_000)
    tab.fill("#words", "<script>")
    tab.locator("#hits:not(:empty)").wait_for()
    tab.evaluate(
        "document.querySelectorAll('*').forEach(e => { e.focus?.(); e.dispatchEvent(new Event('mouseover')); })"
    )
    assert tab.evaluate("window.pwned") is None
    assert (seen.said, [url for url in seen.requests if not url.startswith("data:")]) == ([], [])
    assert tab.evaluate("document.scripts.length") == 1
    assert tab.evaluate(
        "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter("
        "a => /^on|^style$|^srcdoc$/.test(a.name) || /^\\s*javascript:/i.test(a.value)).length"
    ) == 0  # fmt: skip
    shown = {text.strip() for text in tab.locator("td.method bdi").all_text_contents()}
    read = {one.method for one in data.load(board, data.state(board), None).results}
    assert len(read) >= len(hostile_texts.PAYLOADS) - 1
    assert shown == {words.line(text, 80) or "no method" for text in read}


def test_a_click_on_a_strangers_link_runs_nothing(browser, tmp_path):  # noqa: F811
    tab = open_page(browser, write(hostile_texts.board(), tmp_path, None), viewport=DESKTOP).page
    links = tab.evaluate("[...document.querySelectorAll('.body a[href], .files a[href]')].map(a => a.href)")
    assert links
    assert {re.match(r"[a-z]+:", link)[0] for link in links} <= {"https:", "file:"}


def test_a_large_board_opens_and_is_searched_at_once(browser, large_page):  # noqa: F811
    seen = open_page(browser, large_page, viewport=DESKTOP)
    tab = seen.page
    took = tab.evaluate(
        """async () => {
          const words = document.getElementById('words'), hits = document.getElementById('hits');
          const begun = performance.now();
          words.value = 'coder run40_';
          words.dispatchEvent(new Event('input'));
          await new Promise(resolve => new MutationObserver(resolve).observe(hits, {childList: true}));
          return performance.now() - begun;
        }"""
    )
    assert tab.locator("#hits").text_content().endswith("found")
    tab.fill("#words", "agent")
    tab.locator("#hits", has_text="1,824 found, 300 shown").wait_for()
    assert took < 5000  # milliseconds; a bound for any machine, scripts/board-speed measures
    assert tab.evaluate("document.querySelectorAll('.record').length") == 1824
    tab.fill("#words", "")
    tab.locator("#hits:empty").wait_for(state="attached")
    assert not tab.locator("details.older").first.get_attribute("open")
    assert seen.said == []


def test_a_link_to_a_folded_message_unfolds_it(browser, large_page):  # noqa: F811
    tab = open_page(browser, large_page, viewport=DESKTOP).page
    anchor = tab.evaluate("[...document.querySelectorAll('.older article')].at(-1).id")
    tab.goto(f"{large_page.as_uri()}#{anchor}")
    tab.locator(f"[id='{anchor}']").wait_for()
