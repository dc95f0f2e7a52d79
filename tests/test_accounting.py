"""Bytes of text per token: the official tables against the tokenizer's own decoding and against a slow reference."""

import io
import itertools
import json
import lzma
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfkit.errors import Exit, GolfError
from golfkit.train.data import accounting, shards, tokenizers

sentencepiece = pytest.importorskip("sentencepiece", reason="sentencepiece is not installed")

FINEWEB = Path(__file__).parents[2] / "shared/data/fineweb"
MODEL = FINEWEB / "fineweb_1024_bpe.model"
real = pytest.mark.skipif(not MODEL.exists(), reason=f"no {FINEWEB}")

TEXT = "The quick brown fox jumps over 13 lazy dogs, née Zoë. 大きな犬 は 走る。 "


def train(path, **changed):
    """A small tokenizer with the contest's settings, some of them changed."""
    sink = io.BytesIO()
    chosen = tokenizers.CONTEST_SETTINGS | {"vocab_size": 400, "minloglevel": 2} | changed
    lines = [TEXT.replace("13", str(i)) for i in range(200)]
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(lines), model_writer=sink, **chosen)
    path.write_bytes(sink.getvalue())
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return train(tmp_path_factory.mktemp("sp") / "small.model")


def tokens_of(model, texts):
    known = tokenizers.load_tokenizer(model)
    return np.concatenate([[known.bos_id, *ids] for ids in known.encode(texts)]).astype(np.uint16)


def slow_bytes(processor, tokens):
    """The official rules, one target at a time, from the pieces themselves."""
    total = 0
    for before, token in zip(tokens[:-1].tolist(), tokens[1:].tolist(), strict=True):
        if processor.is_control(token) or processor.is_unknown(token) or processor.is_unused(token):
            continue
        if processor.is_byte(token):
            total += 1
            continue
        piece = processor.id_to_piece(token)
        if piece[0] == "\u2581":
            special = processor.is_control(before) or processor.is_unknown(before) or processor.is_unused(before)
            total += 0 if special else 1
            piece = piece[1:]
        total += len(piece.encode())
    return total


@real
def test_the_official_tables_are_these():
    luts = accounting.byte_luts(MODEL, 1024)
    assert [array.dtype for array in luts] == [np.int16, np.bool_, np.bool_]
    assert luts.is_boundary.nonzero()[0].tolist() == [0, 1, 2, 3]
    assert luts.has_leading_space.sum() == 325
    assert (luts.base_bytes[4:260] == 1).all()
    assert (luts.base_bytes[939], luts.has_leading_space[939]) == (0, True)  # the bare space


@real
def test_the_official_validation_tokens_count_as_measured():
    tokens = shards.read_shard(FINEWEB / "fineweb_val_000000.bin")
    luts = accounting.byte_luts(MODEL)
    assert accounting.check_bytes_per_token(luts, tokens, MODEL) == (1_040_297, 2_504_867)
    assert (
        slow_bytes(accounting.open_sentencepiece(MODEL), tokens[:50_000])
        == accounting.count_bytes(luts, tokens[:50_000]).bytes
    )


