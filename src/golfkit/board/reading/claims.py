"""Who works on what: claims are messages with `claim: TOPIC` and `expires: TIME`; the earliest that holds wins. Pure.

A claim holds from its upload, by the home's own clock where it has one, until it expires, at most MOST_HOURS later, or
its agent releases it (`released: yes`). While it holds, later claims of others on the same topic are void, and one of
the same agent extends it. So no file is ever overwritten, and every reader comes to the same holder.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from golfkit.board.records import names
from golfkit.board.records.record import Message

MOST_HOURS = 168  # a week; a longer claim would lock a topic for good
RELEASED = "released"


class Claim(NamedTuple):
    """A topic that is taken."""

    topic: str
    agent: str
    since: datetime
    expires: datetime
    file: str  # of the message that began it


def topic_of(text: str) -> str:
    """A topic as it is compared: words in lower case, single spaces."""
    return " ".join(text.lower().split())


def holders(messages: Iterable[Message], uploaded: Mapping[str, float | None], now: datetime) -> dict[str, Claim]:
    """The claims that hold at `now`, by topic.

    uploaded  the home's time of each message's file, Unix seconds; the file's own time counts where it has none
    """
    asked = []
    for message in messages:
        topic = topic_of(message.field("claim") or "")
        when = _when(message, uploaded.get(message.file))
        if topic and when is not None and when <= now:
            asked.append((when, message.file, topic, message))
    held: dict[str, Claim] = {}
    for when, file, topic, message in sorted(asked, key=lambda one: (one[0], names.order(one[1]))):
        current = held.get(topic)
        free = current is None or current.expires <= when
        if message.field(RELEASED) is not None:
            if current is not None and current.agent == message.agent:
                del held[topic]
        elif free:
            held[topic] = Claim(topic, message.agent, when, _expiry(message, when), file)
        elif current is not None and current.agent == message.agent:
            held[topic] = current._replace(expires=max(current.expires, _expiry(message, when)))
    return {topic: claim for topic, claim in sorted(held.items()) if claim.expires > now}


def _when(message: Message, uploaded: float | None) -> datetime | None:
    return message.when if uploaded is None else datetime.fromtimestamp(uploaded, UTC)


def _expiry(message: Message, when: datetime) -> datetime:
    """What the claim says, within the limit; where it says nothing that can be read it is void at once."""
    said = names.parse_time(message.field("expires"))
    return when if said is None else min(said, when + timedelta(hours=MOST_HOURS))
