"""The main of the flattened train_gpt.py: the contest's environment names in, its log lines out; in PyTorch.

Alone, or one process of several under torchrun. All of it is counted code, so it holds what a run needs and no more.
Names and forms: openai/parameter-golf, train_gpt.py.
"""

import gc
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from golfkit.errors import Exit, GolfError
from golfkit.train.data.accounting import byte_luts, check_bytes_per_token
from golfkit.train.data.shards import TokenStream, read_shard, shard_files
from golfkit.train.engine.loop import Plan, Step
from golfkit.train.engine.session import Group, Validation, n_tokens, run
from golfkit.train.engine.torch_backend import TorchBackend
from golfkit.train.model.parameters import n_params

PAYLOAD = "final_model.int6.ptz"
DATA = "./data/datasets/fineweb10B_sp1024"
TOKENIZER = "./data/tokenizers/fineweb_1024_bpe.model"
FIRST_STEPS = 10  # each has its line in the log
MOST = 1e15  # of every number; keeps NaN and infinity out


def main(model: Any, spec: Any, environ: Mapping[str, str]) -> int:
    """Train, export and score one seed as the environment says; the exit code.

    model  has parameters(spec) and forward(ops, spec, weights, ids)
    spec   what the environment does not change
    """
    log = Path(environ.get("OUT_DIR") or ".", "logs", f"{environ.get('RUN_ID') or uuid.uuid4()}.txt")

    def say(line: str, aloud: bool = True) -> None:
        if environ.get("RANK", "0") == "0":
            with log.open("a", encoding="utf-8") as sink:
                print(line, file=sink)
            if aloud:
                print(line, flush=True)

    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        code = Path(sys.argv[0]).read_text("utf-8")
        say(code, aloud=False)
        _train(model, _changed(spec, environ), environ, log.parents[1] / PAYLOAD, len(code.encode()), say)
        _leave()
    except GolfError as error:
        say(f"GolfError: {error}")
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _train(
    model: Any, spec: Any, environ: Mapping[str, str], payload: Path, code_bytes: int, say: Callable[[str], None]
) -> None:
    """One run under its lines of the log."""
    seed, iterations = number(environ, "SEED", 1337), number(environ, "ITERATIONS", 20_000, least=1)
    limit_s, every = number(environ, "MAX_WALLCLOCK_SECONDS", 600.0), number(environ, "TRAIN_LOG_EVERY", 200)
    validation, train_files = _inputs(spec, environ, say)
    group, device = _group(environ)
    cuda = device != "cpu"
    backend = TorchBackend(
        model,
        spec,
        device=device,
        dtype=_dtype(environ, "bfloat16" if cuda else "float32"),
        compiled=bool(number(environ, "COMPILE", int(cuda), most=1)),
        world_size=group.world_size,
    )
    part = max(spec.seq_len, backend.micro_tokens) * group.world_size
    say(f"model_params:{n_params(backend.table)}")
    say(f"world_size:{group.world_size} grad_accum_steps:{-(-spec.batch_tokens // part)}")
    machine = backend.torch.cuda.get_device_name() if cuda else "CPU"
    say(f"PyTorch {backend.torch.__version__} on {group.world_size} x {machine}")
    say(f"device:{device} dtype:{backend.dtype}")
    say(
        f"train_batch_tokens:{spec.batch_tokens} train_seq_len:{spec.seq_len} iterations:{iterations} warmup_steps:1"
        f" max_wallclock_seconds:{limit_s:.3f}"
    )
    say(f"seed:{seed}")

    def on_step(done: Step) -> None:
        if done.step <= FIRST_STEPS or done.step == iterations or (every and done.step % every == 0):
            ms = 1000 * done.train_s
            words = f"step:{done.step}/{iterations} train_loss:{done.loss:.4f}"
            say(f"{words} train_time:{ms:.0f}ms step_avg:{ms / done.step:.2f}ms")

    result = run(
        backend,
        model,
        spec,
        TokenStream(train_files),
        validation,
        Plan(iterations, limit_s or None, group.rank, group.world_size),
        payload,
        seed=seed,
        group=group,
        say=say,
        on_step=on_step,
    )
    say(f"Code size: {code_bytes} bytes")
    say(f"Total submission size int6: {code_bytes + result.payload_bytes} bytes")
    group.wait()  # none may leave while others still talk to it


