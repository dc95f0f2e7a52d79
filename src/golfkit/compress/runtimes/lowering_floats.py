"""Numba's view of the primitives in `kernels/floats`: strict IEEE binary32, in vectors of 16 lanes.

LLVM splits <16 x float> into the vectors that the target has; no flag allows it to reorder or fuse anything.
A vector is a Numba type of its own, `lanes`, whose value is <16 x float>; its functions are single instructions or few.
Imported only when something is compiled; needs numba.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing import signature
from numba.extending import intrinsic, lower_builtin, models, overload, register_model, type_callable
from numba.np.arrayobj import make_array

from golfkit.compress.kernels import floats
from golfkit.compress.kernels.floats import LANES, ROOT_GUESS

OPTIONS = {"error_model": "numpy", "boundscheck": False, "_nrt": False}
FLOAT = ir.FloatType()
VECTOR = ir.VectorType(FLOAT, LANES)
I32S = ir.VectorType(ir.IntType(32), LANES)
I64 = ir.IntType(64)
_ALIGN = 4  # bytes that an array's items are sure to be aligned to


class Lanes(types.Type):
    """The type of a vector."""

    def __init__(self) -> None:
        super().__init__(name="float32x16")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, VECTOR)


def register() -> None:
    """Overload the primitives of `floats`, once."""
    if getattr(floats.fdot, "is_registered", False):
        return
    floats.fdot.is_registered = True  # type: ignore[attr-defined]

    _register_scalars()
    _register_vectors()

    @overload(floats.f32, jit_options=OPTIONS)
    def _(value):
        return lambda value: np.float32(value)  # noqa: PLW0108 (Numba wants the parameter's name)

    @overload(floats.truncated, jit_options=OPTIONS)
    def _(value):
        return lambda value: np.int64(value)  # noqa: PLW0108

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
    zeros = ir.Constant(I32S, None)
    return builder.shuffle_vector(one, one, zeros)


def added(builder: Any, vector: Any) -> Any:
    """The sum of the lanes, in the order that `floats` states."""
    return folded(builder, vector, builder.fadd)


def folded(builder: Any, vector: Any, join: Callable[[Any, Any], Any]) -> Any:
    """The lanes joined in pairs: lane i with lane i + 8, then + 4, + 2, + 1."""
    width = LANES
    while width > 1:
        width //= 2
        i32s = ir.VectorType(ir.IntType(32), width)
        low = builder.shuffle_vector(vector, vector, ir.Constant(i32s, list(range(width))))
        high = builder.shuffle_vector(vector, vector, ir.Constant(i32s, list(range(width, 2 * width))))
        vector = join(low, high)
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


def _teach(primitive: Any, result: Any, kinds: tuple[Any, ...], build: Callable[..., Any]) -> None:
    """Lower calls of `primitive` by `build(builder, *values)`.

    kinds  types that the arguments are converted to; types.Array stands for an array as it is, and its value is the
           address of the item that the next argument numbers
    """

    def typer(*given: Any) -> Any:
        return signature(result, *(given[i] if kind is types.Array else kind for i, kind in enumerate(kinds)))

    typer.pysig = inspect.signature(primitive)  # type: ignore[attr-defined]
    type_callable(primitive)(lambda _context: typer)

    @lower_builtin(primitive, *kinds)
    def _(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        values = list(args)
        if kinds[0] is types.Array:
            values[:2] = [pointer(context, builder, sig.args[0], *args[:2])]
        made = build(builder, *values)
        return context.get_dummy_value() if result is types.void else made


def _register_scalars() -> None:
    float32, int64 = types.float32, types.int64

    def root(builder: Any, value: Any) -> Any:
        return _call(builder, "llvm.sqrt.f32", value)

    def bits(builder: Any, value: Any) -> Any:
        return builder.zext(builder.bitcast(value, ir.IntType(32)), I64)

    def of_bits(builder: Any, value: Any) -> Any:
        return builder.bitcast(builder.trunc(value, ir.IntType(32)), FLOAT)

    _teach(floats.froot, float32, (float32,), root)
    _teach(floats.fbits, int64, (float32,), bits)
    _teach(floats.of_fbits, float32, (int64,), of_bits)


def _register_vectors() -> None:
    one, two, three = (lanes,), (lanes, lanes), (lanes, lanes, lanes)
    _teach(floats.vload, lanes, (types.Array, types.int64), load)
    _teach(
        floats.vstore,
        types.void,
        (types.Array, types.int64, lanes),
        lambda builder, address, vector: store(builder, vector, address),
    )
    _teach(floats.vsplat, lanes, (types.float32,), splat)
    _teach(floats.vspread, lanes, (types.Array, types.int64), lambda builder, at: splat(builder, builder.load(at)))
    _teach(floats.vadd, lanes, two, lambda builder, a, b: builder.fadd(a, b))
    _teach(floats.vsub, lanes, two, lambda builder, a, b: builder.fsub(a, b))
    _teach(floats.vmul, lanes, two, lambda builder, a, b: builder.fmul(a, b))
    _teach(floats.vdiv, lanes, two, lambda builder, a, b: builder.fdiv(a, b))
    _teach(floats.vfma, lanes, three, lambda builder, a, b, c: _call(builder, f"llvm.fma.v{LANES}f32", a, b, c))
    _teach(floats.vmax, lanes, two, _greater)
    _teach(floats.vmin, lanes, two, _lesser)
    _teach(floats.vpower, lanes, one, _power)
    _teach(floats.vroot_guess, lanes, one, _root_guess)
    _teach(floats.vsum, types.float32, one, added)
    _teach(
        floats.vpeak, types.float32, one, lambda builder, a: folded(builder, a, lambda x, y: _greater(builder, x, y))
    )


def _call(builder: Any, name: str, *values: Any) -> Any:
    """LLVM's own function `name`, whose result is of the type of its arguments."""
    kind = ir.FunctionType(values[0].type, [value.type for value in values])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)


def _greater(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered(">", a, b), a, b)


def _lesser(builder: Any, a: Any, b: Any) -> Any:
    return builder.select(builder.fcmp_ordered("<", a, b), a, b)


def _power(builder: Any, a: Any) -> Any:
    biased = builder.add(builder.fptosi(a, I32S), ir.Constant(I32S, [127] * LANES))
    return builder.bitcast(builder.shl(biased, ir.Constant(I32S, [23] * LANES)), VECTOR)


def _root_guess(builder: Any, a: Any) -> Any:
    half = builder.lshr(builder.bitcast(a, I32S), ir.Constant(I32S, [1] * LANES))
    return builder.bitcast(builder.sub(ir.Constant(I32S, [ROOT_GUESS] * LANES), half), VECTOR)
