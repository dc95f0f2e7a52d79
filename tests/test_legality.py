"""The legality gate: quiet on what the contest allowed, and not fooled by what it forbade."""

import base64
import bz2
import lzma
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from legality_cases import NETWORK, PARTS, evaluation
from phased_script import PHASED_FINAL, PHASED_TTT
from scripts_of_others import ADAPT_ALL, ADAPT_CHUNK, LORA, LORA_EPOCHS, PLAIN, SCORE_CHUNK, script, sliding

from golfkit.budget.gate import legality, unpack
from golfkit.train import flatten
from golfkit.train.logs import lines

TTT = "q_loss, q_bpb = eval_ttt(args, base_model, device, val_tokens)"
LORA_FINAL = "q_loss, q_bpb = eval_lora(args, base_model, device)"
UPDATE = "base_model(t[:-1], t[1:]).backward(); optimizers[0].step()"
RECORDS = Path(__file__).parents[2] / "shared/data/parameter_golf/records"

LEGAL = {
    "the official kind of script": script(),
    "score-first test-time training over sliding windows": script(sliding(SCORE_CHUNK, ADAPT_CHUNK), final=TTT),
    "LoRA per document, one forward for score and update": script(LORA, final=LORA_FINAL),
    "phases: LoRA per document, then the network on the documents scored so far": script(
        LORA + PHASED_TTT, final=PHASED_FINAL
    ),
    "a function to adapt that nobody hands validation tokens": script(
        ADAPT_ALL, before="ttt_adapt(args, base_model, device, train_loader.stream.take(9999))"
    ),
    "validation as a table of both splits": script(train='dict(train=args.train_files, val=args.val_files)["train"]'),
    "a split by name": script(
        "def shards(path, split):\n    return os.path.join(path, f'fineweb_{split}_*.bin')\n",
        train="shards(args.data_path, 'train')",
    ),
    "every shard but those of validation": script(
        "def listed(folder):\n    return [str(p) for p in Path(folder).glob('*.bin') if 'train' in p.name][0]\n",
        train="listed(args.data_path)",
    ),
    "a function of the forbidden kind that nothing calls": script(ADAPT_ALL),
    "an early stop by the validation loss": script(before="if val_loss > 9: sys.exit('diverged')"),
    "a learning rate that is logged beside the score": script(before="print(f'val_bpb:{val_bpb:.4f} lr:{0.1}')"),
}

ILLEGAL = {
    "training on the validation files": (script(train="args.val_files"), "reach the gradient"),
    "a glob that takes both": (script(train='os.path.join(args.data_path, "fineweb_*.bin")'), "reach the gradient"),
    "training on one validation shard by an f-string": (
        script(train='f"{args.data_path}/fineweb_val_{0:06d}.bin"'),
        "reach the gradient",
    ),
    "a pattern put together with +": (script(train='args.data_path + "/fineweb_" + "val" + "_*.bin"'), "gradient"),
    "a pattern put together with Path and /": (
        script(train='str(Path(args.data_path) / "fineweb_val_000000.bin")'),
        "reach the gradient",
    ),
    "a split by name that is the wrong one": (
        script(
            "def shards(path, split):\n    return os.path.join(path, f'fineweb_{split}_*.bin')\n",
            train="shards(args.data_path, 'val')",
        ),
        "reach the gradient",
    ),
    "an environment variable whose default is the validation set": (
        script(train='os.environ.get("TRAIN_FILES", args.data_path + "/fineweb_val_*.bin")'),
        "reach the gradient",
    ),
    "both sets glued together": (
        script(
            before="both = torch.cat([val_tokens, train_loader.stream.take(9)]); model(both[:-1], both[1:]).backward()"
        ),
        "reach the gradient",
    ),
    "fine-tuning on validation before the export": (
        script(before="l = model(val_tokens[:-1], val_tokens[1:]); l.backward(); optimizers[0].step()"),
        "reach the gradient",
    ),
    "adapting on everything before the export": (
        script(ADAPT_ALL, before="ttt_adapt(args, base_model, device, val_tokens)"),
        "before line 79 scores them",
    ),
    "adapting on everything before the last evaluation": (
        script(ADAPT_ALL, final=f"ttt_adapt(args, base_model, device, val_tokens); {PLAIN}"),
        "before line 79 scores them",
    ),
    "adapting on a chunk before its score": (
        script(sliding(ADAPT_CHUNK, SCORE_CHUNK), final=TTT),
        "weights learn from validation tokens",
    ),
    "phases that learn from all documents, scored or not": (
        script(LORA + PHASED_TTT.replace("model, tokens)", "model, val_data.val_tokens)"), final=PHASED_FINAL),
        "weights learn from validation tokens",
    ),
    "a class that keeps validation tokens and trains": (
        script(
            "class Trainer:\n"
            "    def __init__(self, args, model):\n"
            "        self.model, self.kept = model, load_validation_tokens(args.val_files, 1024)\n"
            "    def go(self):\n"
            "        for i in range(9):\n"
            "            self.model(self.kept[i : i + 9], self.kept[i + 1 : i + 10]).backward()\n",
            before="Trainer(args, base_model).go()",
        ),
        "reach the gradient",
    ),
    "a misleading name": (
        script(before=f"train_tokens = val_tokens; t = train_tokens; {UPDATE}"),
        "reach the gradient",
    ),
    "a second loader, of validation files": (
        script(before="a, b = Loader(args.val_files, 0, device).next_batch(99, 9); model(a, b).backward()"),
        "reach the gradient",
    ),
    "GPTQ calibrated from a loader of validation files": (
        script(
            "def gptq_calibrate(model, loader, n):\n    for _ in range(n):\n        model(*loader.next_batch(99, 9))\n",
            before="gptq_calibrate(base_model, Loader(args.val_files, 0, device), 16)",
        ),
        "calibrate the quantisation in gptq_calibrate",
    ),
    "several epochs over a document, all of them counted": (
        script(LORA_EPOCHS, final=LORA_FINAL),
        "goes over the same",
    ),
}


