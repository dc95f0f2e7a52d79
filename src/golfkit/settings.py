"""Every setting of golf, declared once; docs/settings.md is generated from this table.

Precedence: flag > environment > .env of the workspace > golf.toml of the workspace > default. Secrets come from the
environment or .env only. Importing this module reads nothing: environment and workspace are arguments.
"""

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from golfkit.errors import GolfError

TOML = "golf.toml"
DOTENV = ".env"
MOST = 1e18  # above every size, price and time; keeps infinity out


def declare(
    default: Any,
    help: str,
    *,
    env: str | None = None,
    toml: bool = True,
    secret: bool = False,
    choices: tuple[str, ...] = (),
    least: int = 0,
) -> Any:
    """One setting.

    env      its name in the environment and in .env; None when it has none
    toml     whether golf.toml may hold it (under the field's name)
    secret   a credential: never in golf.toml, never printed
    choices  the only values allowed, where there are some
    least    the smallest number allowed
    """
    marks = {
        "help": help,
        "env": env,
        "toml": toml and not secret,
        "secret": secret,
        "choices": choices,
        "least": least,
    }
    return field(default=default, metadata=marks, repr=not secret)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings in force."""

    artifact_limit: int = declare(16_000_000, "Bytes that code plus compressed weights may have.", least=1)
    metric: str = declare("val_bpb", "Name of the contest's score; lower is better.")
    training_seconds: int = declare(600, "Seconds of training allowed on the contest's machine.", least=1)
    baseline: float = declare(1.2244, "Score of the organisers' reference model, in bits per byte.")
    sota: float = declare(1.1194, "Best known score, in bits per byte, before any of one's own.")
    baseline_split: str = declare(
        "launch validation split, 63,779,840 tokens; on today's the same model scores 1.2269 to 1.2284",
        "Which validation text the baseline's score is of; shown beside every delta from it.",
    )
    gpu: str = declare("8xH100 SXM", "The contest's machine.")
    gpu_rate_usd: float = declare(20.0, "Price of the contest's machine, dollars an hour.")
    total_compute_credits: float = declare(500.0, "Dollars to spend on rented machines.", env="TOTAL_COMPUTE_CREDITS")
    runpod_min_reserve: float = declare(50.0, "Dollars of the credits that may not be spent.", env="RUNPOD_MIN_RESERVE")
    local_promotion_threshold: float = declare(
        0.03,
        "Gain over the running local baseline that a promotion needs (0.03 = 3%).",
        env="LOCAL_PROMOTION_THRESHOLD",
    )
    runpod_template_id: str | None = declare(None, "RunPod template of the pods.", env="RUNPOD_TEMPLATE_ID")
    pod_provider: str = declare(
        "rest2", "How pods are rented: RunPod's REST v2, or the runpod package (GraphQL).", choices=("rest2", "sdk")
    )
    pod_gpu: str = declare("NVIDIA H100 80GB HBM3", "RunPod's name of the pod's GPU.")
    pod_gpu_count: int = declare(8, "GPUs of a pod; torchrun starts one process on each.", least=1)
    pod_cloud: str = declare("SECURE", "Which of RunPod's clouds.", choices=("SECURE", "COMMUNITY"))
    pod_data_centers: str = declare("", "Data centres to try in turn, as US-KS-2,EU-RO-1; empty: any.")
    pod_image: str = declare(
        "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404", "Image of the pods, where no template is set."
    )
    pod_disk_gb: int = declare(50, "Disk of a pod in GB; the training data lies there, too.", least=10)
    pod_network_volume_id: str | None = declare(None, "Network volume of the pods, mounted at /workspace.")
    pod_folder: str = declare("/workspace/golf", "Folder of the runs on the rented or own machine.")
    pod_command: str = declare(
        "torchrun --standalone --nproc_per_node={gpus} train_gpt.py",
        "What trains one seed, in a folder that holds train_gpt.py; {gpus} is pod_gpu_count.",
    )
    pod_data_command: str = declare(
        "",
        "Shell command that puts the training data at DATA_PATH on the machine, run there in pod_folder; "
        "empty: the template or volume has it.",
    )
    pod_data_path: str = declare("data/datasets/fineweb10B_sp1024", "DATA_PATH on the machine, from pod_folder.")
    pod_tokenizer_path: str = declare(
        "data/tokenizers/fineweb_1024_bpe.model", "TOKENIZER_PATH on the machine, from pod_folder."
    )
    pod_boot_minutes: float = declare(15.0, "Longest wait for a pod to answer; past it the pod is terminated.")
    pod_setup_minutes: float = declare(10.0, "Longest time for copying to the pod and its data command.")
    pod_run_minutes: float = declare(25.0, "Longest time for one seed: compiling, training, scoring.")
    pod_collect_minutes: float = declare(5.0, "Longest time for copying the results back.")
    pod_lost_seconds: float = declare(
        120.0, "How long a create call without an answer may still bring a pod; it is looked for by name."
    )
    pod_timer: bool = declare(
        False, "A timer inside the pod terminates it by runpodctl at the deadline, if this machine loses power."
    )
    promotions_per_hour: int = declare(1, "Runs on rented machines that may start within an hour.", least=1)
    runpod_api_base_url: str = declare(
        "https://api.runpod.io", "Where RunPod's API answers.", env="RUNPOD_API_BASE_URL"
    )
    ssh_key: str | None = declare(
        None,
        "Private ssh key for machines; default: a new one for each pod, ssh's own choice with --tier ssh.",
        env="GOLF_SSH_KEY",
    )
    since_hours: int = declare(
        48,
        "How far back the first fetch of a source looks, and how far successive ones overlap, in hours.",
        env="SINCE_HOURS",
    )
    tavily_monthly_budget_usd: float = declare(
        5.0, "Dollars a month for Tavily searches.", env="TAVILY_MONTHLY_BUDGET_USD"
    )
    research_contact: str = declare("", "Address in the User-Agent of research's requests, for the sources' operators.")
    request_timeout_seconds: float = declare(30.0, "Longest wait for one answer of a research source.")
    longest_wait_seconds: float = declare(
        60.0, "Longest wait that a source may ask for (Retry-After) within a run; past it, the next run asks again."
    )
    arxiv_api_url: str = declare(
        "https://export.arxiv.org/api/query", "Where arXiv's API answers.", env="ARXIV_API_URL"
    )
    arxiv_url: str = declare("https://arxiv.org", "Where papers are read in full.", env="ARXIV_URL")
    openreview_api_url: str = declare(
        "https://api2.openreview.net", "Where OpenReview's API answers.", env="OPENREVIEW_API_URL"
    )
    semantic_scholar_api_url: str = declare(
        "https://api.semanticscholar.org/graph/v1", "Where Semantic Scholar's answers.", env="SEMANTIC_SCHOLAR_API_URL"
    )
    github_api_url: str = declare("https://api.github.com", "Where GitHub's API answers.", env="GITHUB_API_URL")
    tavily_api_url: str = declare("https://api.tavily.com", "Where Tavily's API answers.", env="TAVILY_API_URL")
    llm_wire: str = declare(
        "auto",
        "Wire format of the grader's model; auto: anthropic where its key is set and OpenAI's is not, else openai.",
        env="GOLF_LLM_WIRE",
        choices=("auto", "openai", "anthropic"),
    )
    llm_base_url: str = declare(
        "",
        "Where the model answers, without /chat/completions or /messages; empty: the vendor's.",
        env="GOLF_LLM_BASE_URL",
    )
    llm_model: str = declare("", "Model that grades and verifies; empty: the offline grader.", env="GOLF_LLM_MODEL")
    llm_timeout_seconds: float = declare(
        300.0, "Longest wait for one answer of the model; a small one on one's own machine needs minutes."
    )
    llm_max_tokens: int = declare(200_000, "Tokens, in and out, that one grade or verify may use.")
    llm_max_usd: float = declare(1.0, "Dollars that one grade or verify may cost, where the prices are set.")
    llm_input_usd_per_mtok: float = declare(0.0, "Price of a million input tokens; 0: not known.")
    llm_output_usd_per_mtok: float = declare(0.0, "Price of a million output tokens; 0: not known.")
    bucket: str | None = declare(None, "Collaboration bucket of the board, ORG/NAME.", env="BUCKET")
    agent_id: str | None = declare(None, "Name under which the board and results.json know this agent.", env="AGENT_ID")
    enwik8_url: str = declare("https://mattmahoney.net/dc/enwik8.zip", "Where golf data enwik8 downloads from.")
    matched_fineweb_repo_id: str = declare(
        "willdepueoai/parameter-golf",
        "Dataset repository on the Hugging Face hub that golf data fineweb reads.",
        env="MATCHED_FINEWEB_REPO_ID",
    )
    matched_fineweb_remote_root_prefix: str = declare(
        "datasets", "Folder of the FineWeb export in that repository.", env="MATCHED_FINEWEB_REMOTE_ROOT_PREFIX"
    )
    data_path: str = declare(
        "data/datasets/fineweb10B_sp1024",
        "Folder of the training and validation shards, from the workspace's folder.",
        env="DATA_PATH",
    )
    tokenizer_path: str = declare(
        "data/tokenizers/fineweb_1024_bpe.model",
        "SentencePiece model of the shards, from the workspace's folder; or the word bytes.",
        env="TOKENIZER_PATH",
    )
    runpod_api_key: str | None = declare(None, "RunPod key.", env="RUNPOD_API_KEY", secret=True)
    s2_api_key: str | None = declare(None, "Semantic Scholar key.", env="S2_API_KEY", secret=True)
    github_token: str | None = declare(None, "GitHub token, for reading.", env="GITHUB_TOKEN", secret=True)
    tavily_api_key: str | None = declare(None, "Tavily key.", env="TAVILY_API_KEY", secret=True)
    openreview_username: str | None = declare(None, "OpenReview login.", env="OPENREVIEW_USERNAME", secret=True)
    openreview_password: str | None = declare(None, "OpenReview password.", env="OPENREVIEW_PASSWORD", secret=True)
    openreview_token: str | None = declare(
        None, "OpenReview token, instead of the login.", env="OPENREVIEW_TOKEN", secret=True
    )
    openai_api_key: str | None = declare(None, "Key of the OpenAI-compatible model.", env="OPENAI_API_KEY", secret=True)
    anthropic_api_key: str | None = declare(None, "Anthropic key.", env="ANTHROPIC_API_KEY", secret=True)
    hf_token: str | None = declare(None, "Hugging Face token.", env="HF_TOKEN", secret=True)
    workspace: Path | None = declare(
        None, "The workspace, where neither here nor a parent is one.", env="GOLF_WORKSPACE", toml=False
    )
    debug: bool = declare(False, "Show tracebacks of user errors.", env="GOLF_DEBUG", toml=False)
    nojit: bool = declare(False, "Interpret the kernels (slow; for tests).", env="GOLF_NOJIT", toml=False)
    runtime: str = declare(
        "auto",
        "What runs the kernels.",
        env="GOLF_RUNTIME",
        toml=False,
        choices=("auto", "native", "jit", "interpreted"),
    )
    cache: Path | None = declare(
        None,
        "Folder for compiled kernels; default: $XDG_CACHE_HOME/golfkit, else ~/.cache/golfkit.",
        env="GOLF_CACHE",
        toml=False,
    )
    no_color: bool = declare(False, "Plain text on terminals.", env="NO_COLOR", toml=False)


def load(environ: Mapping[str, str], workspace: Path | None, **flags: Any) -> Settings:
    """The settings in force.

    workspace  the folder whose golf.toml and .env count; None for neither
    flags      values given on the command line, by field name; None where not given
    """
    known = {declared.name: declared for declared in fields(Settings)}
    values = read_toml(workspace / TOML) if workspace else {}
    for source, where in ((_dotenv(workspace), f"{workspace}/{DOTENV}"), (environ, "environment")):
        for declared in known.values():
            name = declared.metadata["env"]
            if name and source.get(name):  # set but empty means unset, as cron and CI leave it
                values[declared.name] = _parse(declared, source[name], f"{where}: {name}")
    for name, value in flags.items():
        if name not in known:
            raise TypeError(f"no setting is named {name}")
        if value is not None:
            values[name] = value
    return Settings(**values)


def find_workspace(start: Path, environ: Mapping[str, str], flag: Path | None = None) -> Path | None:
    """The workspace: the --workspace flag, else the folder here or above that holds golf.toml, else GOLF_WORKSPACE."""
    if flag is not None:
        return _workspace(flag, "--workspace")
    for folder in (start, *start.parents):
        if (folder / TOML).is_file():
            return folder
    named = environ.get("GOLF_WORKSPACE")
    return _workspace(Path(named), "GOLF_WORKSPACE") if named else None


def require_workspace(start: Path, environ: Mapping[str, str], flag: Path | None = None) -> Path:
    """`find_workspace` for commands that cannot do without one."""
    home = find_workspace(start, environ, flag)
    if home is None:
        raise GolfError(
            "no workspace here or above: no golf.toml; make one with golf init, or name it with --workspace"
        )
    return home


def is_on(text: str | None) -> bool:
    """Whether a switch of the environment is on: set, and not to 0, false or no."""
    return (text or "0").lower() not in ("0", "false", "no")


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where compiled kernels are kept."""
    chosen = load(environ, None).cache
    if chosen is not None:
        return chosen
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "golfkit"


