"""What the loop asks of an array library; torch_backend and mlx_backend answer."""

from typing import TYPE_CHECKING, Any, Protocol

from golfkit.train.engine.schedule import Pace

if TYPE_CHECKING:
    import numpy as np

Arrays = dict[str, "np.ndarray"]  # float32, by the names of the parameter table


class Backend(Protocol):
    """One model on one device; arrays in and out are numpy's."""

    name: str  # torch, mlx
    device: str
    dtype: str  # of matrix products

    def load(self, arrays: Arrays) -> None:
        """Take these weights, and start the optimiser anew."""

    def step(self, inputs: Any, targets: Any, pace: Pace) -> float:
        """One update from int64[B, T] each; the mean loss before it, in nats."""

    def nll(self, inputs: Any, targets: Any) -> "np.ndarray":
        """Loss of every target in nats, float32[B, T]; changes nothing."""

    def moments(self, inputs: Any) -> Any:
        """What every matrix is applied to for int64[B, T] ids: calibrate.moments."""

    def weights(self) -> Arrays:
        """The weights to export: the averaged ones where the recipe averages."""

    def peak_memory(self) -> int:
        """Most bytes in use so far, of the device where it has its own memory, else of this process."""
