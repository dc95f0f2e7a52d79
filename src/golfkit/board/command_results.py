"""`golf board result`: outcomes: count, list, read, post, verdict."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from golfkit import output
from golfkit.board import command_common as common
from golfkit.board.command_common import (
    AgentOption,
    BoardOption,
    DryRunFlag,
    EveryFlag,
    FileArgument,
    FirstOption,
    JsonFlag,
    LastOption,
    SinceOption,
)
from golfkit.board.posting import artifacts, evidence, publish
from golfkit.board.posting.publish import Author, Published
from golfkit.board.reading import catalogue
from golfkit.board.reading.catalogue import KIND_RESULTS
from golfkit.board.records import names, record
from golfkit.board.records.record import ENWIK8_BYTES, LEADERBOARD, STATUSES, Message, Result
from golfkit.errors import Exit, GolfError

BytesArgument = Annotated[
    int | None, typer.Argument(metavar="[BYTES]", min=1, help="Archive plus zipped decompressor.", show_default=False)
]
MethodArgument = Annotated[
    str | None, typer.Argument(metavar="[METHOD]", help="A short name for it.", show_default=False)
]
BodyArgument = Annotated[
    str | None, typer.Argument(metavar="[BODY|-]", help="More, as markdown; default: stdin.", show_default=False)
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="DIR", help="An artifact folder: bytes, method and evidence are read from it."),
]
BpcOption = Annotated[float | None, typer.Option("-c", "--bpc", min=0, help="Bits per character; default: computed.")]
ArtifactsOption = Annotated[
    str | None,
    typer.Option("-a", "--artifacts", metavar="PATH", help="Where they are on the board: artifacts/NAME_AGENT/."),
]
StatusOption = Annotated[
    str, typer.Option("-s", "--status", metavar="|".join(STATUSES), help="Leaderboard entry, or kept for posterity.")
]
DescriptionOption = Annotated[str | None, typer.Option("-d", "--description", help="One line for the leaderboard.")]
NegativeFlag = Annotated[bool, typer.Option("--negative", help="Same as -s negative: not on the leaderboard.")]
UnverifiedFlag = Annotated[bool, typer.Option("--unverified", help="Take --from a folder that no roundtrip certified.")]
UploadFlag = Annotated[bool, typer.Option("--upload/--no-upload", help="Put the artifact of --from on the board.")]
AnnounceFlag = Annotated[bool, typer.Option("--announce", help="Post the short message about it, too.")]
RefsOption = Annotated[
    list[str] | None, typer.Option("-r", "--refs", metavar="FILE", help="The plan that this is the outcome of.")
]
ResultArgument = Annotated[str, typer.Argument(metavar="FILE", help="The result that was restored again.")]
AgainOption = Annotated[
    Path, typer.Option("--from", metavar="DIR", help="Where its artifact was restored by golf roundtrip, here.")
]


def info(board: BoardOption = None, json: JsonFlag = False) -> None:
    """Count the results and name the latest."""
    common.info(KIND_RESULTS, board, json)


def show(
    last: LastOption = None,
    first: FirstOption = None,
    every: EveryFlag = False,
    since: SinceOption = None,
    board: BoardOption = None,
    json: JsonFlag = False,
) -> None:
    """List the files of results, oldest first; the last 10 unless said otherwise."""
    common.listing(
        KIND_RESULTS, common.chosen(common.opened(board).home, KIND_RESULTS, last, first, every, since), json
    )


def read(
    file: FileArgument = None,
    last: LastOption = None,
    first: FirstOption = None,
    every: EveryFlag = False,
    since: SinceOption = None,
    board: BoardOption = None,
    json: JsonFlag = False,
) -> None:
    """Read results with their bodies."""
    home = common.opened(board).home
    if file is not None:
        common.records(KIND_RESULTS.name, [catalogue.one(home, KIND_RESULTS, file)], json=json)
    else:
        common.reading(home, KIND_RESULTS, common.chosen(home, KIND_RESULTS, last, first, every, since), json)


def post(
    n_bytes: BytesArgument = None,
    method: MethodArgument = None,
    body: BodyArgument = None,
    folder: FromOption = None,
    bpc: BpcOption = None,
    place: ArtifactsOption = None,
    status: StatusOption = LEADERBOARD,
    description: DescriptionOption = None,
    negative: NegativeFlag = False,
    unverified: UnverifiedFlag = False,
    upload: UploadFlag = True,
    announce: AnnounceFlag = False,
    refs: RefsOption = None,
    board: BoardOption = None,
    agent: AgentOption = None,
    dry_run: DryRunFlag = False,
    json: JsonFlag = False,
) -> None:
    """Post a result: BYTES METHOD by hand, or --from an artifact folder, which is checked first.

    From a folder it refuses (exit 1) what is altered, what no roundtrip certified, and a leaderboard entry that is not
    of the whole enwik8. Numbers given by hand stand as unverified.
    """
    if status not in STATUSES:
        raise GolfError(f"-s {status!r:.40}: expected one of {', '.join(STATUSES)}", Exit.USAGE)
    status = "negative" if negative else status
    found = common.opened(board, agent)
    by = common.author(found)
    if folder is not None:
        if n_bytes is not None or bpc is not None:
            raise GolfError("BYTES and -c: not with --from, which reads them from results.json", Exit.USAGE)
        proof = evidence.gather(folder, status=status, unverified=unverified)
        place = place or (artifacts.place(folder, by.agent) if upload else None)
        one = _from(proof, by, description)
    elif n_bytes is None or method is None:
        raise GolfError("expected BYTES METHOD, or --from an artifact folder", Exit.USAGE)
    else:
        one = _by_hand(by, n_bytes, method, bpc, status, description)
    one = dataclasses.replace(
        one, artifacts=place, refs=tuple(refs or ()), body=common.body_of(body, needed=False).strip()
    )
    _check(one)
    _send(by, one, folder if upload else None, announce=announce, dry_run=dry_run, json=json)


def verdict(
    file: ResultArgument,
    folder: AgainOption,
    board: BoardOption = None,
    agent: AgentOption = None,
    dry_run: DryRunFlag = False,
    json: JsonFlag = False,
) -> None:
    """Post whether another's result holds, after golf board artifact get and golf roundtrip; exit 1: it does not."""
    found = common.opened(board, agent)
    by = common.author(found)
    one = catalogue.one(found.home, KIND_RESULTS, file)
    if one.agent == by.agent:
        raise GolfError(f"{one.file}: is your own; a verdict is another agent's", Exit.NO)
    posted = artifacts.posted_results(found.home, one)
    problems = evidence.second_opinion(folder, one.bytes, posted)
    said = "holds" if not problems else "no"
    text = f"restored {one.artifacts} again: " + (
        "identical, and the bytes are as posted" if not problems else "; ".join(problems)
    )
    message = Message(
        file="",
        agent=by.agent,
        when=by.now,
        body=text,
        refs=(f"{names.RESULTS}/{one.file}",),
        extra=(("verdict", said),),
    )
    written = record.write_message(message)
    if dry_run:
        output.text(written)
    else:
        publish.require_registration(found.home, by.agent)
        common.report(publish.publish(by, names.MESSAGES, written), {"verdict": said}, json=json)
    if problems:
        raise GolfError(f"{one.file}: {problems[0]}", Exit.NO)


