"""The sources that research.toml has tables for, made from the settings."""

from golfkit.research.credits import Ledger
from golfkit.research.fetch.protocol import Source
from golfkit.research.fetch.sources.arxiv import Arxiv
from golfkit.research.fetch.sources.feeds import Feeds
from golfkit.research.fetch.sources.github import Github
from golfkit.research.fetch.sources.github_code import GithubCode
from golfkit.research.fetch.sources.openreview import OpenReview
from golfkit.research.fetch.sources.semantic_scholar import SemanticScholar
from golfkit.research.fetch.sources.tavily import Tavily
from golfkit.research.queries import Plan
from golfkit.settings import Settings


def build(values: Settings, plan: Plan, credits: Ledger) -> list[Source]:
    """Each source that a contest in use has a table for, in the order of items.item.SOURCES."""
    sources: list[Source] = [
        Arxiv(values.arxiv_api_url),
        OpenReview(
            values.openreview_api_url,
            token=values.openreview_token,
            username=values.openreview_username,
            password=values.openreview_password,
        ),
        SemanticScholar(values.semantic_scholar_api_url, values.s2_api_key),
        Github(values.github_api_url, values.github_token),
        Feeds(),
        Tavily(values.tavily_api_url, values.tavily_api_key, credits),
        GithubCode(values.github_api_url, values.github_token),
    ]
    used = {name for tables in plan.contests.values() for name in tables}
    return [source for source in sources if source.name in used]