@pytest.mark.parametrize("name", LEGAL)
def test_what_the_contest_allowed_passes(name):
    verdict = legality.check(LEGAL[name])
    assert verdict.passed is True, verdict


@pytest.mark.parametrize("name", ILLEGAL)
def test_what_the_contest_forbade_is_caught(name):
    source, words = ILLEGAL[name]
    verdict = legality.check(source)
    assert verdict.passed is False, verdict
    assert words in verdict.reason


@pytest.mark.parametrize("name", PARTS)
def test_the_order_of_score_and_update_is_read(name):
    expected, body = PARTS[name]
    verdict = legality.check(evaluation(body))
    assert verdict.passed is expected, verdict


@pytest.mark.parametrize("name", NETWORK)
def test_the_network_is_noticed(name):
    expected, source = NETWORK[name]
    verdict = legality.check(source)
    assert verdict.passed is expected, verdict


def b85(data: bytes) -> str:
    return repr(base64.b85encode(data).decode())


def packed_as(kind: str, source: str) -> str:
    data = source.encode()
    raw = lzma.compress(data, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}])
    in_base64 = repr(base64.b64encode(zlib.compress(data)).decode())
    return {
        "lzma and base85": f"import lzma, base64\nexec(lzma.decompress(base64.b85decode({b85(lzma.compress(data))})))",
        "raw lzma by short names": "import lzma as L,base64 as B\n"
        f'exec(L.decompress(B.b85decode({b85(raw)}),format=L.FORMAT_RAW,filters=[{{"id":L.FILTER_LZMA2}}]))',
        "zlib and base64 through a name": "import zlib\nfrom base64 import b64decode as d\n"
        f"S = {in_base64}\nsource = zlib.decompress(d(S)).decode('utf-8')\n"
        "exec(compile(source, __file__, 'exec'), globals())",
        "bz2 in several strings": "import bz2, base64\n"
        f"exec(bz2.decompress(base64.b85decode(''.join([{b85(bz2.compress(data))}]))))",
        "plain text": f"exec({source!r})",
    }[kind]


KINDS = ("lzma and base85", "raw lzma by short names", "zlib and base64 through a name", "bz2 in several strings")
KINDS += ("plain text",)
BOMB = repr(base64.b64encode(zlib.compress(bytes(9 << 20), 9)).decode())


@pytest.mark.parametrize("kind", KINDS)
def test_packed_scripts_are_read_without_running_them(kind):
    good, bad = (
        legality.check(packed_as(kind, script())),
        legality.check(packed_as(kind, script(train="args.val_files"))),
    )
    assert good.passed is True, good
    assert "unpacked without running it" in good.reason
    assert bad.passed is False
    assert bad.reason.startswith("train_gpt.py (unpacked):")


def test_packed_twice_is_unpacked_twice():
    inner = packed_as("lzma and base85", script(train="args.val_files"))
    assert legality.check(packed_as("zlib and base64 through a name", inner)).passed is False