def _by_hand(by: Author, n_bytes: int, method: str, bpc: float | None, status: str, description: str | None) -> Result:
    return Result(
        file="",
        agent=by.agent,
        when=by.now,
        method=method,
        bytes=n_bytes,
        bpc=round(8 * n_bytes / ENWIK8_BYTES, 3) if bpc is None else bpc,
        status=status,
        description=description or method,
        extra=(("verified", "no: numbers given by hand"),),
    )


def _from(proof: evidence.Evidence, by: Author, description: str | None) -> Result:
    return Result(
        file="",
        agent=by.agent,
        when=by.now,
        method=proof.method,
        bytes=proof.n_bytes,
        bpc=proof.bpc,
        status=proof.status,
        description=description or proof.description,
        extra=proof.extra,
    )


def _check(one: Result) -> None:
    """Refuse what a reader would call broken."""
    again = record.read_result(names.file_name(one.when, one.agent), record.write_result(one).encode())  # type: ignore[arg-type]
    if again.problems:
        raise GolfError(f"this result would be broken: {again.problems[0]}", Exit.USAGE)


def _send(by: Author, one: Result, folder: Path | None, *, announce: bool, dry_run: bool, json: bool) -> None:
    text = record.write_result(one)
    if dry_run:
        output.text(text)
        return
    publish.require_registration(by.home, by.agent)
    files = [] if folder is None or one.artifacts is None else artifacts.upload(by.home, folder, one.artifacts)
    posted = publish.publish(by, names.RESULTS, text)
    more = {
        "bytes": one.bytes,
        "bpc": one.bpc,
        "status": one.status,
        "verified": one.field("verified"),
        "uploaded": len(files),
    }
    if announce:
        more["announced"] = _announce(by, one, posted).file
    common.report(posted, more, json=json)


def _announce(by: Author, one: Result, posted: Published) -> Published:
    """The short message that shows the result beside its plan."""
    bpc = "" if one.bpc is None else f", {one.bpc:.3f} bpc"
    text = f"result: {one.method}: {one.bytes:,} bytes{bpc} ({one.status}). {one.description}\n\n{posted.path}"
    text += f", {one.artifacts}" if one.artifacts else ""
    message = Message(file="", agent=by.agent, when=by.now, body=text, refs=(posted.path, *one.refs))
    return publish.publish(by, names.MESSAGES, record.write_message(message))
