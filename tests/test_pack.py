"""golf data pack and tokenizer: every document once, in one split, or nothing; datasets that do not fit are refused."""

import gzip
import io
import json
import lzma
import random

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit.errors import Exit, GolfError
from golfkit.train.data import accounting, dataset, documents, manifest, packing, shards, tokenizers

BYTES = tokenizers.load_tokenizer("bytes")
WIKI = '<doc id="1" url="u" title="A">\nA\n\nIt is the\nfirst.\n</doc>\n<doc id="2">\nB\n\nIt was cut o'


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def read(path, rule="auto"):
    return list(documents.read_documents(path, rule, []))


def unpacked(paths):
    """The documents of byte shards."""
    tokens = np.concatenate([shards.read_shard(path) for path in paths])
    return [BYTES.decode(part) for part in np.split(tokens, np.flatnonzero(tokens == 1))[1:]]


def numbered(folder, n, name="docs.txt"):
    return write(folder, name, "".join(f"document {i}\n" for i in range(n)))


@pytest.mark.parametrize(
    ("name", "rule", "content", "expected"),
    [
        (
            "x.jsonl",
            "auto",
            '{"text": "one\\n\\ntwo"}\n\n{"text": " "}\n{"text": "a\\u2028b"}\n',
            ["one\n\ntwo", "a\u2028b"],
        ),
        ("x.txt", "auto", WIKI, ["A\n\nIt is the\nfirst.", "B\n\nIt was cut o"]),
        ("x.txt", "auto", "a\n\nb\n", ["a\n\nb"]),
        ("x.txt", "blank", f"{'a' * 4000}\n\nb\nc\n\nd", ["a" * 4000, "b\nc\n\nd"]),
        ("x.txt", "lines", "a\r\n\nb\u2028c\n", ["a", "b\u2028c"]),
        ("x.txt", "file", "a\n\nb\n", ["a\n\nb"]),
        ("x.txt", "auto", "", []),
    ],
)
def test_documents_are_found_by_their_rule(tmp_path, name, rule, content, expected):
    assert read(write(tmp_path, name, content), rule) == expected


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".xz", lzma.compress), (".gz", gzip.compress), (".zst", zstandard.compress)]
)
def test_packed_inputs_are_read_whole_and_cut_ones_are_refused(tmp_path, suffix, compress):
    lines = [f'{{"text": "{random.Random(i).randbytes(20).hex()}"}}' for i in range(20_000)]
    content = compress("\n".join(lines[:9000]).encode() + b"\n") + compress("\n".join(lines[9000:]).encode())
    path = write(tmp_path, f"x.jsonl{suffix}", content)
    told, sources = [], []
    found = list(documents.read_documents(path, "auto", sources, told.append))
    assert [json.dumps({"text": text}) for text in found] == lines
    assert sum(told) == len(content)
    assert sources[0].bytes == len("\n".join(lines))
    with pytest.raises(GolfError, match=rf"x\.jsonl\{suffix}:\d+: "):
        read(write(tmp_path, f"x.jsonl{suffix}", content[:-1000]))
    with pytest.raises(GolfError, match="fetch it again"):
        read(write(tmp_path, f"y.jsonl{suffix}", b"no such thing at all" * 9))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.jsonl", '{"text": "a"}\n{"text": \n', ":2: Expecting value"),
        ("x.jsonl", '{"text": 5}\n', ':1: no "text"'),
        ("x.jsonl", "[1]\n", ':1: no "text"'),
        ("x.txt", "good\nb\xe4d\n".encode("latin-1"), ":2: byte 0xe4 at column 2, expected UTF-8"),
        ("x.txt", WIKI + "\n</doc>\nstray\n<doc>", ":12: text between articles"),
        ("x.txt", WIKI + "\n<doc id=3>", ":11: <doc, expected </doc> before it"),
    ],
)
def test_what_is_malformed_is_named_by_its_line(tmp_path, name, content, says):
    with pytest.raises(GolfError) as caught:
        read(write(tmp_path, name, content))
    assert says in str(caught.value)


def test_a_lone_surrogate_becomes_a_question_mark(tmp_path):
    assert read(write(tmp_path, "x.jsonl", '{"text": "a\\ud800b"}')) == ["a?b"]


def test_the_first_documents_are_for_validation(tmp_path):
    packed = packing.pack([numbered(tmp_path, 10)], tmp_path / "d", BYTES, packing.first_documents(3), rule="lines")
    found = dataset.load_dataset(tmp_path / "d")
    assert unpacked(found.val) == [f"document {i}" for i in range(3)]
    assert unpacked(found.train) == [f"document {i}" for i in range(3, 10)]
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
        "manifest.json",
        "text_train_000000.bin",
        "text_val_000000.bin",
    ]
    assert packed.splits["val"][:3] == (3, 33, 30)


