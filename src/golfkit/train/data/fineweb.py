"""The contest's FineWeb shards, tokenizer and manifest, fetched from its dataset repository on the Hugging Face hub.

Each file is complete and checked before it gets its name, and is not fetched again: a call that was cut goes on with
the files that are missing. The layout is that of the contest's own script: datasets/NAME/, tokenizers/, manifest.json.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from golfkit.errors import Exit, GolfError, missing_package
from golfkit.train.data import manifest, shards

VARIANTS = ("byte260", "sp1024", "sp4096", "sp8192")  # those of the contest's README; others are passed on
DOCUMENTS = ("docs_selected.jsonl", "docs_selected.source_manifest.json")

OnFile = Callable[[str], None]


class Remote(NamedTuple):
    """Where the files come from."""

    repository: str  # OWNER/NAME of a dataset repository
    prefix: str  # folder of the export in it
    token: str | None
    endpoint: str | None = None  # None: the hub, or HF_ENDPOINT


class Wanted(NamedTuple):
    """What to fetch; train_shards counts from the first."""

    variant: str
    train_shards: int
    with_docs: bool


class Fetched(NamedTuple):
    """Where the dataset is."""

    dataset: Path
    tokenizer: Path
    files: list[str]
    n_fetched: int  # the others were there


def fetch(remote: Remote, wanted: Wanted, out: Path, on_file: OnFile = lambda name: None) -> Fetched:
    """Make sure that the shards of a variant, its tokenizer and the manifest are in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".fetch-") as stage:
        source = _Source(remote, out, Path(stage), on_file)
        n_fetched = source.ensure(manifest.NAME)
        dataset = f"fineweb10B_{wanted.variant}"
        entry = manifest.read_manifest(out / manifest.NAME, dataset)
        if not 0 <= wanted.train_shards <= entry.train_files:
            found = f"--train-shards is {wanted.train_shards}"
            raise GolfError(f"{found}, expected 0 to {entry.train_files}, what {dataset} has", Exit.USAGE)
        tokenizer = _tokenizer_files(entry)
        names = [*tokenizer, *(f"datasets/{dataset}/fineweb_val_{i:06d}.bin" for i in range(entry.val_files))]
        names += [f"datasets/{dataset}/fineweb_train_{i:06d}.bin" for i in range(wanted.train_shards)]
        names += DOCUMENTS if wanted.with_docs else ()
        n_fetched += sum(source.ensure(name) for name in names)
    return Fetched(out / "datasets" / dataset, out / tokenizer[0], [manifest.NAME, *names], n_fetched)


def count(wanted: Wanted) -> int:
    """About how many files `fetch` looks for; for the progress bar."""
    return 4 + wanted.train_shards + (len(DOCUMENTS) if wanted.with_docs else 0)


def _tokenizer_files(entry: manifest.Manifest) -> list[str]:
    """Paths of the tokenizer's files in the export; the model first."""
    record = next(item for item in entry.record["tokenizers"] if item["name"] == entry.tokenizer_name)
    paths = [str(record[key]) for key in ("model_path", "vocab_path", "path") if record.get(key)]
    unsafe = [path for path in paths if Path(path).is_absolute() or ".." in Path(path).parts]
    if not paths or unsafe:
        found = f"tokenizer files {', '.join(unsafe) or 'none'}"
        raise GolfError(
            f"{entry.path}: {found}, expected paths below its folder; remove it and fetch again", Exit.REMOTE
        )
    return paths


class _Source(NamedTuple):
    """A remote, the folder that its files belong in, and the one that they grow in."""

    remote: Remote
    out: Path
    stage: Path
    on_file: OnFile

    def ensure(self, name: str) -> bool:
        """Make sure that a file is there, and say whether it had to be fetched."""
        path = self.out / name
        there = path.exists()
        if there and path.suffix == ".bin":
            shards.shard_tokens(path)  # whole, or an error that names it
        if not there:
            staged = self._download(name)
            try:
                if path.suffix == ".bin":
                    shards.shard_tokens(staged)
            except GolfError as error:
                raise GolfError(f"{self.remote.repository}: {error}", Exit.REMOTE) from error
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged, path)
        self.on_file(name)
        return not there

    def _download(self, name: str) -> Path:
        """The file, complete, below the stage."""
        try:
            import huggingface_hub
            from huggingface_hub import errors, utils
        except ModuleNotFoundError as error:
            raise missing_package("huggingface_hub") from error
        transport = errors.HfHubHTTPError.__bases__[0]  # the error of the HTTP client in use: httpx or its successor
        remote = self.remote
        filename = f"{remote.prefix}/{name}".lstrip("/")
        utils.disable_progress_bars()  # golf draws its own
        utils.logging.set_verbosity_error()  # and says in one line what went wrong
        where = {"repo_id": remote.repository, "repo_type": "dataset", "endpoint": remote.endpoint}
        try:
            # Asked first, because the download itself would try for 24 s where there is no network.
            huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(filename=filename, **where), remote.token)
            found = huggingface_hub.hf_hub_download(
                filename=filename, local_dir=self.stage, token=remote.token, **where
            )
        except errors.HFValidationError as error:
            raise GolfError(f"{remote.repository}: {error}; correct MATCHED_FINEWEB_REPO_ID", Exit.USAGE) from error
        except (transport, errors.EntryNotFoundError, ConnectionError, errors.XetDownloadError) as error:
            cause = error.__cause__ or error  # of "cannot find the requested files in the local cache"
            reason = str(cause).split("\n")[0].strip() or type(cause).__name__
            fix = f"what is complete is kept, run it again to go on, or put the file into {self.out / name} by hand"
            raise GolfError(f"{remote.repository}/{filename}: {reason}; {fix}", Exit.REMOTE) from error
        return Path(found)