def _inputs(spec: Any, environ: Mapping[str, str], say: Callable[[str], None]) -> tuple[Validation, list[Path]]:
    """What to score on, audited, and the training shards."""
    import numpy as np

    data, tokenizer = Path(environ.get("DATA_PATH") or DATA), environ.get("TOKENIZER_PATH") or TOKENIZER
    train_files, val_files = shard_files(data, "train"), shard_files(data, "val")
    luts = byte_luts(tokenizer, spec.vocab_size)
    if len(luts.base_bytes) > spec.vocab_size:
        raise GolfError(f"{tokenizer}: {len(luts.base_bytes)} tokens, expected the model's {spec.vocab_size} at most")
    validation = Validation(
        np.concatenate([read_shard(path) for path in val_files]),
        luts,
        number(environ, "VAL_BATCH_SIZE", 524_288, least=1),
        number(environ, "EVAL_STRIDE", 0),
        bool(number(environ, "TTT_ENABLED", 0, most=1)),
    )
    check_bytes_per_token(luts, validation.tokens, tokenizer)
    say(f"val_bpb:enabled tokenizer_path={tokenizer}")
    say(f"train_loader:dataset:{data.name} train_shards:{len(train_files)}")
    say(f"val_loader:shards pattern={data} tokens:{n_tokens(spec, validation)}")
    return validation, train_files


def _changed(spec: Any, environ: Mapping[str, str]) -> Any:
    """The spec with what the environment may change in it."""
    if number(environ, "VOCAB_SIZE", spec.vocab_size) != spec.vocab_size:
        found = environ["VOCAB_SIZE"]
        raise GolfError(f"VOCAB_SIZE is {found}, expected the model's {spec.vocab_size}; flatten another", Exit.USAGE)
    return replace(
        spec,
        batch_tokens=number(environ, "TRAIN_BATCH_TOKENS", spec.batch_tokens, least=1),
        seq_len=number(environ, "TRAIN_SEQ_LEN", spec.seq_len, least=1),
    )


def _group(environ: Mapping[str, str]) -> tuple[Group, str]:
    """The processes that torchrun started, or one alone; and this one's device."""
    import torch

    rank, world_size = number(environ, "RANK", 0), number(environ, "WORLD_SIZE", 1, least=1)
    device = f"cuda:{number(environ, 'LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
    if device != "cpu":
        torch.cuda.set_device(device)
        torch.set_float32_matmul_precision("high")
    if world_size == 1:
        return Group(), device
    torch.distributed.init_process_group("gloo" if device == "cpu" else "nccl")

    def agree(mine: float) -> float:
        shared = torch.tensor(mine, dtype=torch.float64, device=device)
        torch.distributed.broadcast(shared, 0)
        return shared.item()

    def combine(numbers: list[float]) -> list[float]:
        total = torch.tensor(numbers, dtype=torch.float64, device=device)
        torch.distributed.all_reduce(total)
        return total.tolist()

    return Group(rank, world_size, agree, combine, torch.distributed.barrier), device


def _leave() -> None:
    """Part from the other processes."""
    import torch

    if torch.distributed.is_initialized():
        gc.collect()  # what still holds the group would end it after its threads, which aborts the process
        torch.distributed.destroy_process_group()


def number(environ: Mapping[str, str], name: str, default: Any, *, least: int = 0, most: float = MOST) -> Any:
    """A number of the environment, of its default's type; unset or empty is the default."""
    text = environ.get(name) or str(default)
    try:
        value = type(default)(text)
    except ValueError:
        value = -1
    if not least <= value <= most:
        kind = "a whole number" if type(default) is int else "a number"
        raise GolfError(f"{name} is {text!r}, expected {kind} from {least} to {most:.0f}; correct it", Exit.USAGE)
    return value


def _dtype(environ: Mapping[str, str], default: str) -> str:
    dtype = environ.get("DTYPE") or default
    if dtype not in ("float32", "bfloat16"):
        raise GolfError(f"DTYPE is {dtype!r}, expected float32 or bfloat16; correct it", Exit.USAGE)
    return dtype
