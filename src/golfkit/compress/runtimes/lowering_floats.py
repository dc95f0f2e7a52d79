"""Numba's view of the primitives in `kernels/floats`: strict IEEE binary32, in vectors of 16 lanes.

LLVM splits <16 x float> into the vectors that the target has; no flag allows it to reorder or fuse anything.
Imported only when something is compiled; needs numba.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numba.np.arrayobj import make_array

from golfkit.compress.kernels import floats
from golfkit.compress.kernels.floats import LANES

OPTIONS = {"error_model": "numpy", "boundscheck": False, "_nrt": False}
FLOAT = ir.FloatType()
VECTOR = ir.VectorType(FLOAT, LANES)
I64 = ir.IntType(64)
_ALIGN = 4  # bytes that an array's items are sure to be aligned to


def register() -> None:
    """Overload the primitives of `floats`, once."""
    if getattr(floats.fdot, "is_registered", False):
        return
    floats.fdot.is_registered = True  # type: ignore[attr-defined]

    @overload(floats.f32, jit_options=OPTIONS)
    def _(value):
        return lambda value: np.float32(value)

    @overload(floats.truncated, jit_options=OPTIONS)
    def _(value):
        return lambda value: np.int64(value)

    @overload(floats.fdot, jit_options=OPTIONS)
    def _(weights, at, inputs, n):
        return lambda weights, at, inputs, n: _fdot(weights, np.int64(at), inputs, np.int64(n))

    @overload(floats.ftrain, jit_options=OPTIONS)
    def _(weights, at, inputs, n, step):
        return lambda weights, at, inputs, n, step: _ftrain(
            weights, np.int64(at), inputs, np.int64(n), np.float32(step)
        )


def pointer(context: Any, builder: Any, kind: Any, array: Any, at: Any) -> Any:
    """The address of array[at]."""
    return builder.gep(make_array(kind)(context, builder, array).data, [at])


def load(builder: Any, address: Any) -> Any:
    """LANES floats from `address`."""
    return builder.load(builder.bitcast(address, VECTOR.as_pointer()), align=_ALIGN)


def store(builder: Any, vector: Any, address: Any) -> None:
    """LANES floats to `address`."""
    builder.store(vector, builder.bitcast(address, VECTOR.as_pointer()), align=_ALIGN)


def splat(builder: Any, value: Any) -> Any:
    """A vector that holds `value` in every lane."""
    one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    return builder.shuffle_vector(one, one, zeros)


def added(builder: Any, vector: Any) -> Any:
    """The sum of the lanes, in the order that `floats` states."""
    width = LANES
    while width > 1:
        width //= 2
        i32s = ir.VectorType(ir.IntType(32), width)
        low = builder.shuffle_vector(vector, vector, ir.Constant(i32s, list(range(width))))
        high = builder.shuffle_vector(vector, vector, ir.Constant(i32s, list(range(width, 2 * width))))
        vector = builder.fadd(low, high)
    return builder.extract_element(vector, ir.Constant(ir.IntType(32), 0))


def loop(builder: Any, n: Any, carried: Any, body: Callable[[Any, Any], Any]) -> Any:
    """for j in range(0, n, LANES): carried = body(j, carried); returns the last. n is at least LANES."""
    before = builder.block
    block = builder.append_basic_block("lanes")
    after = builder.append_basic_block("done")
    builder.branch(block)
    builder.position_at_end(block)
    j = builder.phi(I64)
    value = None if carried is None else builder.phi(carried.type)
    new = body(j, value)
    following = builder.add(j, ir.Constant(I64, LANES))
    j.add_incoming(ir.Constant(I64, 0), before)
    j.add_incoming(following, builder.block)
    if value is not None:
        value.add_incoming(carried, before)
        value.add_incoming(new, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, n), block, after)
    builder.position_at_end(after)
    return new


@intrinsic
def _fdot(_context, weights, at, inputs, n):
    def build(context, builder, signature, args):
        w = pointer(context, builder, signature.args[0], args[0], args[1])
        x = pointer(context, builder, signature.args[2], args[2], ir.Constant(I64, 0))

        def body(j, total):
            product = builder.fmul(load(builder, builder.gep(w, [j])), load(builder, builder.gep(x, [j])))
            return builder.fadd(total, product)

        return added(builder, loop(builder, args[3], ir.Constant(VECTOR, [0.0] * LANES), body))

    return types.float32(weights, types.int64, inputs, types.int64), build


@intrinsic
def _ftrain(_context, weights, at, inputs, n, step):
    def build(context, builder, signature, args):
        w = pointer(context, builder, signature.args[0], args[0], args[1])
        x = pointer(context, builder, signature.args[2], args[2], ir.Constant(I64, 0))
        steps = splat(builder, args[4])

        def body(j, _):
            at_j = builder.gep(w, [j])
            change = builder.fmul(load(builder, builder.gep(x, [j])), steps)
            store(builder, builder.fadd(load(builder, at_j), change), at_j)

        loop(builder, args[3], None, body)
        return context.get_dummy_value()

    return types.void(weights, types.int64, inputs, types.int64, types.float32), build
