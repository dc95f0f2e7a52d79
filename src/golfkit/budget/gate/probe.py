"""Run a training script, and write down every loss of known tokens: `python probe.py PLAN SCRIPT`.

It runs outside of golf, in the script's own process: the standard library alone, and torch once the script has it.

PLAN   JSON: trace (file to write), stream (the validation tokens), add (calls whose loss is moved by OFFSET)
trace  one JSON line a call of the loss that saw validation tokens: [[index, ...], [position, ...], [loss, ...]], of the
       targets within the call, in the stream, and in nats; what is in `add` counts these lines from 0
"""

import json
import runpy
import sys
from pathlib import Path
from typing import Any

SPAN = 8  # targets in a row whose tokens say where in the stream they are; by chance 26^-8 of them would
OFFSET = 1000.0  # nats; no score survives it


class Recorder:
    """Wraps the loss."""

    def __init__(self, plan: dict[str, Any]) -> None:
        """Index the stream by its spans."""
        stream = plan["stream"]
        self.places: dict[tuple[int, ...], int] = {}
        for i in range(len(stream) - SPAN + 1):
            span = tuple(stream[i : i + SPAN])
            self.places[span] = -1 if span in self.places else i  # twice: it tells nothing
        self.trace = open(plan["trace"], "a", encoding="utf-8")  # noqa: SIM115  # for as long as the script runs
        self.add = set(plan["add"])
        self.calls = 0

    def wrap(self, loss: Any) -> Any:
        """`torch.nn.functional.cross_entropy` that is written down."""
        import torch

        def cross_entropy(input: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
            out = loss(input, target, *args, **kwargs)
            if target.dtype.is_floating_point:  # probabilities
                return out
            with torch.no_grad():
                classes = input.detach() if input.dim() == 2 else input.detach().movedim(1, -1).flatten(0, -2)
                each = loss(classes.float(), target.detach().reshape(-1), reduction="none").double().cpu().tolist()
                wanted = self.record(target.detach().reshape(-1).cpu().tolist(), each)
            return out + OFFSET if wanted else out

        return cross_entropy

    def record(self, targets: list[int], losses: list[float]) -> bool:
        """Write a call down if it saw validation tokens; whether its loss is to be moved."""
        votes: dict[int, list[int]] = {}
        for i in range(len(targets) - SPAN + 1):
            place = self.places.get(tuple(targets[i : i + SPAN]), -1)
            for k in range(SPAN if place >= 0 else 0):
                votes.setdefault(i + k, []).append(place + k)
        # A span over the end of a row may match by chance: where spans disagree, nothing is known.
        found = {i: places[0] for i, places in votes.items() if len(set(places)) == 1}
        if not found:
            return False
        self.trace.write(json.dumps([list(found), list(found.values()), [losses[i] for i in found]]) + "\n")
        self.trace.flush()
        self.calls += 1
        return self.calls - 1 in self.add


def main() -> None:
    """Run the script as if by itself."""
    plan, script = json.loads(Path(sys.argv[1]).read_text("utf-8")), sys.argv[2]
    sys.argv = [script]
    sys.path[0] = str(Path(script).parent)
    import torch

    torch.manual_seed(0)
    recorder = Recorder(plan)
    torch.nn.functional.cross_entropy = recorder.wrap(torch.nn.functional.cross_entropy)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