@settings(max_examples=20)
@given(st.integers(1, 40), st.sampled_from(["0.25", "1/3", "0.5", "0.07"]), st.integers(9, 99))
def test_every_document_is_in_one_split_whatever_the_sizes(tmp_path_factory, n, fraction, shard_tokens):
    folder = tmp_path_factory.mktemp("pack")
    n += 15  # enough for one of each
    choose = packing.every_document(fraction)
    source = numbered(folder, n)
    packed = packing.pack([source], folder / "d", BYTES, choose, rule="lines", shard_tokens=shard_tokens)
    found = dataset.load_dataset(folder / "d")
    train, val = unpacked(found.train), unpacked(found.val)
    assert sorted(train + val) == sorted(f"document {i}" for i in range(n))
    assert len(val) == int(n * packing.Fraction(fraction))
    sizes = [shards.shard_tokens(path) for path in found.train]
    assert set(sizes[:-1]) <= {shard_tokens}
    luts = accounting.byte_luts("bytes")
    stream = np.concatenate([shards.read_shard(path) for path in found.train])
    assert packed.splits["train"].bytes == accounting.count_bytes(luts, stream).bytes


def test_the_manifest_says_what_is_there(tmp_path):
    path = numbered(tmp_path, 10)
    packed = packing.pack([path], tmp_path / "d", BYTES, packing.first_documents(4), rule="lines", shard_tokens=40)
    record = json.loads(packed.manifest.read_text())
    assert (record["num_docs"], record["num_val_docs"], record["append_eos"]) == (10, 4, False)
    entry = record["datasets"][0]
    assert entry["stats"]["tokens_total"] == 110
    for split in ("train", "val"):
        for shard in entry["files"][split]:
            assert packing.files.digest(tmp_path / "d" / shard["name"]) == shard["sha256"]
            assert shards.shard_tokens(tmp_path / "d" / shard["name"]) == shard["tokens"]
    assert manifest.read_manifest(packed.manifest)[1:8] == ("bytes", "byte", None, 260, 2, 2, True)


@pytest.mark.parametrize("second", [[], ["same.txt"], ["packed.gz"], ["empty.txt", "wrong.jsonl"]])
def test_what_fails_leaves_no_shard_and_no_manifest(tmp_path, second):
    first = numbered(tmp_path, 5)
    numbered(tmp_path, 5, "same.txt")
    write(tmp_path, "packed.gz", gzip.compress((tmp_path / "docs.txt").read_bytes()))
    write(tmp_path, "empty.txt", "")
    write(tmp_path, "wrong.jsonl", b"\xff")
    inputs = [first, *(str(tmp_path / name) for name in second)]
    with pytest.raises(GolfError):  # no training document left; the same text twice; not UTF-8
        packing.pack(inputs, tmp_path / "d", BYTES, packing.first_documents(3 if second else 5), rule="lines")
    assert not list((tmp_path / "d").iterdir())


@pytest.mark.parametrize("choose", [packing.every_document("0.01"), packing.first_documents(50)])
def test_a_split_that_would_be_empty_is_refused(tmp_path, choose):
    with pytest.raises(GolfError, match="50 documents, none left for"):
        packing.pack([numbered(tmp_path, 50)], tmp_path / "d", BYTES, choose, rule="lines")


