"""The sources as they are made from settings and research.toml."""

from pathlib import Path

from golfkit.research import credits, queries
from golfkit.research.fetch.sources import registry
from golfkit.research.items.item import SOURCES
from golfkit.settings import Settings
from golfkit.train import workspace

WRITTEN = Path(workspace.__file__).parent / "files/research.toml"


def build(path: Path) -> list[str]:
    plan = queries.read(path)
    return [
        source.name for source in registry.build(Settings(), plan, credits.of_workspace(path, Settings(), plan.tavily))
    ]


def test_the_file_that_golf_init_writes_asks_all_seven_in_their_order():
    assert build(WRITTEN) == list(SOURCES)


def test_a_source_without_a_table_is_not_asked(tmp_path):
    path = tmp_path / "research.toml"
    path.write_text('contests = ["mine"]\n[mine.arxiv]\nqueries = ["all:x"]\n[other.feeds]\nurls = []\n')
    assert build(path) == ["arxiv"]


def test_the_month_s_credits_follow_from_the_settings():
    plan = queries.read(WRITTEN)
    assert credits.of_workspace(Path("home"), Settings(), plan.tavily).cap == 625  # $5.00 at $0.008
