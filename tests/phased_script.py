"""Test-time training in phases, as the last records do it: LoRA per document, then the network on scored documents."""

PHASED_TTT = """
def claim(path, n):
    try:
        with open(path, "r+b") as f:
            index = int.from_bytes(f.read(4), "little")
            f.seek(0)
            f.write((index + 1).to_bytes(4, "little"))
    except FileNotFoundError:
        return n
    return index

class ValidationData:
    def __init__(self, args, device):
        self.val_tokens = load_validation_tokens(args.val_files, args.seq_len)
        self.base_bytes = torch.zeros(1024, device=device)

def global_sgd(args, device, val_data, model, val_tokens):
    params = list(model.parameters())
    optimizer = torch.optim.SGD(params, lr=args.ttt_lr, momentum=0.9)
    total = val_tokens.numel() - 1
    n_chunks = (total + args.ttt_chunk - 1) // args.ttt_chunk
    for ci in range(n_chunks):
        start, end = ci * args.ttt_chunk, min((ci + 1) * args.ttt_chunk, total)
        model.train()
        for _ in range(args.ttt_epochs):
            for at in range(start, end, args.seq_len):
                local = val_tokens[at : at + args.seq_len + 1].to(device=device, dtype=torch.int64)
                optimizer.zero_grad(set_to_none=True)
                with torch.enable_grad():
                    loss = model(local[:-1][None], local[1:][None])
                loss.backward()
                for p in params:
                    if p.grad is not None:
                        dist.all_reduce(p.grad)
                optimizer.step()

def add_up(ptl, x, y, offsets, lengths, loss_sum, byte_sum, count, base_bytes):
    mask = (lengths.unsqueeze(1) > 0).to(torch.float64)
    loss_sum += (ptl.to(torch.float64) * mask).sum()
    byte_sum += (base_bytes[y] * mask).sum()
    count += lengths.sum()

def from_sums(loss_sum, count, byte_sum):
    val_loss = (loss_sum / count).item()
    return val_loss, val_loss / math.log(2.0) * (count.item() / byte_sum.item())

def eval_phased(args, model, device, val_data, forward_ttt):
    all_tokens = val_data.val_tokens
    docs = find_docs(all_tokens)
    entries = list(enumerate(docs))
    batches = [entries[i : i + 64] for i in range(0, len(entries), 64)]
    loss_sum = torch.zeros((), device=device, dtype=torch.float64)
    byte_sum = torch.zeros((), device=device, dtype=torch.float64)
    count = torch.zeros((), device=device, dtype=torch.float64)
    reusable = LoRA(64, model, 96).to(device)

    def build(lora):
        return torch.optim.AdamW(lora.parameters(), lr=args.ttt_lr)

    opt, scored, boundary, done = build(reusable), [], 500, False
    try:
        while True:
            index = claim("/tmp/counter", len(batches))
            if index >= len(batches):
                break
            batch = [doc for _, doc in batches[index]]
            if len(batch) == 64:
                reusable.reset()
                lora, cur = reusable, opt
            else:
                lora = LoRA(len(batch), model, 96).to(device)
                cur = build(lora)
            pred_lens = [n - 1 for _, n in batch]
            n_chunks = [(n + 47) // 48 for n in pred_lens]
            for ci in range(max(n_chunks)):
                starts = torch.zeros(len(batch), dtype=torch.int64)
                lengths = torch.zeros(len(batch), dtype=torch.int64)
                offsets = torch.zeros(len(batch), dtype=torch.int64)
                for b in range(len(batch)):
                    start, n = batch[b]
                    left, width, offset, length = chunk_window(ci, pred_lens[b], n_chunks[b], 48, 2048)
                    starts[b], lengths[b], offsets[b] = start + left, length, offset
                gathered = all_tokens[starts.unsqueeze(1) + torch.arange(2049)].to(device)
                x = torch.where(gathered[:, :-1] > 0, gathered[:, :-1], 0)
                y = torch.where(gathered[:, 1:] > 0, gathered[:, 1:], 0)
                per_token = forward_ttt(x, y, lora=lora)
                with torch.no_grad():
                    add_up(per_token, x, y, offsets, lengths, loss_sum, byte_sum, count, val_data.base_bytes)
                if any(ci < n - 1 for n in n_chunks):
                    for step in range(2):
                        if step > 0:
                            per_token = forward_ttt(x, y, lora=lora)
                        cur.zero_grad(set_to_none=True)
                        per_token[:, :48].mean(dim=-1).sum().backward()
                        cur.step()
            if not done:
                scored.extend((index, i, start, n) for i, (start, n) in enumerate(batch))
                if len(scored) >= boundary:
                    tokens = torch.cat([val_data.val_tokens[s : s + n] for _, _, s, n in scored[:boundary]])
                    global_sgd(args, device, val_data, model, tokens)
                    reusable = LoRA(64, model, 96).to(device)
                    opt, done = build(reusable), True
    finally:
        pass
    dist.all_reduce(loss_sum)
    return from_sums(loss_sum, count, byte_sum)

def timed_eval(label, fn, *args, **kwargs):
    t0 = time.perf_counter()
    val_loss, val_bpb = fn(*args, **kwargs)
    print(f"{label} val_loss:{val_loss:.8f} val_bpb:{val_bpb:.8f} eval_time:{time.perf_counter() - t0:.0f}ms")
    return val_loss, val_bpb
"""
PHASED_FINAL = """val_data = ValidationData(args, device)
    def forward_ttt(ids, targets, lora):
        return base_model(ids, targets)
    compiled_ttt = torch.compile(forward_ttt, dynamic=True)
    warm = torch.randint(0, 1024, (64, 2048), device=device)
    compiled_ttt(warm, warm, lora=None).sum().backward()
    q_loss, q_bpb = timed_eval("quantized_ttt_phased", eval_phased, args, base_model, device, val_data, compiled_ttt)"""