def test_an_interrupt_leaves_no_shard(tmp_path):
    def stop(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packing.pack([numbered(tmp_path, 5)], tmp_path / "d", BYTES, packing.one_split("train"), on_bytes=stop)
    assert not list((tmp_path / "d").iterdir())


def test_a_folder_with_a_dataset_is_not_packed_into(tmp_path):
    path = numbered(tmp_path, 5)
    packing.pack([path], tmp_path / "d", BYTES, packing.one_split("train"))
    with pytest.raises(GolfError, match="is there already"):
        packing.pack([path], tmp_path / "d", BYTES, packing.one_split("val"))
    with pytest.raises(GolfError, match="named twice"):
        packing.pack([path, path], tmp_path / "e", BYTES, packing.first_documents(5), rule="lines")


def test_a_dataset_that_does_not_fit_is_one_clear_line(tmp_path):
    packing.pack([numbered(tmp_path, 9)], tmp_path / "d", BYTES, packing.first_documents(3), rule="lines")
    found = dataset.load_dataset(tmp_path / "d")
    dataset.check_dataset(found, BYTES, 260)
    with pytest.raises(GolfError, match="260 tokens, but the model has 256"):
        dataset.check_dataset(found, BYTES, 256)
    other = BYTES._replace(kind="sentencepiece_bpe", vocab_size=200, sha256="ab", source="sp.model", name="sp")
    with pytest.raises(GolfError, match=r"sp\.model: a sentencepiece_bpe tokenizer of 200, expected byte of 260"):
        dataset.check_dataset(found, other, 1024)
    bare = found._replace(manifest=None)
    with pytest.raises(GolfError, match=r"train_000000\.bin:byte \d+: token \d+, expected less than 100 from sp"):
        dataset.check_dataset(bare, other._replace(vocab_size=100), 1024)
    with pytest.raises(GolfError, match="sha256 none, expected cd"):
        dataset.check_dataset(found._replace(manifest=found.manifest._replace(tokenizer_sha256="cd")), BYTES, 260)


def test_a_dataset_without_validation_tokens_or_with_a_shard_missing_is_refused(tmp_path):
    path = numbered(tmp_path, 9)
    packing.pack([path], tmp_path / "train", BYTES, packing.one_split("train"))
    with pytest.raises(GolfError, match="expected val shards"):
        dataset.load_dataset(tmp_path / "train")
    shards.write_shard(tmp_path / "train" / "x_val_000000.bin", np.array([1]))
    with pytest.raises(GolfError, match="1 validation tokens, expected at least 2"):
        dataset.load_dataset(tmp_path / "train")
    packing.pack([path], tmp_path / "d", BYTES, packing.first_documents(2), rule="lines", shard_tokens=20)
    (tmp_path / "d" / "text_train_000001.bin").unlink()
    with pytest.raises(GolfError, match="4 train shards, but 3 are there"):
        dataset.load_dataset(tmp_path / "d")


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"datasets": [{"name": "a"}], "tokenizers": []}'])
def test_a_manifest_that_is_none_is_named(tmp_path, content):
    path = tmp_path / "manifest.json"
    path.write_text(content)
    with pytest.raises(GolfError, match=r"manifest\.json: .*pack the dataset again"):
        manifest.read_manifest(path)


def test_pack_has_no_default_split(golf, tmp_path):
    numbered(tmp_path, 9)
    for options in ([], ["--val-docs", "2", "--split", "train"], ["--val-fraction", "2"], ["--split", "test"]):
        result = golf("data", "pack", "docs.txt", "--tokenizer", "bytes", "--out", "d", *options)
        assert result.returncode == Exit.USAGE
        assert result.stderr.count("\n") == 1
    assert not (tmp_path / "d").exists()


def test_the_commands_work_together_from_stdin_to_inspect(golf, tmp_path):
    text = "".join(f"document {i} of é\n" for i in range(20))
    args = ("--tokenizer", "bytes", "--out", "d", "--val-docs", "5", "--documents", "lines", "--json")
    packed = json.loads(golf("data", "pack", "-", *args, stdin=text).stdout)
    assert (packed["val"]["documents"], packed["train"]["documents"]) == (5, 15)
    shown = golf("data", "inspect", "d/text_val_000000.bin", "--tokenizer", "bytes").stdout
    assert "documents: 5\n" in shown
    assert "text: document 0 of é" in shown
    assert "text_train_000000.bin" in golf("data", "inspect", "d").stdout
    (tmp_path / "d" / "text_val_000000.bin").write_bytes(b"short")
    assert golf("data", "inspect", "d").returncode == Exit.BAD_FILE


def test_a_tokenizer_is_trained_with_the_contests_settings_and_packs(golf, tmp_path):
    sentencepiece = pytest.importorskip("sentencepiece", reason="sentencepiece is not installed")
    words = [random.Random(i).randbytes(2).hex() for i in range(300)]
    text = "\n".join(" ".join(random.Random(i).choices(words, k=40)) for i in range(300))
    write(tmp_path, "text.txt", text)
    made = json.loads(golf("data", "tokenizer", "text.txt", "--vocab", "350", "--out", "my.sp", "--json").stdout)
    assert (made["model"], made["vocab"], made["vocab_size"]) == ("my.sp.model", "my.sp.vocab", 350)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(tmp_path / "my.sp.model"))
    assert [processor.id_to_piece(i) for i in range(5)] == ["<pad>", "<s>", "</s>", "<unk>", "<0x00>"]
    assert processor.encode("12", out_type=str) == ["1", "2"]  # split_digits, no dummy prefix
    assert len((tmp_path / "my.sp.vocab").read_text().splitlines()) == 350
    result = golf("data", "pack", "text.txt", "--tokenizer", "my.sp.model", "--out", "d", "--split", "train")
    assert f"train[bytes]: {len(text)}" in result.stdout
    assert golf("data", "tokenizer", "text.txt", "--vocab", "260", "--out", "x").returncode == Exit.USAGE
    assert golf("data", "tokenizer", "text.txt", "--vocab", "262", "--out", "x").returncode == Exit.BAD_FILE
    assert not (tmp_path / "x.model").exists()


def test_a_terminal_is_not_read_from(monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    with pytest.raises(GolfError, match="stdin is a terminal"):
        read("-")
