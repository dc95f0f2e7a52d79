"""`golf init`: a whole workspace, nothing overwritten, nothing half-written, nothing outside of it."""

import dataclasses
import json
import os
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from golfkit import commands, files, ledger, settings
from golfkit.errors import GolfError
from golfkit.train.workspace import create

FILES = {
    *("golf.toml", "model.py", "program.md", "research.toml", "techniques.toml", "results.tsv"),
    *(".env.example", ".gitignore"),
}
SECTIONS = ("RESEARCH", "EXPERIMENTS", "COMPETITORS", "VERIFIED")
ANNOUNCED = {
    *("promote", "research", "grade", "verify", "inject", "frontier", "budget", "pods", "record", "competitors"),
    *("calibrate", "train-local", "flatten"),
}
SOURCES = {"arxiv", "openreview", "semantic_scholar", "github", "feeds", "tavily", "github_code"}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "contest"
    create.create(folder)
    return folder


@pytest.fixture(scope="module")
def program(made) -> str:
    return (made / "program.md").read_text("utf-8")


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_command_makes_every_file_and_names_the_next_steps(golf, tmp_path):
    done = golf("init", "contest", "--json")
    record = json.loads(done.stdout)
    assert (done.returncode, set(record["made"]), record["kept"], record["same"]) == (0, FILES, [], [])
    assert {path.name for path in (tmp_path / "contest").iterdir()} - {".results.tsv.lock"} == FILES
    assert "golf data fineweb" in done.stderr
    assert "golf train-local" in done.stderr


def test_golf_toml_gives_the_defaults_and_holds_every_key_that_it_may(made):
    text = (made / "golf.toml").read_text()
    assert settings.load({}, made) == settings.Settings()
    allowed = [declared.name for declared in dataclasses.fields(settings.Settings) if declared.metadata["toml"]]
    assert re.findall(r"^(?:# )?(\w+) = ", text, re.M) == allowed
    bare = re.sub(r"^# (\w+ = )", r"\1", text, flags=re.M)
    (made.parent / "bare.toml").write_text(bare)
    assert list(settings.read_toml(made.parent / "bare.toml")) == allowed


def test_env_example_names_all_that_golf_reads_and_sets_nothing(made):
    path = made / ".env.example"
    env = {declared.metadata["env"]: declared.metadata for declared in dataclasses.fields(settings.Settings)}
    assert set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", path.read_text(), re.M)) == set(env) - {None}
    assert settings.read_dotenv(path) == {name: "" for name, marks in env.items() if marks["secret"]}


def test_settings_of_env_example_are_the_defaults_when_they_are_switched_on(tmp_path):
    (tmp_path / "golf.toml").touch()
    (tmp_path / ".env").write_text(re.sub(r"^# ([A-Z0-9_]+=)", r"\1", create.env_example(), flags=re.M))
    assert settings.load({}, tmp_path) == settings.Settings()


def test_the_ledger_is_empty_and_the_model_is_the_packages(made):
    assert ledger.read_rows(made / "results.tsv") == []
    assert (made / "results.tsv").read_text() == f"{ledger.HEADER}\n"
    default = resources.files("golfkit.train.model").joinpath("default.py").read_bytes()
    assert (made / "model.py").read_bytes() == default


def test_each_marker_of_program_md_is_a_line_of_its_own_there_once_and_in_order(program):
    wanted = [f"<!-- {section}_{end} -->" for section in SECTIONS for end in ("START", "END")]
    assert re.findall(r"<!--.*?-->", program) == wanted
    assert [line for line in program.split("\n") if "<!--" in line] == wanted
    for section in SECTIONS:
        assert re.search(rf"<!-- {section}_START -->\n[^\n]+\n<!-- {section}_END -->", program)


def test_program_md_has_the_sota_line_once_and_no_placeholder_left(program):
    assert program.split("\n").count("**SOTA: 1.1194 bpb. Baseline: 1.2244 bpb.**") == 1
    assert "{{" not in program
    assert "16,000,000" in program
    assert "3% below" in program


def test_program_md_takes_its_numbers_from_a_golf_toml_that_is_there(tmp_path):
    (tmp_path / "golf.toml").write_text("sota = 0.9\nartifact_limit = 5_000\nlocal_promotion_threshold = 0.025\n")
    create.create(tmp_path)
    program = (tmp_path / "program.md").read_text()
    assert "**SOTA: 0.9000 bpb. Baseline: 1.2244 bpb.**" in program
    assert "5,000" in program
    assert "2.50% below" in program


