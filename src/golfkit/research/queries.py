"""research.toml: what `golf research` asks each source, one table a contest and source."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from golfkit import strict
from golfkit.errors import GolfError

FILE = "research.toml"
BREAKING = "breaking"  # the set of searches for news
QUERY_CHARACTERS = 400  # Tavily's limit
CODE_CHARACTERS = 256  # GitHub's
DEPTHS = ("basic", "advanced")
TOPICS = ("general", "news", "finance")
RANGES = ("day", "week", "month", "year")


@dataclass(frozen=True, kw_only=True)
class Queries:
    """The table of arxiv, semantic_scholar and github_code: queries in the source's own language."""

    queries: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Venues:
    """The table of openreview: submissions of the venues that hold one of the words."""

    venues: tuple[str, ...]
    keywords: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository watched; `record_files` are globs of files of a pull request that hold scores."""

    name: str
    record_files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Repositories:
    """The table of github."""

    repositories: tuple[Repository, ...]


@dataclass(frozen=True, kw_only=True)
class Feeds:
    """The table of feeds: RSS or Atom."""

    urls: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SearchSet:
    """One set of Tavily searches."""

    queries: tuple[str, ...]
    every_hours: float = 24.0
    depth: str = "basic"
    topic: str = "general"
    time_range: str = "week"
    max_results: int = 10
    include_domains: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tavily:
    """The table [tavily], for all contests."""

    least_score: float = 0.4
    credit_usd: float = 0.008


class Plan(NamedTuple):
    """The whole file: for each contest in use the tables by source; tavily's is a mapping of sets by name."""

    contests: Mapping[str, Mapping[str, Any]]
    tavily: Tavily


_TABLES = {
    "arxiv": Queries,
    "openreview": Venues,
    "semantic_scholar": Queries,
    "github": Repositories,
    "feeds": Feeds,
    "github_code": Queries,
}


def read(path: Path) -> Plan:
    """The file, checked; a wrong type, key or value is an error that names it."""
    import tomllib

    try:
        table = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError as error:
        raise GolfError(f"{path}: not found, expected the queries; golf init writes it") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GolfError(f"{path}: {error}; expected TOML in UTF-8, correct it there") from error
    names = table.pop("contests", None)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise GolfError(f'{path}: contests is {names!r}, expected a list of tables, as ["parameter_golf"]; correct it')
    tavily = strict.decode(Tavily, table.pop("tavily", {}), f"{path}: [tavily]")
    missing = [name for name in names if not isinstance(table.get(name), dict)]
    if missing:
        raise GolfError(f"{path}: contests names {missing[0]!r}, but no table [{missing[0]}.SOURCE] is there; add one")
    return Plan({name: _contest(table[name], f"{path}: [{name}") for name in names}, tavily)


def _contest(table: Mapping[str, Any], where: str) -> dict[str, Any]:
    known = (*_TABLES, "tavily")
    if unknown := [name for name in table if name not in known]:
        raise GolfError(f"{where}.{unknown[0]}]: no source is called so, expected one of {', '.join(known)}")
    tables: dict[str, Any] = {}
    for source, values in table.items():
        here = f"{where}.{source}]"
        if not isinstance(values, dict):
            raise GolfError(f"{here} is {values!r:.40}, expected a table")
        if source == "tavily":
            tables[source] = {name: _search_set(inner, f"{where}.tavily.{name}]") for name, inner in values.items()}
        else:
            tables[source] = strict.decode(_TABLES[source], values, here)
    _check(tables, where)
    return tables


def _search_set(table: Any, where: str) -> SearchSet:
    if not isinstance(table, dict):
        raise GolfError(f"{where} is {table!r:.40}, expected a table of searches")
    found = strict.decode(SearchSet, table, where)
    for name, value, allowed in (
        ("depth", found.depth, DEPTHS),
        ("topic", found.topic, TOPICS),
        ("time_range", found.time_range, RANGES),
    ):
        if value not in allowed:
            raise GolfError(f"{where}: {name} is {value!r}, expected one of {', '.join(allowed)}")
    if not 1 <= found.max_results <= 20:
        raise GolfError(f"{where}: max_results is {found.max_results}, expected 1 to 20")
    for query in found.queries:
        if len(query) > QUERY_CHARACTERS:
            raise GolfError(f"{where}: a query of {len(query)} characters, expected at most {QUERY_CHARACTERS}")
    return found


def _check(tables: Mapping[str, Any], where: str) -> None:
    for query in tables["github_code"].queries if "github_code" in tables else ():
        if len(query) > CODE_CHARACTERS:
            size = len(query)
            raise GolfError(f"{where}.github_code]: a query of {size} characters, expected at most {CODE_CHARACTERS}")
    for repository in tables["github"].repositories if "github" in tables else ():
        if len(repository.name.split("/")) != 2 or not all(repository.name.split("/")):
            raise GolfError(f"{where}.github]: repository {repository.name!r}, expected OWNER/NAME")
    for url in tables["feeds"].urls if "feeds" in tables else ():
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise GolfError(f"{where}.feeds]: {url!r} is no http or https address; correct it")
