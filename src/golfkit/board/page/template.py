"""The page's template with its style and script, and the policy that lets a browser run these two and nothing else."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template

POLICY = (
    "default-src 'none'; img-src data: 'self'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; "
    "base-uri 'none'; form-action 'none'"
)


NO_FRAME = "frame-ancestors 'none'"  # a browser heeds it in a header alone


@cache
def text(name: str) -> str:
    """A file of templates/."""
    return resources.files("golfkit.board.page").joinpath("templates", name).read_text("utf-8")


def policy() -> str:
    """The Content-Security-Policy, by the digests of style and script as they stand in the page."""
    return POLICY.format(style=_digest(text("style.css")), script=_digest(text("script.js")))


def served_policy() -> str:
    """The policy as a header."""
    return f"{policy()}; {NO_FRAME}"


def render(values: Mapping[str, Any]) -> str:
    """The page of values and functions; every text is escaped unless it is Markup."""
    from markupsafe import Markup

    fixed = {"policy": policy(), "style": Markup(text("style.css")), "script": Markup(text("script.js"))}
    return _page().render({**values, **fixed})


@cache
def _page() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("golfkit.board.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html")


def _digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