def read_toml(path: Path) -> dict[str, Any]:
    """The settings that a golf.toml holds, by field name; unknown keys, secrets and wrong types are errors."""
    import tomllib

    try:
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GolfError(f"{path}: {error}; expected TOML in UTF-8, correct it there") from error
    allowed = {declared.name: declared for declared in fields(Settings) if declared.metadata["toml"]}
    elsewhere = {declared.name: declared for declared in fields(Settings) if not declared.metadata["toml"]}
    for key, value in table.items():
        where = f"{path}:{_line_of(key, text)}"
        if key in elsewhere:
            env = elsewhere[key].metadata["env"]
            raise GolfError(
                f"{where}: {key} may not stand here; set {env} in the environment{_or_dotenv(elsewhere[key])}"
            )
        if key not in allowed:
            raise GolfError(f"{where}: unknown key {key!r}, expected one of {', '.join(allowed)}; remove or correct it")
        table[key] = _check(allowed[key], value, f"{where}: {key}")
    return table


def read_dotenv(path: Path) -> dict[str, str]:
    """The `NAME=value` lines of a .env file: `export`, quotes, blank lines and # comments are understood, no more."""
    values = {}
    for n, line in enumerate(path.read_text("utf-8").split("\n"), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        match = _DOTENV_LINE.fullmatch(text)
        if match is None:  # the line may hold a secret, so it is not shown
            raise GolfError(f"{path}:{n}: not a NAME=value line; correct it, or put a # before it")
        name, single, double, bare = match.groups()
        values[name] = next((value for value in (single, double, bare) if value is not None), "")
    return values


_DOTENV_LINE = re.compile(
    r"""(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?:'([^']*)'|"([^"\\]*)"|([^\s'"#][^\s'"]*)?)(?:\s+\#.*)?"""
)


def _workspace(folder: Path, named_by: str) -> Path:
    if not (folder / TOML).is_file():
        raise GolfError(
            f"{folder}: named by {named_by}, but holds no {TOML}; put one there (it may be empty), or name another"
        )
    return folder.absolute()


def _dotenv(workspace: Path | None) -> Mapping[str, str]:
    path = workspace / DOTENV if workspace else None
    if path is None or not path.is_file():
        return {}
    local = {declared.metadata["env"] for declared in fields(Settings) if _in_dotenv(declared)}
    return {name: value for name, value in read_dotenv(path).items() if name in local}


def _in_dotenv(declared: Field[Any]) -> bool:
    """.env belongs to the workspace: it cannot choose the workspace or how this process runs."""
    return declared.metadata["secret"] or declared.metadata["toml"]


def _or_dotenv(declared: Field[Any]) -> str:
    return f" or in {DOTENV}" if _in_dotenv(declared) else ""


def _kind(declared: Field[Any]) -> type:
    """The type of a setting's value, without its `| None`."""
    args = [kind for kind in getattr(declared.type, "__args__", ()) if kind is not type(None)]
    return args[0] if args else declared.type  # type: ignore[return-value]


def _parse(declared: Field[Any], text: str, where: str) -> Any:
    """A setting's value from the environment's text."""
    kind = _kind(declared)
    if kind is bool:
        return is_on(text)
    if kind is Path:
        return Path(text).expanduser()
    if kind in (int, float):
        try:
            return _check(declared, kind(text), where)
        except ValueError as error:
            raise GolfError(f"{where} is {text!r}, expected {_expected(declared)}; correct it") from error
    return _check(declared, text, where)


def _check(declared: Field[Any], value: Any, where: str) -> Any:
    """`value` if it has the setting's type and is within its bounds."""
    kind = _kind(declared)
    if kind is float and type(value) is int and value < MOST:
        value = float(value)
    number = kind in (int, float)
    if type(value) is not kind or (number and not declared.metadata["least"] <= value < MOST):  # NaN is not in between
        raise GolfError(f"{where} is {value!r}, expected {_expected(declared)}; correct it")
    choices = declared.metadata["choices"]
    if choices and value not in choices:
        raise GolfError(f"{where} is {value!r}, expected one of {', '.join(choices)}; correct it")
    return value


def _expected(declared: Field[Any]) -> str:
    kinds = {int: "a whole number", float: "a number"}
    kind = _kind(declared)
    return f"{kinds[kind]}, {declared.metadata['least']} or more" if kind in kinds else "text in quotes"


def _line_of(key: str, text: str) -> int:
    """The line on which a top-level key or table of a TOML text stands; 1 when it cannot be told."""
    head = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((n for n, line in enumerate(text.split("\n"), start=1) if head.match(line)), 1)
