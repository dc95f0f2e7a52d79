"""Pictures of a board inside its page: by their first bytes PNG, JPEG, GIF or WebP, never SVG, as data: addresses."""

import base64
from collections.abc import Callable, Mapping

MOST_EACH = 600_000  # bytes of one picture
MOST_ALL = 12_000_000  # bytes of all of them: the page stays one file that opens at once


def kind(content: bytes) -> str | None:
    """The media type; None for what is no picture that a page may show."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


class Pictures:
    """The pictures of one page, counted against its caps.

    fetch  content of a board's file, at most so many bytes of it; None where there is none
    sizes  bytes by path
    """

    def __init__(self, fetch: Callable[[str, int], bytes | None], sizes: Mapping[str, int]) -> None:
        self._fetch, self._sizes, self._left = fetch, sizes, MOST_ALL

    def inline(self, path: str) -> tuple[str | None, str]:
        """(data: address, ""), or (None, why it is not shown)."""
        size = self._sizes.get(path)
        if size is None:
            return None, "is not on this board"
        if size > MOST_EACH:
            return None, f"has {size:,} bytes, more than a page carries"
        if size > self._left:
            return None, "would make the page too large"
        content = self._fetch(path, size) or b""
        media = kind(content)
        if media is None:
            return None, "is no PNG, JPEG, GIF or WebP"
        self._left -= len(content)
        return f"data:{media};base64,{base64.b64encode(content).decode()}", ""
