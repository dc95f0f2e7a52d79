"""What kernels are written with: a marker for them, and the primitives that plain Python lacks.

Every kernel is a plain function on arrays, marked `@jit`, and runs as it stands (interpreted).
runtimes/lowering.py teaches Numba the same functions, so that an entry point can be jitted or compiled to a native
object from the same source.

Rules for kernels. All arithmetic is in int64 (`i64` widens a load from an unsigned array: uint64 op int64 would be
float64 in Numba); values are masked explicitly; results are narrowed by the store. No allocation, exceptions,
strings or recursion; floats only by the rules of `floats`. Interpreted runs use memoryviews, which raise when a store
does not fit its type.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Any

MASK32 = 0xFFFFFFFF


def jit(function: FunctionType) -> FunctionType:
    """Mark a kernel; see runtimes/lowering.py."""
    function.is_kernel = True  # type: ignore[attr-defined]
    function.is_carver = False  # type: ignore[attr-defined]
    return function


def carver(function: FunctionType) -> FunctionType:
    """Mark a kernel that returns views of an arena."""
    jit(function).is_carver = True  # type: ignore[attr-defined]
    return function


def i64(value: int) -> int:
    """`value` as a signed 64-bit integer."""
    return int(value)


def prefetch(array: Any, at: int) -> None:
    """Ask for the cache line of `array[at]`; a hint without effect on results."""


def _viewer(code: str, width: int) -> Callable[[Any, int, int], Any]:
    def view(arena: Any, at: int, n: int) -> Any:
        return arena[at : at + n * width].cast(code)

    return view


# view(arena, at, n): n items of that type at byte `at` of an arena (uint8[...]); no copy
u8_view = _viewer("B", 1)
u16_view = _viewer("H", 2)
i16_view = _viewer("h", 2)
u32_view = _viewer("I", 4)
i32_view = _viewer("i", 4)
u64_view = _viewer("Q", 8)
i64_view = _viewer("q", 8)
f32_view = _viewer("f", 4)


def dot(weights: Any, at: int, inputs: Any, n: int) -> int:
    """Sum over j < n of weights[at + j] * inputs[j] >> 8, in 32-bit lanes (SIMD).

    weights  int32[...], |w| < 2^19; inputs  int32[n], |x| < 2^12
    """
    return sum((weights[at + j] * inputs[j]) >> 8 for j in range(n))
