"""A board in a Hugging Face bucket, through huggingface_hub.

A bucket has no create-if-absent and no transactions: a write overwrites, silently. So `create` looks first, writes, and
reads the entry back, and its callers use names that nobody else makes (names.unique). Content is compared by its Xet
hash, which the bucket tells and hf_xet computes for local files: nothing is downloaded to compare it.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from golfkit.board.homes import hub
from golfkit.board.homes.protocol import (
    Entry,
    Listing,
    Rejected,
    Taken,
    Unreachable,
    checked,
    files_below,
    is_path,
)
from golfkit.errors import Exit

if TYPE_CHECKING:
    from huggingface_hub import BucketFile, HfApi

SCHEME = "hf://buckets/"
TOGETHER = 100  # files a download or upload
GONE = "the upload was accepted, but the file is not listed"


class BucketHome:
    """hf://buckets/ORG/NAME as a board's home. Nothing is asked before the first call."""

    atomic = False

    def __init__(self, where: str, token: str | None = None, endpoint: str | None = None) -> None:
        """token: None for the stored one; endpoint: None for HF_ENDPOINT, else the public hub."""
        self.where = where.rstrip("/")
        self._id = self.where.removeprefix(SCHEME)
        self._token, self._endpoint = token, endpoint
        self._api: HfApi | None = None

    def entries(self, folder: str) -> Sequence[Entry]:
        """See Home."""
        return self.listing(folder).entries

    def listing(self, folder: str) -> Listing:
        """See Home. The hub's prefix is lexical: `results` lists results.md, too, which is left out here."""
        inside = f"{checked(folder)}/" if folder else ""
        with self._speaking() as api:
            found = [
                file
                for file in api.list_bucket_tree(self._id, prefix=folder or None, recursive=True)
                if file.type == "file" and file.path.startswith(inside)
            ]
        times = {file.path: file.uploaded_at for file in found}
        entries = [
            Entry(file.path, file.size, time.timestamp() if (time := times[file.path]) else None)
            for file in sorted(found, key=lambda file: file.path)
            if is_path(file.path)
        ]
        return Listing(entries, sorted(path for path in times if not is_path(path) and not _hidden(path)))

    def read(self, path: str, most: int) -> bytes:
        """See Home."""
        content = self.read_all([path], most)
        if path not in content:
            raise FileNotFoundError(f"{self.where}/{path}")
        return content[path]

    def read_all(self, paths: Sequence[str], most: int) -> dict[str, bytes]:
        """See Home. Of a file that is longer than `most` only that much is transferred."""
        found = self._info(paths)
        content: dict[str, bytes] = {}
        with tempfile.TemporaryDirectory() as folder:
            whole = [file for file in found.values() if file.size <= most]
            wanted = {file.path: Path(folder) / str(n) for n, file in enumerate(whole)}
            self._download([(found[path], local) for path, local in wanted.items()])
            for path, local in wanted.items():
                content[path] = local.read_bytes()
        for file in found.values():
            if file.size > most:
                content[file.path] = self._head(file.path, most)
        return {path: content[path] for path in paths if path in content}

    def create(self, path: str, content: bytes) -> None:
        """See Home. Not atomic: whoever writes the same name in the same moment overwrites it, or is overwritten."""
        if self._info([path]):
            raise Taken(path)
        self._write(path, content)

    def replace(self, path: str, content: bytes) -> None:
        """See Home."""
        try:
            self._write(path, content)
        except Taken as error:
            why = "another process wrote it in the same moment; read it, and do it again if that was not you"
            raise Rejected(f"{self.where}/{path}: other bytes than were sent; {why}", Exit.REMOTE) from error

    def upload(self, folder: Path, into: str) -> list[str]:
        """See Home."""
        files = [(local, f"{checked(into)}/{inner}") for local, inner in files_below(folder)]
        self.put(files)
        return [path for _, path in files]

    def put(self, files: Sequence[tuple[Path, str]]) -> None:
        """See Home."""
        there = self._info([path for _, path in files])
        clash = self._differing([(local, path) for local, path in files if path in there], there)
        if clash:
            raise Taken(clash[0])
        missing = [(local, path) for local, path in files if path not in there]
        for start in range(0, len(missing), TOGETHER):
            self._send(missing[start : start + TOGETHER])

    def fetch(self, files: Sequence[tuple[str, Path]]) -> list[str]:
        """See Home."""
        found = self._info([path for path, _ in files])
        wanted = [(found[path], local) for path, local in files if path in found]
        self._download(wanted)
        for file, local in wanted:
            if file.uploaded_at is not None:
                os.utime(local, (file.uploaded_at.timestamp(),) * 2)
        return [file.path for file, _ in wanted]

    def unlike(self, files: Sequence[tuple[Path, str]]) -> list[str]:
        """See Home."""
        return self._differing(files, self._info([path for _, path in files]))

    def turn(self) -> contextlib.AbstractContextManager[None]:
        """See Home."""
        return contextlib.nullcontext()

    def whoami(self) -> str | None:
        """See Home; asked once a process."""
        return user(self._hub(), self.where)

    def _hub(self) -> "HfApi":
        if self._api is None:
            self._api = hub.connect(self._token, self._endpoint)
        return self._api

    @contextlib.contextmanager
    def _speaking(self) -> Iterator["HfApi"]:
        api = self._hub()
        with hub.speaking(self.where):
            yield api

    def _info(self, paths: Iterable[str]) -> dict[str, "BucketFile"]:
        """What the bucket says of these paths; missing ones are left out."""
        asked = {checked(path) for path in paths}
        if not asked:
            return {}
        with self._speaking() as api:
            found = list(api.get_bucket_paths_info(self._id, sorted(asked)))
        return {file.path: file for file in found if file.path in asked}

    def _download(self, files: Sequence[tuple["BucketFile", Path]]) -> None:
        for start in range(0, len(files), TOGETHER):
            with self._speaking() as api:
                api.download_bucket_files(self._id, list(files[start : start + TOGETHER]))

    def _head(self, path: str, most: int) -> bytes:
        """The first bytes of a file that is not wanted whole."""
        from urllib.parse import quote

        from huggingface_hub import get_session
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status

        with self._speaking() as api:
            headers = build_hf_headers(token=api.token, user_agent=hub.AGENT)
            headers |= {"Range": f"bytes=0-{max(most, 1) - 1}", "Accept-Encoding": "identity"}
            url = f"{api.endpoint}/buckets/{self._id}/resolve/{quote(path)}"
            with get_session().stream("GET", url, headers=headers) as answer:
                hf_raise_for_status(answer)
                content = bytearray()
                for part in answer.iter_bytes():
                    content += part
                    if len(content) >= most:  # a server may ignore the range
                        break
        return bytes(content[:most])

    def _write(self, path: str, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / "content"
            local.write_bytes(content)
            self._send([(local, checked(path))])

    def _send(self, files: Sequence[tuple[Path, str]]) -> None:
        """Write files, and check that they are there as they were sent; Taken where another's bytes are."""
        with self._speaking() as api:
            api.batch_bucket_files(self._id, add=[(local, path) for local, path in files])
        there = self._info([path for _, path in files])
        for _, path in files:
            if path not in there:
                raise Unreachable(f"{self.where}/{path}: {GONE}; try again later")
        if lost := self._differing(files, there):
            raise Taken(lost[0])

    def _differing(self, files: Sequence[tuple[Path, str]], there: dict[str, "BucketFile"]) -> list[str]:
        """The paths whose bytes in the bucket are not those of the local file."""
        known = [(local, there[path]) for local, path in files if path in there]
        if not known:
            return []
        import hf_xet

        hashes = [one.hash for one in hf_xet.hash_files([str(local) for local, _ in known])]
        return [file.path for (_, file), own in zip(known, hashes, strict=True) if file.xet_hash != own]


def user(api: "HfApi", where: str) -> str | None:
    """Who is logged in."""
    with hub.speaking(where):
        from huggingface_hub import get_token

        if api.token is None and get_token() is None:
            return None
        return str(api.whoami(cache=True)["name"])


def _hidden(path: str) -> bool:
    """Dot files are no part of a board, and no news."""
    return "/." in f"/{path}" and ".." not in path.split("/")