UNSURE = {
    "a table of both sets, by a key of the environment": (
        f't = {{"a": train_loader.stream.tokens, "b": val_tokens}}[os.environ["WHICH"]]; {UPDATE}',
        "golf lost track of which data it is",
    ),
    "a warm-up on validation tokens, and the weights from before it": (
        f"saved = base_model.state_dict(); t = val_tokens; {UPDATE}; base_model.load_state_dict(saved)",
        "then older weights are loaded",
    ),
}


@pytest.mark.parametrize("name", UNSURE)
def test_what_may_be_allowed_is_neither_yes_nor_no(name):
    before, words = UNSURE[name]
    verdict = legality.check(script(before=before))
    assert verdict.passed is None, verdict
    assert words in verdict.reason


OPAQUE = {
    "code from a file": "exec(open('x.py').read())",
    "a literal that decodes to nothing": "import lzma\nexec(lzma.decompress(b'nothing'))",
    "an expression computed at run time": "import sys\nprint(eval(sys.argv[1]))",
    "an import by a computed name": "import importlib, sys\nimportlib.import_module(sys.argv[1])",
    "a bomb": f"import zlib, base64\nexec(zlib.decompress(base64.b64decode({BOMB})))",
}


@pytest.mark.parametrize("name", OPAQUE)
def test_what_cannot_be_read_is_said(name):
    verdict = legality.check(OPAQUE[name])
    assert verdict.passed is None
    assert "use --dynamic" in verdict.reason


def test_golfkits_own_script_passes_in_both_forms():
    made = flatten.flatten_file(None)
    assert legality.check(made.readable).passed is True
    assert legality.check(made.packed).passed is True


def test_golfkits_own_script_that_adapts_before_it_scores_is_caught():
    source = flatten.flatten_file(None).readable
    score = "        losses = np.asarray(nll(inputs, targets), np.float64)\n"
    assert score in source
    cheat = source.replace(score, f"        if adapt is not None:\n            adapt(inputs, targets)\n{score}")
    verdict = legality.check(cheat)
    assert verdict.passed is False
    assert "before line" in verdict.reason


@pytest.mark.parametrize(("default", "expected"), [("0", None), ("1", False)])
def test_what_only_a_variable_of_the_environment_switches_on_is_told(default, expected):
    switch = (
        f'if bool(int(os.environ.get("PRE_QUANT_TTT", "{default}"))): ttt_adapt(args, base_model, device, val_tokens)'
    )
    verdict = legality.check(script(ADAPT_ALL, before=switch))
    assert verdict.passed is expected, verdict
    assert "weights learn from validation tokens" in verdict.reason


def test_a_finding_names_line_rule_and_fix():
    verdict = legality.check(script(train="args.val_files"), "runs/x/train_gpt.py")
    line = 1 + script(train="args.val_files").split("(loss / 8).backward()")[0].count("\n")
    assert verdict.details[0].startswith(f"runs/x/train_gpt.py:{line}: validation tokens (named in line 14) reach")
    assert "contest rules" in verdict.details[0]
    assert verdict.details[0].endswith("train on fineweb_train shards alone")


def test_what_is_no_python_is_a_no():
    assert legality.check("def f(:").passed is False
    assert legality.check("x = 1\0").passed is False


@given(st.text(alphabet="abx=()[]:.,\n \t'\"+*#01", max_size=60))
def test_no_text_makes_it_fail(text):
    assert legality.check(text).passed in (True, False, None)


@given(st.binary(max_size=200))
def test_no_packed_bytes_make_it_fail(data):
    source = f"import lzma, base64\nexec(lzma.decompress(base64.b85decode({data!r})))"
    assert len(unpack.unpack(source).sources) in (1, 2)


def leading_source(log: str) -> str:
    """The source that a log begins with: its text up to its first own line."""
    first = next(iter(lines.lines(log)), None)
    return "".join(f"{line}\n" for line in log.split("\n")[: first.number - 1]) if first else log


def test_no_script_in_a_record_log_is_refused():
    if not RECORDS.exists():
        pytest.skip(f"{RECORDS} is not there")
    counts = {True: 0, False: 0, None: 0, "no source": 0}
    for path in sorted(RECORDS.rglob("*")):
        if path.suffix in (".log", ".txt") and path.name != "requirements.txt":
            source = leading_source(path.read_text("utf-8", "replace"))
            counts[legality.check(source).passed if "import torch" in source else "no source"] += 1
    assert counts[False] == 0
    assert sum(counts.values()) >= 69


def test_the_source_is_cut_out_of_a_log():
    source = script()
    log = f"{source}\n{'=' * 100}\nRunning Python 3.12\nstep:1/20 train_loss:6.9 train_time:10ms step_avg:10.00ms\n"
    assert legality.check(leading_source(log)).passed is True
    assert "def main" in leading_source(log)