def test_program_md_names_only_commands_that_golf_has_or_will_have(program, made):
    named = set(re.findall(r"\bgolf ([a-z][a-z-]+(?: [a-z]+)?)", " ".join(re.findall(r"`[^`]+`", program))))
    assert {"train-local", "measure", "promote", "results show", "results best"} <= named
    for words in named:
        first = words.split()[0]
        assert words in commands.COMMANDS or first in commands.COMMANDS or first in ANNOUNCED, words
    assert len(program.splitlines()) <= 200


def test_program_md_names_parts_that_the_model_has(program, made):
    model = (made / "model.py").read_text()
    for name, pattern in {
        "Spec": r"^class Spec\b",
        "parameters": r"^def parameters\(",
        "forward": r"^def forward\(",
        "FULL": r"^FULL = ",
        "LOCAL": r"^LOCAL = ",
    }.items():
        assert f"`{name}`" in program or f"`{name}:" in program
        assert re.search(pattern, model, re.M), name


def test_every_contest_of_research_toml_asks_known_sources_with_queries_that_they_take(made):
    table = tomllib.loads((made / "research.toml").read_text())
    contests = set(table) - {"contests", "tavily"}
    assert set(table["contests"]) <= contests
    assert set(table["parameter_golf"]) == SOURCES
    for contest in contests:
        asked = table[contest]
        assert set(asked) <= SOURCES
        assert all(len(query) <= 256 for query in asked["github_code"]["queries"])  # GitHub's limit
        assert all(len(query) <= 400 for search in asked["tavily"].values() for query in search["queries"])
        assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", repo["name"]) for repo in asked["github"]["repositories"])
        assert all(url.startswith("https://") for url in asked["feeds"]["urls"])
    watched = [repo["name"] for repo in table["parameter_golf"]["github"]["repositories"]]
    assert watched == ["openai/parameter-golf", "KellerJordan/modded-nanogpt", "karpathy/autoresearch"]
    assert set(table["parameter_golf"]["tavily"]) == {"ml", "math", "infra", "breaking"}


def test_the_searches_of_research_toml_stay_within_the_default_budget(made):
    table = tomllib.loads((made / "research.toml").read_text())
    credits = sum(
        len(search["queries"]) * {"basic": 1, "advanced": 2}[search["depth"]] * 30 * 24 / search["every_hours"]
        for contest in table["contests"]
        for search in table[contest]["tavily"].values()
    )
    assert f"{credits:.0f} credits" in (made / "research.toml").read_text()
    assert credits * table["tavily"]["credit_usd"] <= settings.Settings().tavily_monthly_budget_usd


def test_techniques_have_a_family_a_source_and_keywords_of_their_own(made):
    table = tomllib.loads((made / "techniques.toml").read_text())
    techniques = table["techniques"]
    keywords = [word for technique in techniques for word in technique["keywords"]]
    names = [technique["name"] for technique in techniques]
    assert len(set(names)) == len(names)
    assert sorted(set(keywords)) == sorted(keywords)
    assert all(word == " ".join(word.lower().replace("-", " ").replace("_", " ").split()) for word in keywords)
    for technique in techniques:
        assert set(technique) == {"name", "family", "keywords", "proven", "source"}
        assert technique["family"] in table["families"]
        assert technique["keywords"]
        assert technique["source"]
    used = {(technique["family"], technique["proven"]) for technique in techniques}
    assert {family for family, _ in used} == set(table["families"])


def test_a_second_call_changes_nothing_and_says_so(golf, tmp_path):
    golf("init", "contest")
    before = tree(tmp_path)
    again = golf("init", "contest", "--json")
    record = json.loads(again.stdout)
    assert (again.returncode, record["made"], record["kept"], set(record["same"])) == (0, [], [], FILES)
    assert "is a workspace already: nothing to do" in again.stderr
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", sorted(FILES - {"golf.toml"}))
def test_an_edited_file_is_never_overwritten_and_a_missing_one_comes_back(tmp_path, name):
    create.create(tmp_path)
    (tmp_path / name).write_bytes(b"mine \xff\n")
    (tmp_path / "golf.toml").unlink()
    done = create.create(tmp_path)
    assert (done.made, done.kept) == (["golf.toml"], [name])
    assert (tmp_path / name).read_bytes() == b"mine \xff\n"