@real
def test_real_documents_count_as_they_decode():
    with lzma.open(FINEWEB / "fineweb_200docs.jsonl.xz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in itertools.islice(lines, 40)]
    tokens = tokens_of(MODEL, texts)
    processor = accounting.open_sentencepiece(MODEL)
    decoded = sum(len(processor.decode(processor.encode(text)).encode()) for text in texts)
    luts = accounting.byte_luts(MODEL)
    assert accounting.check_bytes_per_token(luts, tokens, MODEL).bytes == decoded == slow_bytes(processor, tokens)


@settings(max_examples=40)
@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_counts_as_it_decodes(small, texts):
    tokens = tokens_of(small, [*texts, "some text"])
    count = accounting.check_bytes_per_token(accounting.byte_luts(small), tokens, small)
    assert count == (len(tokens) - 1, slow_bytes(accounting.open_sentencepiece(small), tokens))


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_byte_token_is_a_byte(texts):
    tokens = tokens_of("bytes", texts)
    luts = accounting.byte_luts("bytes")
    count = accounting.check_bytes_per_token(luts, tokens, "bytes")
    assert count.bytes == sum(len(text.encode()) for text in texts) == len(tokens) - len(texts)
    assert tokenizers.load_tokenizer("bytes").decode(tokens) == "".join(texts)


def test_bytes_without_documents_between_are_one_a_token():
    count = accounting.check_bytes_per_token(accounting.byte_luts("bytes"), tokens_of("bytes", [TEXT]), "bytes")
    assert count.bytes_per_token == 1.0


def test_ids_that_only_the_model_has_count_nothing(small):
    luts = accounting.byte_luts(small, 512)
    assert len(luts.base_bytes) == 512
    assert luts.is_boundary[400:].all()
    assert not luts.base_bytes[400:].any()


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_sample_may_end_and_begin_anywhere(small, cut):
    tokens = tokens_of(small, [TEXT, TEXT])
    luts = accounting.byte_luts(small)
    accounting.check_bytes_per_token(luts, tokens[: 1 + cut], small)
    accounting.check_bytes_per_token(luts, tokens, small, sample=1 + cut)


def test_a_leading_space_counted_twice_is_found_out(small):
    luts = accounting.byte_luts(small)
    wrong = luts._replace(base_bytes=luts.base_bytes + luts.has_leading_space.astype(np.int16))
    with pytest.raises(GolfError, match="the leading space is counted twice") as caught:
        accounting.check_bytes_per_token(wrong, tokens_of(small, [TEXT]), small)
    assert caught.value.exit_code == Exit.NO


def test_byte_tokens_counted_as_three_are_found_out(small):
    luts = accounting.byte_luts(small)
    wrong = luts._replace(base_bytes=luts.base_bytes.copy())
    wrong.base_bytes[4:260] = 3
    with pytest.raises(GolfError, match="byte tokens are counted as 3") as caught:
        accounting.check_bytes_per_token(wrong, tokens_of(small, ["\U0001f600" + TEXT]), small)
    assert caught.value.exit_code == Exit.NO


def test_a_tokenizer_whose_spaces_are_byte_tokens_is_found_out(tmp_path):
    content = train(tmp_path / "x.model").read_bytes()
    bare = b"\x0a\x03\xe2\x96\x81"  # the piece U+2581 becomes another one that no text has
    assert content.count(bare) == 1
    broken = tmp_path / "broken.model"
    broken.write_bytes(content.replace(bare, b"\x0a\x03\xef\xbf\xbc"))
    processor = accounting.open_sentencepiece(broken)
    assert processor.piece_to_id("<0xE2>") in processor.encode("a \u00e9 b")
    with pytest.raises(GolfError, match="no piece for a bare space") as caught:
        accounting.check_bytes_per_token(accounting.byte_luts(broken), tokens_of(broken, [TEXT]), broken)
    assert caught.value.exit_code == Exit.NO


def test_pieces_that_the_rules_do_not_foresee_are_found_out(tmp_path):
    model = train(tmp_path / "suffix.model", treat_whitespace_as_suffix=True)
    with pytest.raises(GolfError, match="that they decode to"):
        accounting.check_bytes_per_token(accounting.byte_luts(model), tokens_of(model, [TEXT]), model)


def test_the_whole_official_split_is_known_by_its_size():
    luts = accounting.byte_luts("bytes", 1024)
    tokens = np.broadcast_to(np.uint16(4 + ord("a")), 62_021_633)
    with pytest.raises(GolfError, match="expected 151080000; these are not the official tokens"):
        accounting.check_bytes_per_token(luts, tokens, "bytes")


def test_tokens_without_text_are_no_score():
    with pytest.raises(GolfError, match="no byte of text"):
        accounting.check_bytes_per_token(accounting.byte_luts("bytes"), np.ones(9, np.uint16), "bytes")
    with pytest.raises(GolfError, match="expected at least 2"):
        accounting.check_bytes_per_token(accounting.byte_luts("bytes"), np.ones(1, np.uint16), "bytes")


def test_another_tokenizers_tokens_are_named(small):
    for source in ("bytes", small):
        known = tokenizers.load_tokenizer(source).vocab_size
        with pytest.raises(GolfError, match=f"token 1000 among those of validation, expected less than {known}"):
            accounting.check_bytes_per_token(accounting.byte_luts(source, 1024), np.array([1, 9, 1000]), source)


def test_bits_per_byte_is_bits_per_token_over_bytes_per_token():
    assert accounting.bits_per_byte(math.log(2) * 8, 3, 2) == pytest.approx(4)
    assert accounting.bits_per_byte(2.0 * 1024, 1024, 2500) == 2.0 / math.log(2.0) * (1024 / 2500)


@pytest.mark.parametrize(("name", "says"), [("no.model", "no such file"), ("bad.model", "expected a SentencePiece")])
def test_a_model_file_that_is_none_is_named(tmp_path, name, says):
    (tmp_path / "bad.model").write_bytes(b"hello")
    with pytest.raises(GolfError, match=says) as caught:
        accounting.byte_luts(tmp_path / name)
    assert caught.value.exit_code == Exit.BAD_FILE


def test_without_sentencepiece_the_install_line_is_given(monkeypatch, small):
    monkeypatch.setitem(__import__("sys").modules, "sentencepiece", None)
    with pytest.raises(GolfError, match="pip install sentencepiece") as caught:
        accounting.byte_luts(small)
    assert caught.value.exit_code == Exit.MISSING_PACKAGE
    accounting.byte_luts("bytes")
