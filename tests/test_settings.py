"""Settings: one table, one precedence, strict files, and secrets that stay out of golf.toml."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfkit import settings
from golfkit.errors import GolfError

NAMED_BY_THE_DESIGN = {
    "TOTAL_COMPUTE_CREDITS",
    "RUNPOD_MIN_RESERVE",
    "RUNPOD_API_KEY",
    "RUNPOD_TEMPLATE_ID",
    "LOCAL_PROMOTION_THRESHOLD",
    "SINCE_HOURS",
    "S2_API_KEY",
    "GITHUB_TOKEN",
    "TAVILY_API_KEY",
    "TAVILY_MONTHLY_BUDGET_USD",
    "BUCKET",
    "AGENT_ID",
    "HF_TOKEN",
}


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "golf.toml").write_text("")
    return tmp_path


def declared():
    return dataclasses.fields(settings.Settings)


def test_every_name_that_the_design_keeps_is_declared():
    assert {field.metadata["env"] for field in declared()} >= NAMED_BY_THE_DESIGN


def test_every_setting_has_help_and_a_default_of_its_type():
    for field in declared():
        assert field.metadata["help"].endswith(".")
        assert field.default is None or isinstance(field.default, field.type)


def test_a_flag_beats_the_environment_beats_dotenv_beats_golf_toml_beats_the_default(workspace):
    env = {"TOTAL_COMPUTE_CREDITS": "4"}
    assert settings.load({}, workspace).total_compute_credits == 500
    (workspace / "golf.toml").write_text("total_compute_credits = 2\n")
    assert settings.load({}, workspace).total_compute_credits == 2
    (workspace / ".env").write_text("TOTAL_COMPUTE_CREDITS=3\n")
    assert settings.load({}, workspace).total_compute_credits == 3
    assert settings.load(env, workspace).total_compute_credits == 4
    assert settings.load(env, workspace, total_compute_credits=5.0).total_compute_credits == 5
    assert settings.load(env, workspace, total_compute_credits=None).total_compute_credits == 4


def test_a_variable_that_is_set_but_empty_counts_as_unset():
    assert settings.load({"TOTAL_COMPUTE_CREDITS": "", "AGENT_ID": ""}, None) == settings.Settings()


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("\n\nartefact_limit = 5\n", "golf.toml:3: unknown key 'artefact_limit', expected one of artifact_limit,"),
        ("[contest]\nmetric = 'x'\n", "golf.toml:1: unknown key 'contest'"),
        ("artifact_limit = '16 MB'\n", "golf.toml:1: artifact_limit is '16 MB', expected a whole number"),
        ("artifact_limit = 1.5\n", "golf.toml:1: artifact_limit is 1.5, expected a whole number"),
        ("artifact_limit = true\n", "golf.toml:1: artifact_limit is True, expected a whole number"),
        ("artifact_limit = -1\n", "golf.toml:1: artifact_limit is -1, expected a whole number"),
        ("artifact_limit = 0\n", "artifact_limit is 0, expected a whole number, 1 or more"),
        (f"artifact_limit = 1{'0' * 400}\n", "expected a whole number, 1 or more"),
        (f"baseline = 1{'0' * 400}\n", "expected a number, 0 or more"),
        ("baseline = nan\n", "golf.toml:1: baseline is nan, expected a number"),
        ("metric = 5\n", "golf.toml:1: metric is 5, expected text in quotes"),
        ("metric = \n", "golf.toml: "),
        ("x = 1\nhf_token = 'hf_secret'\n", "unknown key 'x'"),
        (
            "hf_token = 'hf_secret'\n",
            "golf.toml:1: hf_token may not stand here; set HF_TOKEN in the environment or in .env",
        ),
        ("cache = '/x'\n", "golf.toml:1: cache may not stand here; set GOLF_CACHE in the environment"),
    ],
)
def test_golf_toml_is_read_strictly_and_never_shows_a_secret(workspace, toml, says):
    (workspace / "golf.toml").write_text(toml)
    with pytest.raises(GolfError) as caught:
        settings.load({}, workspace)
    assert says in str(caught.value)
    assert "hf_secret" not in str(caught.value)


def test_golf_toml_in_another_encoding_is_an_error(workspace):
    (workspace / "golf.toml").write_bytes(b"metric = '\xff'\n")
    with pytest.raises(GolfError, match="expected TOML in UTF-8"):
        settings.load({}, workspace)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("TOTAL_COMPUTE_CREDITS", "lots", "TOTAL_COMPUTE_CREDITS is 'lots', expected a number"),
        ("RUNPOD_MIN_RESERVE", "-1", "expected a number, 0 or more"),
        ("RUNPOD_MIN_RESERVE", "inf", "expected a number, 0 or more"),
        ("SINCE_HOURS", "1.5", "expected a whole number"),
        ("GOLF_RUNTIME", "fast", "GOLF_RUNTIME is 'fast', expected one of auto, native, jit, interpreted"),
    ],
)
def test_a_wrong_value_in_the_environment_is_named(name, value, says):
    with pytest.raises(GolfError) as caught:
        settings.load({name: value}, None)
    assert says in str(caught.value)


def test_dotenv_gives_secrets_and_settings_but_not_how_this_process_runs(workspace):
    (workspace / ".env").write_text(
        "# keys\n\nexport HF_TOKEN='hf a#b'\nGITHUB_TOKEN=\"gh\"  # mine\nS2_API_KEY = s2#x\nAGENT_ID=me\n"
        "GOLF_DEBUG=1\nGOLF_CACHE=/x\nOTHER_TOOLS_KEY=1\nRUNPOD_API_KEY=\n"
    )
    values = settings.load({}, workspace)
    assert (values.hf_token, values.github_token, values.s2_api_key, values.agent_id) == ("hf a#b", "gh", "s2#x", "me")
    assert (values.debug, values.cache, values.runpod_api_key) == (False, None, None)


@pytest.mark.parametrize(
    "line", ["HF_TOKEN", "HF_TOKEN='secret", "HF_TOKEN=secret key", "1X=secret", "HF_TOKEN=se'cret"]
)
def test_a_dotenv_line_that_cannot_be_read_is_named_but_not_shown(workspace, line):
    (workspace / ".env").write_text(f"A=1\n{line}\n")
    with pytest.raises(GolfError, match=r"\.env:2: not a NAME=value line") as caught:
        settings.load({}, workspace)
    assert "secret" not in str(caught.value)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True), st.from_regex(r"[!-~]{0,20}", fullmatch=True)
    )
)
def test_single_quoted_dotenv_values_come_back_as_written(tmp_path_factory, pairs):
    pairs = {name: value.replace("'", "") for name, value in pairs.items()}
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_text("".join(f"{name}='{value}'\n" for name, value in pairs.items()))
    assert settings.read_dotenv(path) == pairs


def test_secrets_are_left_out_of_the_settings_text():
    shown = repr(settings.load({"HF_TOKEN": "hf_secret", "AGENT_ID": "me"}, None))
    assert "hf_secret" not in shown
    assert "me" in shown


def test_the_workspace_is_the_flags_else_here_or_a_parent_else_the_environments(tmp_path):
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for folder in (one, two, three):
        folder.mkdir()
        (folder / "golf.toml").touch()
    inside = one / "runs" / "local_1"
    inside.mkdir(parents=True)
    env = {"GOLF_WORKSPACE": str(two)}
    assert settings.find_workspace(inside, env, three) == three
    assert settings.find_workspace(inside, env) == one
    assert settings.find_workspace(tmp_path, env) == two
    assert settings.find_workspace(tmp_path, {}) is None


def test_a_named_workspace_without_golf_toml_is_an_error(tmp_path):
    with pytest.raises(GolfError, match="named by GOLF_WORKSPACE, but holds no golf"):
        settings.find_workspace(tmp_path, {"GOLF_WORKSPACE": str(tmp_path)})


def test_the_cache_follows_golf_cache_then_xdg_then_the_home_folder(tmp_path):
    assert settings.cache_folder({"GOLF_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert settings.cache_folder({"XDG_CACHE_HOME": "/b"}) == Path("/b/golfkit")
    assert settings.cache_folder({}) == Path.home() / ".cache" / "golfkit"


@pytest.mark.parametrize(
    ("text", "on"), [(None, False), ("", False), ("0", False), ("False", False), ("1", True), ("yes", True)]
)
def test_a_switch_is_on_when_it_is_set_and_not_to_no(text, on):
    assert settings.is_on(text) is on


def test_a_flag_that_is_no_setting_is_a_programmers_error():
    with pytest.raises(TypeError, match="no setting is named limit"):
        settings.load({}, None, limit=5)
