"""Training scripts in the shapes that the contest saw, written for the tests: what is legal, and what is not.

Each is a whole script around a part that varies, with the loader, model and main of the official kind.
"""

HEAD = """
import copy, glob, io, math, os, random, subprocess, sys, time, zlib
from pathlib import Path
import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel as DDP

class Hyperparameters:
    data_path = os.environ.get("DATA_PATH", "./data/datasets/fineweb10B_sp1024")
    train_files = os.path.join(data_path, "fineweb_train_*.bin")
    val_files = os.path.join(data_path, "fineweb_val_*.bin")
    iterations = int(os.environ.get("ITERATIONS", 20000))
    val_batch_size = int(os.environ.get("VAL_BATCH_SIZE", 524_288))
    val_loss_every = int(os.environ.get("VAL_LOSS_EVERY", 1000))
    seq_len = int(os.environ.get("TRAIN_SEQ_LEN", 1024))
    ttt_epochs = int(os.environ.get("TTT_EPOCHS", 3))
    ttt_chunk = int(os.environ.get("TTT_CHUNK_TOKENS", 32768))
    ttt_lr = float(os.environ.get("TTT_LR", 0.005))

def load_data_shard(file: Path) -> Tensor:
    header = np.fromfile(file, dtype="<i4", count=256)
    return torch.from_numpy(np.fromfile(file, dtype="<u2", count=int(header[2]), offset=1024).astype(np.int64))

def load_validation_tokens(pattern: str, seq_len: int) -> Tensor:
    files = [Path(p) for p in sorted(glob.glob(pattern))]
    if not files:
        raise FileNotFoundError(pattern)
    tokens = torch.cat([load_data_shard(file) for file in files]).contiguous()
    usable = (tokens.numel() - 1) // seq_len * seq_len
    return tokens[: usable + 1]

class TokenStream:
    def __init__(self, pattern: str):
        self.files = [Path(p) for p in sorted(glob.glob(pattern))]
        self.file_idx, self.pos = 0, 0
        self.tokens = load_data_shard(self.files[0])
    def take(self, n: int) -> Tensor:
        chunks = []
        while n > 0:
            left = self.tokens.numel() - self.pos
            if left <= 0:
                self.file_idx = (self.file_idx + 1) % len(self.files)
                self.tokens, self.pos = load_data_shard(self.files[self.file_idx]), 0
                continue
            k = min(n, left)
            chunks.append(self.tokens[self.pos : self.pos + k])
            self.pos += k
            n -= k
        return torch.cat(chunks)

class Loader:
    def __init__(self, pattern: str, rank: int, device):
        self.stream, self.rank, self.device = TokenStream(pattern), rank, device
    def next_batch(self, n_tokens: int, seq_len: int):
        local = self.stream.take(n_tokens + 1)
        return local[:-1].reshape(-1, seq_len).to(self.device), local[1:].reshape(-1, seq_len).to(self.device)

class GPT(nn.Module):
    def __init__(self, vocab: int, dim: int):
        super().__init__()
        self.tok_emb, self.head = nn.Embedding(vocab, dim), nn.Linear(dim, vocab)
    def forward_logits(self, ids):
        return self.head(self.tok_emb(ids))
    def forward(self, ids, targets):
        logits = self.forward_logits(ids)
        return F.cross_entropy(logits.reshape(-1, logits.size(-1)).float(), targets.reshape(-1))

def eval_val(args, model, device, val_tokens):
    loss_sum = torch.zeros((), device=device, dtype=torch.float64)
    count = torch.zeros((), device=device, dtype=torch.float64)
    model.eval()
    with torch.inference_mode():
        for start in range(0, val_tokens.numel() - 1, args.val_batch_size):
            local = val_tokens[start : start + args.val_batch_size + 1].to(device)
            x, y = local[:-1].reshape(-1, args.seq_len), local[1:].reshape(-1, args.seq_len)
            batch_loss = model(x, y).detach()
            loss_sum += batch_loss.to(torch.float64) * y.numel()
            count += y.numel()
    dist.all_reduce(loss_sum)
    val_loss = loss_sum / count
    model.train()
    return float(val_loss.item()), float(val_loss.item() / math.log(2.0))
"""

