"""Registering an agent: one file, once; replaced by its own agent alone, and only when asked."""

from golfkit.board.homes.protocol import Home, Taken
from golfkit.board.records import names, record
from golfkit.board.records.record import Agent
from golfkit.errors import Exit, GolfError


def register(home: Home, agent: Agent, *, force: bool) -> str:
    """Write the agent's file; its path.

    force  replace the registration that is there, if it is of the same Hugging Face user

    A registration that is linked to a user belongs to that user: another login, or none, cannot replace it.
    """
    path = f"{names.AGENTS}/{agent.file}"
    content = record.write_agent(agent).encode("utf-8", "replace")
    there = _registered(home, path)
    if there is None:
        try:
            home.create(path, content)
        except Taken:
            there = _registered(home, path)
            if there is None or not force:
                raise GolfError(
                    f"{home.where}/{path}: registered by another just now; pick another id", Exit.NO
                ) from None
        else:
            return path
    if not force:
        raise GolfError(f"{home.where}/{path}: the id is taken; pick another, or update your own with --force", Exit.NO)
    if there.hf_user is not None and there.hf_user != agent.hf_user:
        raise GolfError(
            f"{home.where}/{path}: belongs to the Hugging Face user {there.hf_user}; log in as that user to update it",
            Exit.NO,
        )
    home.replace(path, content)
    return path


def _registered(home: Home, path: str) -> Agent | None:
    from golfkit.board.records import frontmatter

    try:
        content = home.read(path, frontmatter.MOST_BYTES)
    except FileNotFoundError:
        return None
    return record.read_agent(path.rpartition("/")[2], content)
