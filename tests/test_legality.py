"""The legality gate: quiet on what the contest allowed, and not fooled by what it forbade."""

import base64
import bz2
import lzma
import textwrap
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripts_of_others import (
    ADAPT_ALL,
    ADAPT_CHUNK,
    LORA,
    LORA_EPOCHS,
    PHASED_FINAL,
    PHASED_TTT,
    PLAIN,
    SCORE_CHUNK,
    script,
    sliding,
)

from golfkit.budget.gate import legality, unpack
from golfkit.train import flatten
from golfkit.train.logs import lines

TTT = "q_loss, q_bpb = eval_ttt(args, base_model, device, val_tokens)"
LORA_FINAL = "q_loss, q_bpb = eval_lora(args, base_model, device)"
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
            before="both = torch.cat([val_tokens, train_loader.stream.take(999)]); model(both[:-1], both[1:]).backward()"
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


def evaluation(body: str) -> str:
    """A function that scores a validation set with a model in some way; nothing calls it."""
    head = "import torch\nimport torch.nn.functional as F\ndef evaluate(model, optimizer, val_tokens, n, seq):\n"
    return head + textwrap.indent(textwrap.dedent(body), "    ")


PARTS = {
    "scored, then learnt from": (
        True,
        """
        total, count = 0.0, 0
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            with torch.no_grad():
                total += model(x, y).item() * seq
            loss = model(x, y)
            loss.backward()
            optimizer.step()
            count += seq
        return total / count
        """,
    ),
    "one forward pass for both": (
        True,
        """
        losses = []
        for i in range(n):
            chunk = val_tokens[i * seq : i * seq + seq + 1]
            loss = model(chunk[:-1], chunk[1:])
            losses.append(loss.detach())
            loss.backward()
            optimizer.step()
        return torch.stack(losses).mean()
        """,
    ),
    "scored after a step on the same tokens": (
        False,
        """
        total = 0.0
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            loss = model(x, y)
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                total += model(x, y).item()
        return total / n
        """,
    ),
    "the loss of the step, and then the one that counts": (
        False,
        """
        total, trained = 0.0, 0.0
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            loss = model(x, y)
            trained += loss.item()
            loss.backward()
            optimizer.step()
            total += F.cross_entropy(model(x), y).item()
        print(trained)
        val_bpb = total / n / 0.6931
        print(f"val_bpb:{val_bpb}")
        """,
    ),
    "a delta of the logits learnt from the batch that it scores": (
        False,
        """
        total = 0.0
        for start in range(0, n, seq):
            x, y = val_tokens[start : start + seq], val_tokens[start + 1 : start + seq + 1]
            delta = torch.zeros(1, requires_grad=True)
            for _ in range(8):
                loss = F.cross_entropy(model(x) + delta, y)
                (grad,) = torch.autograd.grad(loss, [delta])
                delta = (delta - 0.1 * grad).detach().requires_grad_()
            total += F.cross_entropy(model(x) + delta, y).item()
        return total / n
        """,
    ),
    "epochs, of which the last is returned": (
        False,
        """
        for epoch in range(4):
            total = 0.0
            for i in range(n):
                x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
                loss = model(x, y)
                total += loss.item()
                loss.backward()
                optimizer.step()
        return total / n
        """,
    ),
    "learning from all of it while scoring chunks": (
        False,
        """
        total = 0.0
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            with torch.no_grad():
                total += model(x, y).item()
            model(val_tokens[:-1], val_tokens[1:]).backward()
            optimizer.step()
        return total / n
        """,
    ),
    "learning from the chunk before this one": (
        None,
        """
        total, before = 0.0, None
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            if before is not None:
                model(*before).backward()
                optimizer.step()
            with torch.no_grad():
                total += model(x, y).item()
            before = (x, y)
        return total / n
        """,
    ),
    "scored again after test-time training": (
        None,
        """
        total = 0.0
        for i in range(n):
            loss = model(val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1])
            total += loss.item()
            loss.backward()
            optimizer.step()
        again = 0.0
        for i in range(n):
            again += model(val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]).item()
        return total / n, again / n
        """,
    ),
    "a closure that the optimiser calls, before the score": (
        False,
        """
        total = 0.0
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            def closure():
                loss = model(x, y)
                loss.backward()
                return loss
            optimizer.step(closure)
            total += model(x, y).item()
        return total / n
        """,
    ),
    "weights moved by hand towards what is then scored": (
        False,
        """
        total = 0.0
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            loss = model(x, y)
            for p in model.parameters():
                p.data.add_(torch.rand_like(p) * loss)
            total += model(x, y).item()
        return total / n
        """,
    ),
    "a while loop that moves on, score first": (
        True,
        """
        total, at = 0.0, 0
        while at < n:
            x, y = val_tokens[at : at + seq], val_tokens[at + 1 : at + seq + 1]
            loss = model(x, y)
            total += loss.item()
            loss.backward()
            optimizer.step()
            at += seq
        return total / n
        """,
    ),
    "a while loop that moves on, step first": (
        False,
        """
        total, at = 0.0, 0
        while at < n:
            x, y = val_tokens[at : at + seq], val_tokens[at + 1 : at + seq + 1]
            model(x, y).backward()
            optimizer.step()
            total += model(x, y).item()
            at += seq
        return total / n
        """,
    ),
    "either the one or the other": (
        True,
        """
        total = 0.0
        if n > 5:
            model(torch.randint(0, 9, (seq,)), torch.randint(0, 9, (seq,))).backward()
        for i in range(n):
            total += model(val_tokens[i : i + seq], val_tokens[i + 1 : i + seq + 1]).item()
        return total
        """,
    ),
    "GPTQ calibrated on validation tokens": (
        False,
        """
        def collect_hessians(model, tokens):
            for i in range(16):
                model(tokens[i * seq : i * seq + seq])
        collect_hessians(model, val_tokens)
        """,
    ),
    "an outside AWQ calibrated on validation tokens": (
        False,
        """
        from awq import awq_calibrate
        awq_calibrate(model, val_tokens[:4096])
        """,
    ),
    "a quantised model scored": (
        True,
        """
        def eval_gptq(model, tokens):
            return sum(model(tokens[i * seq : i * seq + seq]).item() for i in range(16))
        val_loss = eval_gptq(model, val_tokens)
        return val_loss
        """,
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_the_order_of_score_and_update_is_read(name):
    expected, body = PARTS[name]
    verdict = legality.check(evaluation(body))
    assert verdict.passed is expected, verdict


NETWORK = {
    "requests": (False, "import requests\nrequests.get('https://example.com')"),
    "urllib by another name": (False, "from urllib import request as r\nr.urlopen('https://example.com')"),
    "the hub": (False, "from huggingface_hub import hf_hub_download\nhf_hub_download('a', 'b')"),
    "curl": (False, "import os\nos.system('curl -O https://example.com/x')"),
    "pip in a list": (
        False,
        "import subprocess, sys\nsubprocess.run([sys.executable, '-m', 'pip', 'install', 'zstandard'])",
    ),
    "a socket": (False, "import socket\nsocket.create_connection(('example.com', 80))"),
    "pip where an import fails": (
        None,
        "try:\n    import brotli\nexcept ImportError:\n    import os\n    os.system('pip install brotli')",
    ),
    "a download where data are missing": (
        None,
        "import os, subprocess, sys\nif not os.path.exists('data'):\n"
        "    dl_script = 'data/cached_challenge_fineweb.py'\n    subprocess.run([sys.executable, dl_script], check=True)",
    ),
    "the card's own tool": (
        True,
        "import subprocess\nprint(subprocess.run(['nvidia-smi'], capture_output=True).stdout)",
    ),
    "a compressor": (True, "import subprocess\nsubprocess.run(['lrzip', '-q', 'model.bin'], check=True)"),
    "an import that nothing calls": (True, "import requests\nprint(1)"),
    "this machine's name": (True, "import socket\nprint(socket.gethostname())"),
    "a function that nothing calls": (True, "import requests\ndef fetch():\n    requests.get('https://example.com')"),
}


@pytest.mark.parametrize("name", NETWORK)
def test_the_network_is_noticed(name):
    expected, source = NETWORK[name]
    verdict = legality.check(source)
    assert verdict.passed is expected, verdict


def packed_as(kind: str, source: str) -> str:
    data = source.encode()
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9}]
    raw = base64.b85encode(lzma.compress(data, lzma.FORMAT_RAW, filters=filters)).decode()
    return {
        "lzma and base85": f"import lzma, base64\nexec(lzma.decompress(base64.b85decode({base64.b85encode(lzma.compress(data))!r})))",
        "raw lzma by short names": "import lzma as L,base64 as B\n"
        f'exec(L.decompress(B.b85decode("{raw}"),format=L.FORMAT_RAW,filters=[{{"id":L.FILTER_LZMA2}}]))',
        "zlib and base64 through a name": "import zlib\nfrom base64 import b64decode as d\n"
        f"S = {base64.b64encode(zlib.compress(data)).decode()!r}\nsource = zlib.decompress(d(S)).decode('utf-8')\n"
        "exec(compile(source, __file__, 'exec'), globals())",
        "bz2 in several strings": f"import bz2, base64\nexec(bz2.decompress(base64.b85decode(''.join({[base64.b85encode(bz2.compress(data)).decode()]!r}))))",
        "plain text": f"exec({source!r})",
    }[kind]


KINDS = (
    "lzma and base85",
    "raw lzma by short names",
    "zlib and base64 through a name",
    "bz2 in several strings",
    "plain text",
)


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


OPAQUE = {
    "code from a file": "exec(open('x.py').read())",
    "a literal that decodes to nothing": "import lzma\nexec(lzma.decompress(b'nothing'))",
    "an expression computed at run time": "import sys\nprint(eval(sys.argv[1]))",
    "an import by a computed name": "import importlib, sys\nimportlib.import_module(sys.argv[1])",
    "a bomb": f"import zlib, base64\nexec(zlib.decompress(base64.b64decode({base64.b64encode(zlib.compress(bytes(9 << 20), 9)).decode()!r})))",
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