def test_an_own_gitignore_gets_a_word_about_what_belongs_into_it(golf, tmp_path):
    (tmp_path / ".gitignore").write_text("*.o\n")
    done = golf("init")
    assert done.returncode == 0
    assert ".gitignore is yours: see that it names .env" in done.stderr
    assert (tmp_path / ".gitignore").read_text() == "*.o\n"


def test_a_link_that_leads_nowhere_is_left_alone(tmp_path):
    (tmp_path / "model.py").symlink_to(tmp_path / "elsewhere" / "model.py")
    assert "model.py" in create.create(tmp_path).kept
    assert (tmp_path / "model.py").is_symlink()
    assert not (tmp_path / "elsewhere").exists()


def test_a_broken_golf_toml_is_an_error_before_anything_is_written(tmp_path):
    (tmp_path / "golf.toml").write_text("artefact = 5\n")
    with pytest.raises(GolfError, match=r"golf\.toml:1: unknown key 'artefact'"):
        create.create(tmp_path)
    assert list(tree(tmp_path)) == ["golf.toml"]


def test_a_workspace_inside_another_is_made_with_a_warning(golf, tmp_path):
    golf("init", "outer")
    done = golf("init", "outer/inner")
    assert done.returncode == 0
    assert f"{tmp_path / 'outer' / 'inner'} lies in the workspace {tmp_path / 'outer'};" in done.stderr
    assert "outer" not in golf("init", "beside").stderr


@pytest.mark.parametrize("where", ["text", "text/below"])
def test_a_path_that_is_a_file_is_refused(golf, tmp_path, where):
    (tmp_path / "text").write_text("mine")
    done = golf("init", where)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)
    assert tree(tmp_path) == {"text": b"mine"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_folder_is_one_line(golf, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o555)
    done = golf("init", "closed")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc, where even root may not write")
def test_a_folder_that_nobody_may_make_is_one_line(golf):
    done = golf("init", "/proc/contest")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, "", 1)
    assert "/proc/contest" in done.stderr


def test_folders_with_spaces_and_other_letters_work_and_nothing_is_written_outside(golf, tmp_path):
    name = "mein Wörk-Ordner 日本 'x'"
    (tmp_path / "beside").mkdir()
    done = golf("init", f"beside/{name}")
    assert done.returncode == 0
    assert {Path(path).parts[:2] for path in tree(tmp_path)} == {("beside", name)}
    assert settings.load({}, tmp_path / "beside" / name) == settings.Settings()


@pytest.mark.parametrize("n_written", range(len(FILES)))
@pytest.mark.parametrize("moment", ["write", "replace"])
def test_an_interrupt_leaves_whole_files_alone_and_the_next_call_makes_the_rest(
    tmp_path, monkeypatch, n_written, moment
):
    whole = create.contents(settings.Settings())
    calls = iter(range(len(FILES)))
    place = (Path, "write_bytes") if moment == "write" else (files.os, "replace")
    real = getattr(*place)

    def interrupted(*args):
        if next(calls) == n_written:
            if moment == "write":
                real(args[0], args[1][:10])
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(*place, interrupted)
        with pytest.raises(KeyboardInterrupt):
            create.create(tmp_path)
    left = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir() if path.name != ".results.tsv.lock"}
    assert left == {name: whole[name] for name in list(whole)[:n_written]}
    assert "golf.toml" not in left
    assert len(create.create(tmp_path).made) == len(FILES) - n_written


def test_a_row_that_is_appended_meanwhile_is_not_lost(tmp_path, monkeypatch):
    row = ledger.Row("local_a_1", "local", 1.5, 10, None, "keep", "no", None, "first")
    real = create.files.locked

    def late(path):
        ledger.append_row(tmp_path / "results.tsv", row)
        return real(path)

    monkeypatch.setattr(create, "files", type("Files", (), {"locked": late, "atomic_write": files.atomic_write}))
    assert "results.tsv" in create.create(tmp_path).kept
    assert ledger.read_rows(tmp_path / "results.tsv") == [row]
