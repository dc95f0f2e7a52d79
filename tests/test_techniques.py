"""techniques.toml and research.toml: what golf init writes is read, and what is wrong in them is named."""

from importlib import resources

import pytest

from golfkit.errors import GolfError
from golfkit.research import queries, techniques

TEMPLATES = resources.files("golfkit.train").joinpath("workspace", "files")


@pytest.fixture
def taxonomy(tmp_path):
    path = tmp_path / "techniques.toml"
    path.write_text(TEMPLATES.joinpath("techniques.toml").read_text("utf-8"))
    return techniques.read(path)


def test_the_techniques_that_golf_init_writes_are_read(taxonomy):
    assert len(taxonomy.families) == 8
    assert {technique.family for technique in taxonomy.techniques} == set(taxonomy.families)
    assert taxonomy.named("bigram hash").proven
    assert taxonomy.named("no such") is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("add BigramHash(10240) embedding", ["bigram hash"]),
        ("Leaky_ReLU squared, GPTQ", ["leaky relu squared", "gptq"]),
        ("test-time  training\nby LoRA TTT", ["score-first ttt", "lora ttt"]),
        ("1.58-bit weights", ["ternary"]),
        ("the bigramhashing of smearing", []),
        ("", []),
    ],
)
def test_techniques_are_found_as_whole_words_however_they_are_joined(taxonomy, text, names):
    assert [technique.name for technique in taxonomy.found(text)] == names


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (('family = "systems"', 'family = "sytems"'), r"techniques.toml:\d+: family 'sytems'"),
        (('"fp8 training", "float8"', '"fp8 training", "gptq"'), r"'gptq' belongs to 'gptq' and to 'fp8 training'"),
        (("proven = true", 'proven = "yes"'), "'proven' is 'yes'"),
        (("proven = true", "proven = "), "expected TOML"),
    ],
)
def test_a_wrong_technique_is_named(tmp_path, change, error):
    path = tmp_path / "techniques.toml"
    path.write_text(TEMPLATES.joinpath("techniques.toml").read_text("utf-8").replace(*change, 1))
    with pytest.raises(GolfError, match=error):
        techniques.read(path)


def test_the_queries_that_golf_init_writes_are_read(tmp_path):
    path = tmp_path / "research.toml"
    path.write_text(TEMPLATES.joinpath("research.toml").read_text("utf-8").replace('_golf"]', '_golf", "enwik8"]', 1))
    plan = queries.read(path)
    assert list(plan.contests) == ["parameter_golf", "enwik8"]
    assert set(plan.contests["parameter_golf"]) == {*queries._TABLES, "tavily"}
    assert "breaking" in plan.contests["parameter_golf"]["tavily"]
    assert plan.contests["parameter_golf"]["github"].repositories[0].name == "openai/parameter-golf"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", "contests is None"),
        ('contests = ["a"]', r"no table \[a.SOURCE\]"),
        ('contests = ["a"]\n[a.arxive]\nqueries = []', r"\[a.arxive\]: no source is called so"),
        ('contests = ["a"]\n[a.arxiv]\nquerys = []', r"\[a.arxiv\]: unknown key 'querys'"),
        ('contests = ["a"]\n[a.feeds]\nurls = ["file:///etc/passwd"]', "no http or https address"),
        ('contests = ["a"]\n[[a.github.repositories]]\nname = "x"', "expected OWNER/NAME"),
        ('contests = ["a"]\n[a.tavily.ml]\nqueries = []\ndepth = "deep"', "depth is 'deep'"),
        ('contests = ["a"]\n[a.tavily.ml]\nqueries = []\nmax_results = 21', "expected 1 to 20"),
        ('contests = ["a"]\n[a.tavily]\nml = 3', r"\[a.tavily.ml\] is 3, expected a table"),
        (f'contests = ["a"]\n[a.github_code]\nqueries = ["{"x" * 257}"]', "257 characters, expected at most 256"),
    ],
)
def test_a_wrong_query_file_is_named(tmp_path, content, error):
    path = tmp_path / "research.toml"
    path.write_text(content)
    with pytest.raises(GolfError, match=error):
        queries.read(path)
