"""`golf data enwik8`, `fineweb` and `inspect`: the contests' inputs, fetched and checked; what shards hold."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from golfkit import output, settings
from golfkit.errors import GolfError, missing_package
from golfkit.train.data import accounting, dataset, download, shards, tokenizers
from golfkit.train.data import fineweb as contest

ZIP_BYTES = 36_445_475  # enwik8.zip, for the progress bar only
TIMEOUT_S = 30  # without a byte
SHOWN = 200  # characters of text

OutOption = Annotated[Path, typer.Option(metavar="DIR", help="Folder to put the file into.")]
DataOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for datasets/ and tokenizers/.")]
VariantOption = Annotated[
    str, typer.Option(metavar="NAME", help=f"Tokenizer of the shards: {', '.join(contest.VARIANTS)}.")
]
TrainShardsOption = Annotated[
    int, typer.Option(min=0, metavar="N", help="Training shards, from the first; each is 100,000,000 tokens.")
]
WithDocsFlag = Annotated[bool, typer.Option("--with-docs", help="Fetch the text of the documents, too (large).")]
ShardsArgument = Annotated[
    Path, typer.Argument(metavar="SHARD|DIR", help="A shard, or a folder of them.", show_default=False)
]
TokenizerOption = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="bytes, or a SentencePiece .model: adds bytes of text and how they begin.",
        show_default=False,
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def enwik8(out: OutOption = Path("."), json: JsonFlag = False) -> None:
    """Fetch enwik8, the first 10^8 bytes of English Wikipedia, and check its md5.

    A download that was cut goes on where it stopped.
    """
    try:
        import httpx
    except ModuleNotFoundError as error:
        raise missing_package("httpx") from error
    values = settings.load(os.environ, settings.find_workspace(Path.cwd(), os.environ))
    fixed = download.enwik8(values.enwik8_url)
    with (
        httpx.Client(follow_redirects=True, timeout=TIMEOUT_S) as client,
        output.progress("enwik8", ZIP_BYTES) as meter,
    ):
        installed = download.install(fixed, out, client, meter.advance)
    output.note(f"{installed.path}: {'downloaded' if installed.fetched else 'already there'}, and right")
    output.note(f"next: golf compress {installed.path}")
    output.emit({"path": str(installed.path), "bytes": fixed.n_bytes, "md5": fixed.md5}, as_json=json)


def fineweb(
    variant: VariantOption = "sp1024",
    train_shards: TrainShardsOption = 1,
    out: DataOption = Path("data"),
    with_docs: WithDocsFlag = False,
    json: JsonFlag = False,
) -> None:
    """Fetch the contest's FineWeb: all validation shards, N training shards, the tokenizer and the manifest.

    Files that are there and whole are not fetched again, so that a call that was cut goes on. The repository is
    MATCHED_FINEWEB_REPO_ID, and MATCHED_FINEWEB_REMOTE_ROOT_PREFIX in it.
    """
    values = settings.load(os.environ, settings.find_workspace(Path.cwd(), os.environ))
    remote = contest.Remote(values.matched_fineweb_repo_id, values.matched_fineweb_remote_root_prefix, values.hf_token)
    wanted = contest.Wanted(variant, train_shards, with_docs)
    with output.progress(variant, contest.count(wanted), unit="files") as meter:
        fetched = contest.fetch(remote, wanted, out, lambda name: meter.advance(1, name))
    output.note(f"{fetched.dataset}: {fetched.n_fetched} of {len(fetched.files)} files fetched, the others were there")
    output.note(f"next: golf data inspect {fetched.dataset} --tokenizer {fetched.tokenizer}")
    record = fetched._asdict() | {"dataset": str(fetched.dataset), "tokenizer": str(fetched.tokenizer)}
    output.emit(record, as_json=json)


def inspect(path: ShardsArgument, tokenizer: TokenizerOption = None, json: JsonFlag = False) -> None:
    """Check shards, and say what is in them: tokens, documents, ids, bytes a token; exit 3 on a damaged one."""
    paths = sorted(path.glob("*.bin")) if path.is_dir() else [path]
    if not paths:
        raise GolfError(f"{path}: no .bin there, expected shards; make them with golf data pack")
    known = tokenizers.load_tokenizer(tokenizer) if tokenizer else None
    luts = accounting.byte_luts(known.source) if known else None
    rows = [_inspected(item, known, luts) for item in paths]
    if len(rows) == 1:
        output.emit(rows[0], as_json=json)
    elif json:
        output.emit({"shards": rows}, as_json=True)
    else:
        columns = [key for key in rows[0] if key != "text"]
        output.table(columns, [[row[key] for key in columns] for row in rows])


def _inspected(path: Path, tokenizer: tokenizers.Tokenizer | None, luts: accounting.Luts | None) -> dict[str, Any]:
    import numpy as np

    tokens = shards.read_shard(path)
    bos = tokenizer.bos_id if tokenizer else accounting.BOS
    record: dict[str, Any] = {
        "path": str(path),
        "tokens": len(tokens),
        "documents": int(np.count_nonzero(tokens == bos)),
        "min_id": int(tokens.min()) if len(tokens) else None,
        "max_id": int(tokens.max()) if len(tokens) else None,
    }
    if tokenizer is None or luts is None:
        return record
    dataset.check_ids(path, tokens, tokenizer)
    checked = accounting.check_bytes_per_token(luts, tokens, tokenizer.source) if len(tokens) > 1 else None
    return record | {
        "bytes": checked.bytes if checked else None,
        "bytes_per_token": round(checked.bytes_per_token, 6) if checked else None,
        "text": tokenizer.decode(tokens[:SHOWN])[:SHOWN],
    }
