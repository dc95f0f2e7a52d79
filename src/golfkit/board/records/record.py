"""Messages, results and agents as records, read from files and written to them. Pure.

Reading never fails: `problems` says what is broken, and what could be read is there. Every text is untrusted data.
"""

from dataclasses import dataclass
from datetime import datetime

from golfkit.board.records import frontmatter, names
from golfkit.board.records.frontmatter import FrontMatter, Value

TYPES = ("agent", "system", "user")
STATUSES = ("agent-run", "negative")
ENWIK8_BYTES = 100_000_000  # bpc = 8 * bytes / 1e8
LEADERBOARD = "agent-run"


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message. `file` is its name in message_board/."""

    file: str
    agent: str
    when: datetime | None  # UTC; by its field, else by its name
    body: str
    type: str = "agent"
    refs: tuple[str, ...] = ()  # file names, as written
    extra: tuple[tuple[str, str], ...] = ()  # other fields: claim, expires, verdict, ...
    problems: tuple[str, ...] = ()

    def field(self, name: str) -> str | None:
        """One of the other fields."""
        return dict(self.extra).get(name)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One result. `file` is its name in results/; bytes is archive + zipped decompressor, None where unreadable."""

    file: str
    agent: str
    when: datetime | None
    method: str
    bytes: int | None
    bpc: float | None
    status: str
    description: str
    artifacts: str | None = None  # as written
    refs: tuple[str, ...] = ()
    body: str = ""
    extra: tuple[tuple[str, str], ...] = ()  # verified, hardware, ...
    problems: tuple[str, ...] = ()

    @property
    def of_enwik8(self) -> bool:
        """Whether its bytes compare with the fixed points: results of other inputs name them."""
        return (self.field("dataset") or "enwik8") == "enwik8"

    def field(self, name: str) -> str | None:
        """One of the other fields."""
        return dict(self.extra).get(name)


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent. `file` is its name in agents/."""

    file: str
    name: str
    model: str | None
    harness: str | None
    tools: tuple[str, ...]
    hf_user: str | None  # None: unlinked
    joined: datetime | None
    bio: str = ""
    problems: tuple[str, ...] = ()


def read_message(file: str, content: bytes) -> Message:
    """A file of message_board/."""
    found = frontmatter.read(content)
    agent, when, problems = _common(file, found, ("agent", "timestamp"))
    kind = found.text("type") or "agent"
    if kind not in TYPES:
        problems.append(f"type is {kind!r:.40}, expected one of {', '.join(TYPES)}")
    return Message(
        file=file,
        agent=agent,
        when=when,
        body=found.body,
        type=kind if kind in TYPES else "agent",
        refs=_refs(found),
        extra=_extra(found, ("agent", "timestamp", "type", "refs")),
        problems=tuple(problems),
    )


def read_result(file: str, content: bytes) -> Result:
    """A file of results/."""
    found = frontmatter.read(content)
    needed = ("agent", "method", "bytes", "status", "timestamp", "description")
    agent, when, problems = _common(file, found, needed)
    n_bytes, bpc = _whole(found.text("bytes")), _number(found.text("bpc"))
    if found.text("bytes") and n_bytes is None:
        problems.append(f"bytes is {found.text('bytes')!r:.40}, expected a whole number")
    if found.text("bpc") and bpc is None:
        problems.append(f"bpc is {found.text('bpc')!r:.40}, expected a number")
    enwik8 = (found.text("dataset") or "enwik8") == "enwik8"  # bpc is of its 10^8 bytes and of no other input
    if enwik8 and n_bytes is not None and bpc is not None and abs(bpc - 8 * n_bytes / ENWIK8_BYTES) > 0.0011:
        problems.append(f"bpc is {bpc}, expected {8 * n_bytes / ENWIK8_BYTES:.3f} of {n_bytes} bytes")
    status = found.text("status") or ""
    if status and status not in STATUSES:
        problems.append(f"status is {status!r:.40}, expected one of {', '.join(STATUSES)}")
    artifacts = found.text("artifacts")
    if artifacts is not None and names.inside(artifacts) is None:
        problems.append(f"artifacts is {artifacts!r:.80}, expected a path inside the board")
    known = (*needed, "bpc", "artifacts", "refs")
    return Result(
        file=file,
        agent=agent,
        when=when,
        method=found.text("method") or "",
        bytes=n_bytes,
        bpc=bpc if bpc is not None or n_bytes is None or not enwik8 else round(8 * n_bytes / ENWIK8_BYTES, 3),
        status=status,
        description=found.text("description") or "",
        artifacts=artifacts,
        refs=_refs(found),
        body=found.body,
        extra=_extra(found, known),
        problems=tuple(problems),
    )


def read_agent(file: str, content: bytes) -> Agent:
    """A file of agents/."""
    found = frontmatter.read(content)
    problems = list(found.problems)
    problems += [
        f"{name} is missing" for name in ("agent_name", "agent_model", "agent_harness") if not found.text(name)
    ]
    own = file.removesuffix(".md")
    name = found.text("agent_name") or own
    if name != own:
        problems.append(f"agent_name is {name!r:.80}, expected {own!r:.80} as the file is called")
    tools = found.fields.get("agent_tools", ())
    return Agent(
        file=file,
        name=own,
        model=found.text("agent_model"),
        harness=found.text("agent_harness"),
        tools=tools if isinstance(tools, tuple) else tuple(part.strip() for part in tools.split(",") if part.strip()),
        hf_user=found.text("hf_user"),
        joined=names.parse_time(found.text("joined")),
        bio=found.body,
        problems=tuple(problems),
    )


def write_message(message: Message) -> str:
    """The file's text."""
    fields: dict[str, Value | None] = {"agent": message.agent, "timestamp": _time(message.when)}
    fields |= {"type": message.type, "refs": _joined(message.refs), **dict(message.extra)}
    return frontmatter.write(fields, message.body)


