"""The Hugging Face hub through its own client, made quick to give up, quiet, and plain about what went wrong.

huggingface_hub alone waits 23 s for a hub that is down, hf_xet two minutes, and neither has a time limit on an answer
that never comes. Here a request is tried three times within about a second, and the caller decides what waits.
"""

import contextlib
import functools
import os
import re
import time
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from golfkit.board.homes.protocol import Refused, Rejected, Unreachable
from golfkit.errors import Exit, missing_package

if TYPE_CHECKING:
    from huggingface_hub import HfApi

AGENT = "golfkit-board"  # in the User-Agent, by which the client knows its own requests
WAITS_S = (0.2, 0.8)  # before the second and the third try
PATIENCE_S = 3.0  # the longest Retry-After that is waited for
TIMEOUT_S = 30.0  # without a byte
BUSY = (408, 429, 500, 502, 503, 504)
XET = {  # hf_xet's own tries; a user's setting stays
    "HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "2",
    "HF_XET_CLIENT_RETRY_BASE_DELAY": "300ms",
    "HF_XET_CLIENT_CONNECT_TIMEOUT": "15s",
}
_STATUS = re.compile(r"HTTP status [a-z ]+\((\d{3}) ")


class _Busy(Exception):
    """The hub does not answer, or says: later."""


def connect(token: str | None, endpoint: str | None) -> "HfApi":
    """The hub's client.

    token     None for HF_TOKEN, else the one that `hf auth login` stored
    endpoint  None for HF_ENDPOINT, else the public hub
    """
    for name, value in XET.items():
        os.environ.setdefault(name, value)
    try:
        import huggingface_hub
        from huggingface_hub import utils
    except ModuleNotFoundError as error:
        raise missing_package("huggingface_hub") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a user's setting that wants bars
        utils.disable_progress_bars()
    huggingface_hub.logging.set_verbosity_error()
    huggingface_hub.set_client_factory(functools.partial(_client, huggingface_hub.get_session().event_hooks))
    return huggingface_hub.HfApi(endpoint=endpoint, token=token, user_agent=AGENT)


@contextlib.contextmanager
def speaking(where: str) -> Iterator[None]:
    """Every error of the hub's client in the block becomes one of the protocol's, on one line, with the remedy.

    where  hf://buckets/ORG/NAME, or the hub itself
    """
    import httpx2
    from huggingface_hub import errors

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _Busy as error:
        raise Unreachable(f"{where}: {error}; try again later") from error
    except errors.BucketNotFoundError as error:
        raise _refusal(where, 404, "") from error
    except errors.BucketBatchError as error:
        raise Rejected(f"{where}: {_failures(error)}; expected a file that the bucket takes", Exit.REMOTE) from error
    except errors.RemoteEntryNotFoundError as error:
        raise FileNotFoundError(where) from error
    except errors.HfHubHTTPError as error:
        raise _refusal(where, error.response.status_code, error.server_message or str(error)) from error
    except (errors.HFValidationError, errors.HfUriError) as error:
        raise Refused(f"{where}: {_line(error)}; expected hf://buckets/ORG/NAME", Exit.USAGE) from error
    except errors.LocalTokenNotFoundError as error:
        raise _refusal(where, 401, "no token") from error
    except errors.OIDCError as error:
        raise Refused(f"{where}: {_line(error)}; set HF_TOKEN, or unset HF_OIDC_RESOURCE", Exit.REMOTE) from error
    except errors.OfflineModeIsEnabled as error:
        raise Unreachable(f"{where}: HF_HUB_OFFLINE is set, expected a network; unset it") from error
    except (httpx2.HTTPError, ConnectionError, TimeoutError) as error:
        raise _xet_error(where, error) from error
    except (RuntimeError, PermissionError, FileNotFoundError) as error:  # hf_xet's; its text has the status
        raise _xet_error(where, error) from error


def _client(hooks: dict[str, Any]) -> Any:
    """The HTTP client of huggingface_hub; its other users' requests go their usual way."""
    import httpx2

    class Client(httpx2.Client):
        def send(self, request: httpx2.Request, **kwargs: Any) -> httpx2.Response:
            if AGENT not in request.headers.get("user-agent", ""):
                return super().send(request, **kwargs)
            request.extensions["timeout"] = httpx2.Timeout(TIMEOUT_S).as_dict()
            for least_s in (*WAITS_S, None):
                asked_s = 0.0
                try:
                    response = super().send(request, **kwargs)
                except httpx2.TransportError as error:
                    if least_s is None:
                        raise _Busy(f"{request.url.host} does not answer ({_line(error)})") from error
                else:
                    if response.status_code not in BUSY:
                        return response
                    response.close()
                    asked_s = _retry_after(response.headers.get("Retry-After"))
                    if least_s is None or asked_s > PATIENCE_S:
                        wish = f", and asks to wait {asked_s:.0f} s" if asked_s else ""
                        raise _Busy(f"the hub answers {response.status_code} {response.reason_phrase}{wish}")
                time.sleep(max(least_s, asked_s))
            raise AssertionError("the last try returns or raises")

    return Client(event_hooks=hooks, follow_redirects=True, timeout=None)


def _retry_after(text: str | None) -> float:
    """Seconds; 0 where nothing is asked, or a date."""
    return float(text) if text and text.isascii() and text.isdigit() else 0.0


def _xet_error(where: str, error: Exception) -> Refused | Unreachable:
    """The protocol's error for one of hf_xet, which are of builtin types."""
    match = _STATUS.search(str(error))
    status = int(match[1]) if match else 0
    if 400 <= status < 500 and status not in BUSY:
        return _refusal(where, status if status != 404 else 0, _line(error))
    return Unreachable(f"{where}: {_line(error)}; try again later")


def _refusal(where: str, status: int, said: str) -> Refused:
    """The error for an answer that will stay the same until someone does something."""
    login = "set HF_TOKEN to a valid token, or run: hf auth login"
    if status == 401:
        why = f"the hub does not know the token (401); {login}"
    elif status == 403:
        why = (
            "the token may not do this (403); make a fine-grained one with read and write access to the organisation "
            "at https://huggingface.co/settings/tokens, and set HF_TOKEN"
        )
    elif status == 404:
        why = f"no such bucket, or no access to it (404); check its name; where it is private, {login}"
    else:
        why = f"{said.strip()[:300] or f'the hub answers {status}'}; expected a file or a listing"
    return Refused(f"{where}: {' '.join(why.split())}", Exit.REMOTE)


def _failures(error: Any) -> str:
    first = error.failures[0]
    more = f", and {len(error.failures) - 1} more" if len(error.failures) > 1 else ""
    return " ".join(f"{first['path']}: {first['error']}{more}".split())[:400]


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
