"""How sources ask: what one failure means for the rest."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from golfkit.research.fetch.protocol import Answer, Http, SourceError

T = TypeVar("T")
_REFUSED = (401, 403, 429, 432, 433)  # every further question would be answered the same; the last two are Tavily's


async def get(
    http: Http,
    url: str,
    *,
    params: Mapping[str, str | int] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to a question without a condition: there is always one."""
    answer = await http.get(url, params=params, headers=headers)
    if answer is None:
        raise SourceError(f"{url}: answered 304 to a question without a condition")
    return answer


async def in_turn(parts: Sequence[T], ask: Callable[[T], Awaitable[None]]) -> None:
    """Put questions to one service, one after the other.

    One that fails does not keep the others from being asked, unless the service is out of reach or refuses to talk.
    But the source has failed then: it was not read to the end, so its next run has to begin where this one did.
    """
    failures: list[SourceError] = []
    for part in parts:
        try:
            await ask(part)
        except SourceError as error:
            failures.append(error)
            if error.status is None or error.status in _REFUSED or error.status >= 500:
                break
    _raise(failures, len(parts))


async def at_once(parts: Sequence[T], ask: Callable[[T], Awaitable[None]]) -> None:
    """Put questions to services that have nothing to do with each other; one that fails says nothing of the others."""
    answers = await asyncio.gather(*(_failure(ask(part)) for part in parts))
    _raise([error for error in answers if error is not None], len(parts))


async def _failure(asking: Awaitable[None]) -> SourceError | None:
    try:
        await asking
    except SourceError as error:
        return error
    return None


def _raise(failures: Sequence[SourceError], n_asked: int) -> None:
    if not failures:
        return
    first = next((error for error in failures if error.status is not None), failures[0])  # others follow from it
    message = str(first) if n_asked == 1 else f"{len(failures)} of {n_asked} failed; {first}"
    waits = [error.retry_at for error in failures if error.retry_at is not None]
    raise SourceError(message, max(waits, default=None), status=first.status, body=first.body) from first