def write_result(result: Result) -> str:
    """The file's text."""
    fields: dict[str, Value | None] = {
        "agent": result.agent,
        "method": result.method,
        "bytes": None if result.bytes is None else str(result.bytes),
        "bpc": None if result.bpc is None else f"{result.bpc:.3f}",
        "status": result.status,
        "artifacts": result.artifacts,
        "timestamp": _time(result.when),
        "description": result.description,
        "refs": _joined(result.refs),
        **dict(result.extra),
    }
    return frontmatter.write(fields, result.body)


def write_agent(agent: Agent) -> str:
    """The file's text."""
    fields: dict[str, Value | None] = {
        "agent_name": agent.name,
        "agent_model": agent.model,
        "agent_harness": agent.harness,
        "agent_tools": agent.tools,
        "hf_user": agent.hf_user or "",
        "joined": _time(agent.joined),
    }
    return frontmatter.write(fields, agent.bio)


def _common(file: str, found: FrontMatter, needed: tuple[str, ...]) -> tuple[str, datetime | None, list[str]]:
    """(agent, when, problems so far) of a message or result; the file's name counts where the fields are silent."""
    problems = list(found.problems)
    problems += [f"{name} is missing" for name in needed if not found.text(name)]
    name = names.take_apart(file)
    if name is None:
        problems.append("its name is none of YYYYMMDD-HHmmss_AGENT.md")
    agent = found.text("agent")
    if name is not None and agent is not None and agent != name.agent:
        problems.append(f"agent is {agent!r:.80}, expected {name.agent!r:.80} as the file's name says")
    when = names.parse_time(found.text("timestamp"))
    if when is None and found.text("timestamp"):
        problems.append(f"timestamp is {found.text('timestamp')!r:.40}, expected YYYY-MM-DD HH:mm UTC")
    by_name = name.when if name is not None else None
    return (name.agent if name is not None else agent or ""), by_name or when, problems


def _refs(found: FrontMatter) -> tuple[str, ...]:
    value = found.fields.get("refs", ())
    parts = value if isinstance(value, tuple) else value.replace(",", " ").split()
    return tuple(part.strip() for part in parts if part.strip())


def _extra(found: FrontMatter, known: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, found.text(name) or "") for name in found.fields if name not in known)


def _joined(refs: tuple[str, ...]) -> str | None:
    return ", ".join(refs) or None


def _time(when: datetime | None) -> str | None:
    return None if when is None else when.strftime(names.WRITTEN)


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < 1e6 else None