MAIN = """
def main():
    args = Hyperparameters()
    device = torch.device("cuda", 0)
    code = Path(__file__).read_text(encoding="utf-8")
    print(subprocess.run(["nvidia-smi"], stdout=subprocess.PIPE, text=True, check=False).stdout)
    val_tokens = load_validation_tokens(args.val_files, args.seq_len)
    base_model = GPT(1024, 512).to(device).bfloat16()
    compiled = torch.compile(base_model, dynamic=False, fullgraph=True)
    model = DDP(compiled, device_ids=[0]) if dist.is_initialized() else compiled
    optimizers = [torch.optim.Adam(base_model.parameters(), lr=0.01)]
    train_loader = Loader({train_pattern}, 0, device)
    step = 0
    while True:
        last_step = step == args.iterations
        if last_step or (args.val_loss_every > 0 and step % args.val_loss_every == 0):
            val_loss, val_bpb = eval_val(args, model, device, val_tokens)
            print(f"step:{{step}}/{{args.iterations}} val_loss:{{val_loss:.4f}} val_bpb:{{val_bpb:.4f}}")
        if last_step:
            break
        for opt in optimizers:
            opt.zero_grad(set_to_none=True)
        for micro_step in range(8):
            x, y = train_loader.next_batch(65536, args.seq_len)
            loss = model(x, y)
            (loss / 8).backward()
        for opt in optimizers:
            opt.step()
        step += 1
    {before}
    quantised = {{name: t.to(torch.int8) for name, t in base_model.state_dict().items()}}
    with open("final_model.int8.ptz", "wb") as f:
        f.write(zlib.compress(io.BytesIO().getvalue(), 9))
    base_model.load_state_dict(torch.load(io.BytesIO(zlib.decompress(open("final_model.int8.ptz", "rb").read()))))
    {final}
    print(f"final_int8_zlib_roundtrip val_loss:{{q_loss:.4f}} val_bpb:{{q_bpb:.4f}}")

if __name__ == "__main__":
    main()
"""

