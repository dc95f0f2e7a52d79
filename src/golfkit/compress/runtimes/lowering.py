"""Numba's view of the primitives in `jit`: the same results, in the instructions that the machine has.

Imported only when something is compiled; needs numba.
"""

import sys
from collections.abc import Mapping
from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable
from numba.np.arrayobj import make_array, populate_array

from golfkit.compress.kernels import jit
from golfkit.compress.runtimes import lowering_floats
from golfkit.compress.runtimes.lowering_floats import OPTIONS

# A function that returns views needs Numba's reference counts; they are of no object (a view owns nothing), so no-ops.
CARVER_OPTIONS = OPTIONS | {"_nrt": True}

# Kernels are called from compiled code only: no way in from Python or C is compiled for them.
_INNER = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_VIEWS = {
    jit.u8_view: types.uint8,
    jit.u16_view: types.uint16,
    jit.i16_view: types.int16,
    jit.u32_view: types.uint32,
    jit.i32_view: types.int32,
    jit.u64_view: types.uint64,
    jit.i64_view: types.int64,
    jit.f32_view: types.float32,
}


def register(package: str, *scopes: Mapping[str, Any]) -> None:
    """Teach Numba the primitives, and all kernels of the modules of `package` that are imported, and of `scopes`."""
    register_primitives()
    for function in kernels(package, *scopes):
        register_kernel(function)


def kernels(package: str, *scopes: Mapping[str, Any]) -> list[FunctionType]:
    """All marked functions of the modules of `package` that are imported, and of `scopes`; also those in closures."""
    modules = [vars(module) for name, module in sorted(sys.modules.items()) if name.startswith(f"{package}.")]
    todo = [value for scope in (*modules, *scopes) for value in scope.values()]
    found: dict[int, FunctionType] = {}
    while todo:
        value = todo.pop()
        if getattr(value, "is_kernel", False) and id(value) not in found:
            found[id(value)] = value
            todo += [cell.cell_contents for cell in value.__closure__ or ()]
    return sorted(found.values(), key=lambda f: (f.__module__, f.__name__))


def register_kernel(function: FunctionType) -> None:
    """Make a plain function callable from compiled code, once."""
    if not getattr(function, "is_registered", False):
        options = CARVER_OPTIONS if function.is_carver else OPTIONS
        register_jitable(**options, **_INNER)(function)
        function.is_registered = True  # type: ignore[attr-defined]


@intrinsic
def _prefetch(_context, array, at):
    def build(context, builder, signature, args):
        pointer = _item_pointer(context, builder, signature, args)
        i32, p8 = ir.IntType(32), ir.IntType(8).as_pointer()
        hint = builder.module.declare_intrinsic(
            "llvm.prefetch", [p8], ir.FunctionType(ir.VoidType(), [p8, i32, i32, i32])
        )
        builder.call(hint, [builder.bitcast(pointer, p8), i32(1), i32(3), i32(1)])  # for write, keep, data
        return context.get_dummy_value()

    return types.void(array, types.int64), build


def _view_intrinsic(item):
    array = types.Array(item, 1, "C")

    def build(context, builder, signature, args):
        pointer = _item_pointer(context, builder, signature, args)
        made = make_array(array)(context, builder)
        width = context.get_constant(types.intp, item.bitwidth // 8)
        data = builder.bitcast(pointer, made.data.type)
        populate_array(made, data=data, shape=[args[2]], strides=[width], itemsize=width, meminfo=None)
        return made._getvalue()

    @intrinsic
    def view(_context, arena, at, n):
        return array(arena, types.int64, types.int64), build

    return view


def _item_pointer(context, builder, signature, args):
    array = make_array(signature.args[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


def register_primitives() -> None:
    """Overload the primitives of `jit`, once."""
    if getattr(jit.prefetch, "is_registered", False):
        return
    jit.prefetch.is_registered = True  # type: ignore[attr-defined]

    @overload(jit.i64, jit_options=OPTIONS)
    def _(value):
        return lambda value: np.int64(value)  # noqa: PLW0108 (Numba wants the parameter's name)

    @overload(jit.prefetch, jit_options=OPTIONS)
    def _(array, at):
        return lambda array, at: _prefetch(array, np.int64(at))

    lowering_floats.register()
    for view, item in _VIEWS.items():
        _register_view(view, _view_intrinsic(item))

    @overload(jit.dot, jit_options=OPTIONS)
    def _(weights, at, inputs, n):
        def dot(weights, at, inputs, n):
            total = np.int32(0)
            for j in range(n):
                product = np.int32(np.int64(weights[at + j]) * np.int64(inputs[j]))
                total = np.int32(total + np.int32(product >> 8))
            return np.int64(total)

        return dot


def _register_view(view, intrinsic_view):
    @overload(view, jit_options=CARVER_OPTIONS)
    def _(arena, at, n):
        return lambda arena, at, n: intrinsic_view(arena, np.int64(at), np.int64(n))
