"""From Numba kernels to an object file that needs neither Python nor libc; run as a process of its own.

    python -m golfkit.compress.runtimes.emit MODEL (static|pic OUT.o ENTRY,ENTRY,...)...

A process of its own, because Numba reads the target (NUMBA_CPU_NAME and so on) once, when it is imported.

Each entry point becomes a `cfunc` on raw pointers. Its LLVM IR, which Numba has not optimised (NUMBA_OPT=0), holds
error paths that call into Python; kernels do not raise, so those calls are declared unreachable, everything but the
entry points is made internal, and LLVM then removes the paths. What is left refers to nothing outside itself.
"""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from golfkit.compress.runtimes import engines

TRIPLE = "x86_64-unknown-linux-gnu"
CPU = "x86-64-v3"
ENVIRONMENT = {  # of the process
    "NUMBA_CPU_NAME": CPU,
    "NUMBA_CPU_FEATURES": "",
    "NUMBA_OPT": "0",
    "NUMBA_LOOP_VECTORIZE": "0",
    "NUMBA_SLP_VECTORIZE": "0",
    "NUMBA_DISABLE_JIT": "0",
}
SHA_ENTRIES = {"sha_start": "p", "sha_update": "ppi", "sha_end": "pp"}
ERROR_PATHS = ("Py", "NRT_", "numba_")  # first letters of what only Numba's error paths and references call
_UNBOUNDED = 1 << 62  # shape of the arrays that wrap raw pointers: bounds are the caller's business


def main(arguments: Sequence[str]) -> None:
    """Emit one object or more of the same model."""
    model, *rest = arguments
    jobs = [(rest[i], Path(rest[i + 1]), rest[i + 2].split(",")) for i in range(0, len(rest), 3)]
    from golfkit.compress.kernels import sha256
    from golfkit.compress.runtimes import lowering

    kernels = engines.kernels_of(model)
    sources = {**kernels, **{name: getattr(sha256, name) for name in SHA_ENTRIES}}
    signatures = {**engines.ENTRIES, **SHA_ENTRIES}
    lowering.register(engines.KERNELS, kernels)
    wanted = dict.fromkeys(name for _, _, entries in jobs for name in entries)
    texts = {name: _entry(sources[name], signatures[name], f"golf_{name}") for name in wanted}
    for relocation, target, entries in jobs:
        text = _link([texts[name] for name in entries])
        target.write_bytes(_object(_closed(text, {f"golf_{name}" for name in entries}), relocation))


def _object(text: str, relocation: str) -> bytes:
    """The object file of a module."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = llvm.parse_assembly(text)
    machine = llvm.Target.from_triple(TRIPLE).create_target_machine(cpu=CPU, opt=3, reloc=relocation, codemodel="small")
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_unrolling = False  # the bundle's size counts; unrolling gave no speed (docs/tuning.md)
    options.loop_interleaving = False
    options.slp_vectorization = False
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return machine.emit_object(module)


def _entry(function: Callable[..., int], arguments: str, name: str) -> str:
    """LLVM IR of an entry point on raw pointers, its symbol being `name`."""
    from numba import carray, cfunc, types

    from golfkit.compress.runtimes import lowering

    kinds = [types.CPointer(types.uint8) if kind == "p" else types.int64 for kind in arguments]
    letters = "abcdefgh"[: len(arguments)]
    passed = [f"carray({x}, ({_UNBOUNDED},))" if kind == "p" else x for x, kind in zip(letters, arguments, strict=True)]
    wrapper = f"def {name}({', '.join(letters)}):\n    return function({', '.join(passed)})\n"
    scope = {"function": function, "carray": carray}
    exec(wrapper, scope)  # one wrapper per signature; Numba needs real positional parameters
    result = types.void if function.__name__ in ("start", *SHA_ENTRIES) else types.int64
    compiled = cfunc(result(*kinds), **lowering.CARVER_OPTIONS)(scope[name])
    return compiled._library.get_llvm_str().replace(compiled.native_name, name)


def _link(parts: Sequence[str]) -> str:
    """One module of all parts."""
    import llvmlite.binding as llvm

    whole = llvm.parse_assembly(parts[0])
    for text in parts[1:]:
        whole.link_in(llvm.parse_assembly(text))
    return str(whole)


def _closed(text: str, entries: set[str]) -> str:
    """The module with Python's part declared unreachable and everything but the entries internal."""
    lines = []
    for line in text.split("\n"):
        if (found := re.match(r"declare (?:noalias )?(\S+) @(\w+)\(([^()]*)\)", line)) and "@llvm." not in line:
            kind, name, arguments = found.groups()
            if not name.startswith(ERROR_PATHS):
                raise ValueError(f"a kernel needs {name}, which nothing provides in a native program")
            kinds = ", ".join(argument.split()[0] for argument in arguments.split(",") if argument)
            lines.append(f"define internal {kind} @{name}({kinds}) {{\n  unreachable\n}}")
        elif (found := re.match(r"define .*?@(\S+?)\(", line)) and found.group(1) not in entries:
            lines.append(re.sub(r"^define (linkonce_odr )?", "define internal ", line))
        else:
            lines.append(line)
    closed = "\n".join(lines).replace(" = common global ptr null", " = internal global ptr null")
    for count in ("NRT_incref", "NRT_decref"):  # views own nothing
        closed = re.sub(
            rf"define internal void @{count}\(ptr %\.1\).*?\n\}}",
            f"define internal void @{count}(ptr %.1) {{\n  ret void\n}}",
            closed,
            flags=re.DOTALL,
        )
    return closed


if __name__ == "__main__":
    main(sys.argv[1:])
