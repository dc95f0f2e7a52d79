"""`golf data pack` and `golf data tokenizer`: text into shards, and the tokenizer that does it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from golfkit import output
from golfkit.errors import Exit, GolfError
from golfkit.output import Meter
from golfkit.train.data import documents, packing, tokenizers

FilesArgument = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="Text, plain or as .xz, .gz, .zst; - is stdin.", show_default=False),
]
TokenizerOption = Annotated[
    str, typer.Option(metavar="MODEL", help="bytes, or a SentencePiece .model file.", show_default=False)
]
OutOption = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder for shards and manifest.json; may not hold any.", show_default=False)
]
ValDocsOption = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="The first N documents are for validation.", show_default=False),
]
ValFractionOption = Annotated[
    str | None,
    typer.Option(metavar="F", help="A share of the documents, evenly spread, is for validation.", show_default=False),
]
SplitOption = Annotated[
    str | None, typer.Option(metavar="SPLIT", help="All documents into train or val.", show_default=False)
]
ShardTokensOption = Annotated[int, typer.Option(min=1, metavar="N", help="Tokens in a shard.")]
RuleOption = Annotated[
    str,
    typer.Option(
        "--documents",
        metavar="RULE",
        help="What a document is: jsonl (field text of a line), wiki (<doc ...> to </doc>), lines, blank (paragraphs"
        f" joined to {documents.BLOCK} characters), file; auto: jsonl by name, wiki by the first line, else blank.",
    ),
]
NameOption = Annotated[str, typer.Option(metavar="NAME", help="How the shards' names begin.")]
VocabOption = Annotated[int, typer.Option(min=1, metavar="N", help="Tokens in the vocabulary.")]
PrefixOption = Annotated[
    Path, typer.Option("--out", metavar="PREFIX", help="Writes PREFIX.model and PREFIX.vocab.", show_default=False)
]
SampleOption = Annotated[
    int, typer.Option(min=1, metavar="BYTES", help="Text to train on, from the start; it is held in memory.")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def pack(
    files: FilesArgument,
    tokenizer: TokenizerOption,
    out: OutOption,
    val_docs: ValDocsOption = None,
    val_fraction: ValFractionOption = None,
    split: SplitOption = None,
    shard_tokens: ShardTokensOption = 100_000_000,
    rule: RuleOption = "auto",
    name: NameOption = "text",
    json: JsonFlag = False,
) -> None:
    """Pack documents into shards of the contest's format, each behind a BOS token, and write manifest.json.

    One of --val-docs, --val-fraction and --split is needed: the split into training and validation has no default.
    """
    choose = _chooser(val_docs, val_fraction, split)
    _check_rule(rule)
    if not name or "/" in name or name.startswith("."):
        raise GolfError(f"--name is {name!r}, expected the start of a file name", Exit.USAGE)
    known = tokenizers.load_tokenizer(tokenizer)
    with output.progress("pack", _total(files)) as meter:
        packed = packing.pack(
            files,
            out,
            known,
            choose,
            rule=rule,
            name=name,
            shard_tokens=shard_tokens,
            on_bytes=meter.advance,
        )
    used = {part: made for part, made in packed.splits.items() if made.files}
    record = {"manifest": str(packed.manifest), "tokenizer": known.name, "vocab_size": known.vocab_size}
    for part, made in used.items():
        counted = made._asdict() | {"files": len(made.files), "bytes_per_token": round(made.bytes / made.tokens, 6)}
        record[part] = counted
    output.note(f"next: golf data inspect {out} --tokenizer {tokenizer}")
    output.emit(record, as_json=json)


def tokenizer(
    files: FilesArgument,
    out: PrefixOption,
    vocab: VocabOption = 1024,
    rule: RuleOption = "auto",
    sample_bytes: SampleOption = 100_000_000,
    json: JsonFlag = False,
) -> None:
    """Train a SentencePiece BPE tokenizer with the contest's settings."""
    _check_rule(rule)
    with output.progress("read", _total(files)) as meter:
        made = tokenizers.train_tokenizer(_texts(files, rule, meter), vocab, out, sample_bytes)
    output.note(f"next: golf data pack FILE --tokenizer {made.model} --val-docs N --out DIR")
    output.emit(made._asdict() | {"model": str(made.model), "vocab": str(made.vocab)}, as_json=json)


def _texts(files: list[str], rule: str, meter: Meter) -> Iterator[str]:
    for file in files:
        yield from documents.read_documents(file, rule, [], meter.advance)


def _total(files: list[str]) -> int:
    return sum(documents.size(file) for file in files)


def _check_rule(rule: str) -> None:
    if rule not in documents.RULES:
        raise GolfError(f"--documents is {rule!r}, expected one of {', '.join(documents.RULES)}", Exit.USAGE)


def _chooser(val_docs: int | None, val_fraction: str | None, split: str | None) -> packing.Chooser:
    """The one way of splitting that was asked for; a default here is how training met validation text elsewhere."""
    if sum(option is not None for option in (val_docs, val_fraction, split)) != 1:
        ways = "--val-docs N, --val-fraction F and --split train|val"
        raise GolfError(f"expected exactly one of {ways}; say which documents are for validation", Exit.USAGE)
    if val_docs is not None:
        return packing.first_documents(val_docs)
    return packing.every_document(val_fraction) if val_fraction is not None else packing.one_split(split or "")