PLAIN = "q_loss, q_bpb = eval_val(args, model, device, val_tokens)"
SLIDING_TTT = """
def eval_ttt(args, model, device, val_tokens, stride=64):
    total = val_tokens.numel() - 1
    n_chunks = (total + args.ttt_chunk - 1) // args.ttt_chunk
    windows = [[] for _ in range(n_chunks)]
    for ws in range(0, total, stride):
        windows[min(ws // args.ttt_chunk, n_chunks - 1)].append(ws)
    loss_sum = torch.zeros((), device=device, dtype=torch.float64)
    count = torch.zeros((), device=device, dtype=torch.float64)
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(params, lr=args.ttt_lr, momentum=0.9)
    for ci in range(n_chunks):
        chunk_start, chunk_end = ci * args.ttt_chunk, min((ci + 1) * args.ttt_chunk, total)
        {first}
        {second}
        print(f"ttt_chunk {ci + 1}/{n_chunks} bpb={loss_sum.item() / max(count.item(), 1) / math.log(2.0):.6f}")
    for t in [loss_sum, count]:
        dist.all_reduce(t, op=dist.ReduceOp.SUM)
    val_loss = (loss_sum / count).item()
    return val_loss, val_loss / math.log(2.0)
"""
SCORE_CHUNK = """
        model.eval()
        with torch.inference_mode():
            for i in range(0, len(windows[ci]), 32):
                batch = windows[ci][i : i + 32]
                x = torch.zeros(len(batch), args.seq_len, dtype=torch.int64, device=device)
                y = torch.zeros(len(batch), args.seq_len, dtype=torch.int64, device=device)
                for b, ws in enumerate(batch):
                    end = min(ws + args.seq_len, total)
                    chunk = val_tokens[ws : end + 1].to(device)
                    x[b, : end - ws], y[b, : end - ws] = chunk[:-1], chunk[1:]
                logits = model.forward_logits(x)
                nll = F.cross_entropy(logits.reshape(-1, logits.size(-1)), y.reshape(-1), reduction="none")
                for b, ws in enumerate(batch):
                    loss_sum += nll.reshape(len(batch), -1)[b, -stride:].to(torch.float64).sum()
                    count += stride
"""
ADAPT_CHUNK = """
        model.train()
        for _epoch in range(args.ttt_epochs):
            for start in range(chunk_start, chunk_end, args.seq_len):
                local = val_tokens[start : start + args.seq_len + 1].to(device)
                x2, y2 = local[:-1].reshape(-1, args.seq_len), local[1:].reshape(-1, args.seq_len)
                optimizer.zero_grad(set_to_none=True)
                loss = model(x2, y2)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(params, 1.0)
                optimizer.step()
"""
LORA_TTT = """
class LoRA(nn.Module):
    def __init__(self, bsz, model, rank):
        super().__init__()
        self.A, self.B = nn.Parameter(torch.zeros(bsz, rank)), nn.Parameter(torch.zeros(bsz, rank))
    def reset(self):
        with torch.no_grad():
            self.B.zero_()

def find_docs(all_tokens):
    starts = (all_tokens == 1).nonzero(as_tuple=True)[0].numpy()
    docs = []
    for i in range(len(starts)):
        end = int(starts[i + 1]) if i + 1 < len(starts) else all_tokens.numel()
        docs.append((int(starts[i]), end - int(starts[i])))
    return docs

def chunk_window(ci, pred_len, n_chunks, size, seq_len):
    start, end = ci * size, pred_len if ci == n_chunks - 1 else (ci + 1) * size
    left = max(0, end - seq_len)
    return left, end - left, start - left, end - start

def accumulate(ptl, b, offset, length, loss_sum, count):
    loss_sum += ptl[b, offset : offset + length].to(torch.float64).sum()
    count += length

def eval_lora(args, model, device):
    files = sorted(glob.glob(args.val_files))
    all_tokens = torch.cat([load_data_shard(Path(f)) for f in files])
    docs = find_docs(all_tokens)
    docs.sort(key=lambda d: (d[1] - 2) // 256)
    for p in model.parameters():
        p.requires_grad_(False)
    lora = LoRA(64, model, 8).to(device)
    opt = torch.optim.Adam(lora.parameters(), lr=0.01)
    loss_sum = torch.zeros((), device=device, dtype=torch.float64)
    count = torch.zeros((), device=device, dtype=torch.float64)
    for bi in range(0, len(docs), 64):
        batch = docs[bi : bi + 64]
        lora.reset()
        pred_lens = [n - 1 for _, n in batch]
        n_chunks = [(n + 255) // 256 for n in pred_lens]
        EPOCHS
        for ci in range(max(n_chunks)):
            active = [ci < n for n in n_chunks]
            needs_train = any(ci < n - 1 for n in n_chunks)
            x = torch.zeros(len(batch), 1024, dtype=torch.int64, device=device)
            y = torch.zeros(len(batch), 1024, dtype=torch.int64, device=device)
            info = []
            for b in range(len(batch)):
                if not active[b]:
                    info.append((0, 0))
                    continue
                start, _ = batch[b]
                left, width, offset, length = chunk_window(ci, pred_lens[b], n_chunks[b], 256, 1024)
                toks = all_tokens[start + left : start + left + width + 1].to(device)
                x[b, :width], y[b, :width] = toks[:-1], toks[1:]
                info.append((offset, length))
            if needs_train:
                ptl = model(x, y, lora=lora)
            else:
                with torch.no_grad():
                    ptl = model(x, y, lora=lora)
            with torch.no_grad():
                for b in range(len(batch)):
                    offset, length = info[b]
                    accumulate(ptl, b, offset, length, loss_sum, count)
            if needs_train:
                mask = torch.tensor([float(ci < n - 1) for n in n_chunks], device=device)
                opt.zero_grad()
                (ptl.mean(dim=-1) * mask).sum().backward()
                opt.step()
    val_loss = float(loss_sum.item() / count.item())
    return val_loss, val_loss / math.log(2.0)
"""
ADAPT_ALL = """
def ttt_adapt(args, model, device, tokens, epochs=3):
    optimizer = torch.optim.SGD(model.parameters(), lr=args.ttt_lr, momentum=0.9)
    model.train()
    for epoch in range(epochs):
        epoch_loss = 0.0
        for start in range(0, tokens.numel() - 1, args.seq_len):
            local = tokens[start : start + args.seq_len + 1].to(device)
            optimizer.zero_grad(set_to_none=True)
            loss = model(local[:-1].unsqueeze(0), local[1:].unsqueeze(0))
            loss.backward()
            optimizer.step()
            epoch_loss += float(loss.item())
        print(f"ttt_epoch:{epoch + 1}/{epochs} loss:{epoch_loss:.4f}")
"""


def script(functions: str = "", *, before: str = "pass", final: str = PLAIN, train: str = "args.train_files") -> str:
    """A whole script: functions added, statements before the export, the last evaluation, the training pattern."""
    return HEAD + functions + MAIN.format(before=before, final=final, train_pattern=train)


def sliding(first: str, second: str) -> str:
    """The two halves of a chunk's round in this order."""
    return SLIDING_TTT.replace("{first}", first.strip("\n ")).replace("{second}", second.strip("\n "))


def with_epochs(lora: str) -> str:
    """The LoRA evaluation with a loop of epochs around its chunks."""
    head, _, rest = lora.partition("        EPOCHS\n")
    body, _, tail = rest.partition("    val_loss = float")
    inner = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{head}        for epoch in range(args.ttt_epochs):\n{inner}    val_loss = float{tail}"


LORA = LORA_TTT.replace("        EPOCHS\n", "")
LORA_EPOCHS = with_epochs(LORA_TTT)
