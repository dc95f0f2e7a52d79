"""Training in PyTorch: CUDA or CPU, one process or several under torchrun (DistributedDataParallel)."""

from typing import Any

from golfkit.train.engine.calibrate import moments
from golfkit.train.engine.schedule import Pace
from golfkit.train.model.ops_torch import TorchOps
from golfkit.train.model.optimiser import new_state, update


class TorchBackend:
    """A model's weights, its optimiser's state, and the compiled step.

    model          the module with parameters() and forward()
    device, dtype  words: cpu or cuda:N; float32 or bfloat16
    compiled       through torch.compile; slow to start, and then faster
    micro_tokens   inputs of one forward pass; a larger batch is summed over several
    world_size     processes; more than 1 needs torch.distributed, initialised
    """

    name = "torch"

    def __init__(
        self,
        model: Any,
        spec: Any,
        *,
        device: str = "cpu",
        dtype: str = "float32",
        compiled: bool = False,
        micro_tokens: int = 65_536,
        world_size: int = 1,
    ) -> None:
        import torch

        self.torch, self.model, self.spec = torch, model, spec
        self.device, self.dtype, self.micro_tokens, self.world_size = device, dtype, micro_tokens, world_size
        self.table = model.parameters(spec)
        self.ops = TorchOps(getattr(torch, dtype))
        wrap = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
        self._update, self._nll = wrap(self._updated), wrap(self._losses)
        net = _net(torch, {row.name: torch.zeros(row.shape, device=device) for row in self.table}, self._losses)
        self.parameters = net.tensors()
        self.trained: Any = wrap(net)
        if world_size > 1:
            ids = [torch.device(device)] if device.startswith("cuda") else None
            self.trained = torch.nn.parallel.DistributedDataParallel(self.trained, device_ids=ids)

    def load(self, arrays: dict[str, Any]) -> None:
        """Take these weights, and start the optimiser anew."""
        torch = self.torch
        tensors = {name: torch.tensor(arrays[name], device=self.device) for name in self.parameters}
        with torch.no_grad():
            for name, parameter in self.parameters.items():  # in place: what was compiled stays
                parameter.copy_(tensors[name])
        self.state = new_state(self.table, tensors)
        self.averages = tensors if self.spec.ema else {}

    def step(self, inputs: Any, targets: Any, pace: Pace) -> float:
        """One update; the mean loss before it over all processes, in nats."""
        torch = self.torch
        rows = max(1, self.micro_tokens // inputs.shape[1])
        n_parts = -(-len(inputs) // rows)
        total = torch.zeros((), device=self.device)
        for parameter in self.parameters.values():
            parameter.grad = None
        for i in range(n_parts):
            x, y = (self._ids(ids[i * rows : (i + 1) * rows]) for ids in (inputs, targets))
            if self.world_size > 1:
                self.trained.require_backward_grad_sync = i == n_parts - 1  # add up over processes once
            loss = self.trained(x, y) * (len(x) / len(inputs))
            loss.backward()
            total += loss.detach()
        scalars = Pace(*(torch.tensor(value, dtype=torch.float32, device=self.device) for value in pace))
        with torch.no_grad():
            old = {name: parameter.detach() for name, parameter in self.parameters.items()}
            grads = {name: parameter.grad for name, parameter in self.parameters.items()}
            self._update(old, grads, self.state, self.averages, scalars)
        if self.world_size > 1:
            torch.distributed.all_reduce(total)
        return total.item() / self.world_size

    def nll(self, inputs: Any, targets: Any) -> Any:
        """Loss of every target in nats, float32[B, T]."""
        with self.torch.no_grad():
            old = {name: parameter.detach() for name, parameter in self.parameters.items()}
            return self._nll(old, self._ids(inputs), self._ids(targets)).cpu().numpy()

    def moments(self, inputs: Any) -> Any:
        """Second moments of what every matrix is applied to."""
        with self.torch.no_grad():
            old = {name: parameter.detach() for name, parameter in self.parameters.items()}
            return moments(self.model, self.spec, self.ops, old, self._ids(inputs), lambda x: x.cpu().numpy())

    def weights(self) -> dict[str, Any]:
        """The weights to export, float32."""
        return {
            name: tensor.detach().cpu().numpy().copy() for name, tensor in (self.averages or self.parameters).items()
        }

    def peak_memory(self) -> int:
        """Most bytes in use so far: of the GPU, or of this process."""
        if self.device.startswith("cuda"):
            return self.torch.cuda.max_memory_allocated()
        import resource
        import sys

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

    def _losses(self, weights: Any, inputs: Any, targets: Any) -> Any:
        return self.ops.cross_entropy(self.model.forward(self.ops, self.spec, weights, inputs), targets)

    def _updated(self, weights: Any, grads: Any, state: Any, averages: Any, pace: Any) -> None:
        """Replace weights, moments and averages by those after a step, in place: a compiler then copies nothing."""
        new, fresh = update(self.spec, self.table, weights, grads, state, pace, self.ops)
        for name, mean in averages.items():
            mean.copy_(new[name] + pace.decay * (mean - new[name]))
        for kind, moments_of in state.items():
            for name, array in moments_of.items():
                array.copy_(fresh[kind][name])
        for name, weight in weights.items():
            weight.copy_(new[name])

    def _ids(self, array: Any) -> Any:
        return self.torch.as_tensor(array, dtype=self.torch.int64).to(self.device, non_blocking=True)


def _net(torch: Any, tensors: dict[str, Any], losses: Any) -> Any:
    """The weights as a torch module, whose call gives the mean loss; what DistributedDataParallel wants to hold."""

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, tensor in tensors.items():
                self.register_parameter(name.replace(".", "_"), torch.nn.Parameter(tensor))

        def tensors(self) -> dict[str, Any]:
            return {name: getattr(self, name.replace(".", "_")) for name in tensors}

        def forward(self, inputs: Any, targets: Any) -> Any:
            return losses(self.tensors(), inputs, targets).mean()

    return Net()
