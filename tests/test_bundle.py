"""decompressor.zip: the same files give the same bytes, with zip and without."""

import io
import zipfile

import pytest

from golfkit.compress.artifact import bundle

FILES = {"decompress": b"#!/bin/sh\nexit 0\n", "data/table": bytes(1000)}


def entries(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        for entry in opened.infolist():
            assert entry.date_time == bundle.TIME
            assert entry.external_attr >> 16 & 0o777 == 0o755
        return {entry.filename: opened.read(entry) for entry in opened.infolist() if not entry.is_dir()}


def test_bundle_holds_the_files_below_decompressor():
    content, how = bundle.zip_bundle(FILES)
    assert entries(content) == {f"decompressor/{name}": data for name, data in FILES.items()}
    assert how


def test_bundle_is_deterministic():
    backwards = dict(reversed(FILES.items()))
    assert bundle.zip_bundle(FILES) == bundle.zip_bundle(backwards)


def test_bundle_without_zip_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    content, how = bundle.zip_bundle(FILES)
    assert "Python's zipfile" in how
    assert entries(content) == {f"decompressor/{name}": data for name, data in FILES.items()}
    assert bundle.zip_bundle(FILES) == (content, how)


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../b", ""])
def test_file_outside_the_bundle_is_refused(name: str):
    with pytest.raises(ValueError, match="expected a path below decompressor/"):
        bundle.zip_bundle({name: b""})
