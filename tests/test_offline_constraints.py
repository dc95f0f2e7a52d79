"""Constraints read out of text, and what they mean for size and time."""

from pathlib import Path

import pytest

import golfkit
from golfkit.research import techniques
from golfkit.research.grade.offline import constraints, feasible, gains
from golfkit.research.grade.offline.constraints import (
    ADDED,
    ARTIFACT,
    BITS,
    DEPENDENCY,
    GPUS,
    PARAMETERS,
    SLOWER,
    TRAINING,
)
from golfkit.research.grade.offline.lexicon import Lexicon

LEXICON = Lexicon(techniques.read(Path(golfkit.__file__).parent / "train/workspace/files/techniques.toml"))
RECORDS = Path(__file__).parents[2] / "shared/data/parameter_golf/records"
LIMIT = 16_000_000


def found(text: str) -> list[constraints.Finding]:
    return constraints.read(text, LEXICON)


@pytest.mark.parametrize(
    ("text", "kind", "numbers"),
    [
        ("a 22.8M-parameter model", PARAMETERS, [22_800_000]),
        ("17,059,912 params", PARAMETERS, [17_059_912]),
        ("model_params:17059912", PARAMETERS, [17_059_912]),
        ("Model parameters: 26,829,913", PARAMETERS, [26_829_913]),
        ("a 1.3B model and 74M", PARAMETERS, [1.3e9, 74e6]),
        ("65 million parameters", PARAMETERS, [65e6]),
        ("adds 1.2M parameters", ADDED, [1.2e6]),
        ("seq 4096, vocab 8192, step 20000, dim 512", PARAMETERS, []),
        ("trained on 5.6B train tokens and 10B tokens", PARAMETERS, []),
        ("worth $1.3B", PARAMETERS, []),
        ("int8", BITS, [8]),
        ("mixed int5/int6", BITS, [5, 6]),
        ("4-bit and 1.58-bit", BITS, [4, 1.58]),
        ("1.5-bit weights", BITS, [1.5]),
        ("fp16 and bf16", BITS, [16]),
        ("ternary weights", BITS, [1.58]),
        ("binarized weights", BITS, [1]),
        ("print8(x), point8, 1.05 bits per byte, 64-bit hashes", BITS, []),
        ("15.9 MB artifact", ARTIFACT, [15.9e6]),
        ("Total submission size: 15,863,489 bytes", ARTIFACT, [15_863_489]),
        ("the compressed size drops to 15.9MB", ARTIFACT, [15.9e6]),
        ("80 GB of GPU memory; 20,400 MiB of memory per GPU", ARTIFACT, []),
        ("fits under 16 MB", ARTIFACT, []),
        ("needs 20 minutes of training", TRAINING, [1200]),
        ("a 4-hour training run", TRAINING, [14_400]),
        ("trained for 3 days on 64 GPUs", TRAINING, [259_200]),
        ("sliding window eval takes 88s", TRAINING, []),
        ("8xH100", GPUS, [8]),
        ("on 64 A100s", GPUS, [64]),
        ("1x RTX 5090", GPUS, [1]),
        ("adds 40% step time", SLOWER, [0.4]),
        ("-9% step time, 30% faster steps", SLOWER, []),
    ],
)
def test_numbers_are_read_with_their_units(text, kind, numbers):
    assert constraints.values(found(text), kind) == pytest.approx(numbers)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("pip install mamba-ssm causal-conv1d", ["pip install mamba-ssm", "pip install causal-conv1d"]),
        ("pip install brotli zstandard and run it", []),
        ("pip install -r requirements.txt", []),
        ("```bash\npip install einops==0.7\n```", ["pip install einops"]),
        ("requires the einops package", ["requires the einops package"]),
        ("Requires `zstandard` package", []),
    ],
)
def test_new_dependencies_are_named(text, names):
    assert [finding.words for finding in found(text) if finding.kind == DEPENDENCY] == names


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("it requires a pretrained encoder", True),
        ("extra training data was used", True),
        ("we train on the validation set", True),
        ("no validation data in training, no network calls during evaluation", False),
        ("quantizes pretrained models", False),
    ],
)
def test_what_the_contest_forbids_is_found_and_what_is_denied_is_not(text, broken):
    assert any(finding.kind == constraints.BROKEN for finding in found(text)) == broken


def test_a_finding_carries_its_words():
    assert found("We store a 22.8M-parameter model in int6.")[0].words == "store a 22.8M-parameter model in"


def size(text: str, *, contest: bool = True) -> int:
    return feasible.size(found(text), LIMIT, contest=contest, grows=False).points


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("17,059,912 params int8", 3),
        ("15,863,489 bytes compressed artifact", 3),
        ("73.7M parameters, ternary", 3),
        ("106M parameters, binary weights", 3),
        ("the artifact was 17.6 MB; with int6 it is 15.9 MB compressed", 3),
        ("the compressed artifact is 16.4 MB", 0),
        ("100M parameters at int8", 0),
        ("100M parameters", 3),
    ],
)
def test_the_size_of_a_model_for_the_contest(text, points):
    assert size(text) == points


def test_a_model_of_a_paper_is_not_ours_but_what_it_adds_is():
    assert size("a 7B model in int8, 14,000,000,000 bytes compressed", contest=False) == 3
    assert size("adds 10M parameters", contest=False) == 1
    assert size("adds 900M parameters", contest=False) == 0


@pytest.mark.parametrize(
    ("text", "contest", "points"),
    [
        ("600s of training", True, 2),
        ("a 10-minute run; another run trained for 4 hours", True, 2),
        ("needs 20 minutes of training", True, 0),
        ("trained for 3 days on 64 GPUs", False, 2),
        ("adds 40% step time", False, 1),
        ("steps are 300% slower", False, 0),
    ],
)
def test_the_time_of_an_item(text, contest, points):
    assert feasible.time(found(text), 600.0, contest=contest, heavy=False).points == points


@pytest.mark.skipif(not RECORDS.is_dir(), reason=f"{RECORDS} is not there")
@pytest.mark.parametrize("characters", [6000, 100_000])
def test_every_record_is_feasible(characters):
    readmes = sorted(RECORDS.glob("*/*/README.md"))
    points = {path.parent.name: size(path.read_text("utf-8")[:characters]) for path in readmes}
    assert len(points) > 30
    assert not [name for name, value in points.items() if value == 0]


@pytest.mark.parametrize(
    ("text", "bpb"),
    [
        ("improves val_bpb by 0.012 bpb", 0.012),
        ("-0.005 BPB at no cost", 0.005),
        ("lowers the loss by 0.03 nats", 0.03 / 0.6931 / 3.7),
        ("perplexity falls from 18.2 to 17.5", 0.0390 / 0.6931 / 3.7),
        ("4% lower perplexity", 0.0408 / 0.6931 / 3.7),
        ("only 0.002 bpb penalty", 0.0),
        ("std 0.0007 bpb", 0.0),
        ("30% lower memory, 2.5% better accuracy", 0.0),
        ("improves by 0.9 bpb", 0.05 / gains.DISCOUNT),
    ],
)
def test_claims_are_read_in_bits_per_byte(text, bpb):
    assert gains.claimed(text) == pytest.approx(gains.DISCOUNT * bpb, rel=0.02)
