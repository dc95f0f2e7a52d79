"""Parts of scripts, and what the legality gate should say: evaluations of every kind, and ways to the network."""

import textwrap


def evaluation(body: str) -> str:
    """A function that scores a validation set with a model in some way; nothing calls it."""
    head = "import torch\nimport torch.nn.functional as F\ndef evaluate(model, optimizer, val_tokens, n, seq):\n"
    return head + textwrap.indent(textwrap.dedent(body), "    ")


PARTS = {
    "a generator of batches, learnt from first": (
        False,
        """
        def batches(tokens):
            for i in range(0, n, seq):
                yield tokens[i : i + seq], tokens[i + 1 : i + seq + 1]
        total = 0.0
        for x, y in batches(val_tokens):
            scaler.scale(model(x, y)).backward()
            scaler.step(optimizer)
            total += model(x, y).item()
        return total / n
        """,
    ),
    "a generator of batches, scored first": (
        True,
        """
        def batches(tokens):
            for i in range(0, n, seq):
                yield tokens[i : i + seq], tokens[i + 1 : i + seq + 1]
        total = 0.0
        for x, y in batches(val_tokens):
            loss = model(x, y)
            total += loss.item()
            loss.backward()
            optimizer.step()
        return total / n
        """,
    ),
    "MLX, scored and then learnt from": (
        True,
        """
        import mlx.core as mx
        import mlx.nn as nn
        step = mx.compile(nn.value_and_grad(model, lambda x, y: model.loss(x, y)))
        total = 0.0
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            total += model.loss(x, y).item()
            _, grads = step(x, y)
            optimizer.update(model, grads)
        return total / n
        """,
    ),
    "MLX, learnt from and then scored": (
        False,
        """
        import mlx.core as mx
        import mlx.nn as nn
        step = mx.compile(nn.value_and_grad(model, lambda x, y: model.loss(x, y)))
        total = 0.0
        for i in range(n):
            x, y = val_tokens[i * seq : i * seq + seq], val_tokens[i * seq + 1 : i * seq + seq + 1]
            _, grads = step(x, y)
            optimizer.update(model, grads)
            total += model.loss(x, y).item()
        return total / n
        """,
    ),
    "a loader with a place of its own": (
        None,
        """
        val_loader = iter(val_tokens.split(seq))
        total = 0.0
        for epoch in range(2):
            for i in range(n):
                x, y = next(val_loader)
                loss = model(x, y)
                total += loss.item()
                loss.backward()
                optimizer.step()
        return total / n
        """,
    ),
    "argparse's default": (
        False,
        """
        import argparse, glob
        parser = argparse.ArgumentParser()
        parser.add_argument("--extra-files", default="data/fineweb_val_*.bin")
        args = parser.parse_args()
        tokens = torch.cat([torch.load(f) for f in glob.glob(args.extra_files)])
        model(tokens[:-1], tokens[1:]).backward()
        optimizer.step()
        """,
    ),
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
        "    dl_script = 'data/cached_challenge_fineweb.py'\n    subprocess.run([sys.executable, dl_script])",
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
