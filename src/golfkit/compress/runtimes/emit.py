"""From Numba kernels to machine code that needs neither Python nor libc; run as a process of its own.

    python -m golfkit.compress.runtimes.emit MODULE (static OUT.s|pic OUT.o ENTRY,ENTRY,...)...

A process of its own, because Numba reads the target (NUMBA_CPU_NAME and so on) once, when it is imported.

Each entry point becomes a `cfunc` on raw pointers. Its LLVM IR, which nobody has optimised (`fragments`), holds error
paths that call into Python; kernels do not raise, so those calls are declared unreachable, everything but the entry
points is made internal, and LLVM then removes the paths. What is left refers to nothing outside itself.

Position-independent code is an object file. Static code, which is in the bundle, is assembly without the alignment of
functions and loops.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from golfkit.compress.runtimes import engines, fragments

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


class Job(NamedTuple):
    """A file to be made."""

    relocation: str  # static or pic
    target: Path
    entries: Sequence[str]


def main(arguments: Sequence[str]) -> None:
    """Emit the code of one model, which is a module's, once or more."""
    module, *rest = arguments
    jobs = [Job(rest[i], Path(rest[i + 1]), rest[i + 2].split(",")) for i in range(0, len(rest), 3)]
    from golfkit.compress.kernels import sha256

    kernels = engines.kernels_in(module)
    sources = {**kernels, **{name: getattr(sha256, name) for name in SHA_ENTRIES}}
    compiled = lowered(kernels, {name: sources[name] for job in jobs for name in job.entries})
    for job in jobs:
        job.target.write_bytes(linked({name: compiled[name] for name in job.entries}, job.relocation))


def lowered(kernels: Mapping[str, Any], sources: Mapping[str, Callable[..., int]]) -> dict[str, Any]:
    """Numba's `cfunc` of each entry point. This process can run nothing that Numba compiles from now on.

    kernels  a model's, as `engines.kernels_of` gives them
    sources  the functions of the entry points
    """
    from golfkit.compress.runtimes import lowering

    signatures = {**engines.ENTRIES, **SHA_ENTRIES}
    fragments.keep_apart()
    lowering.register(engines.KERNELS, kernels)
    return {name: _compiled(function, signatures[name], f"golf_{name}") for name, function in sources.items()}


def linked(compiled: Mapping[str, Any], relocation: str) -> bytes:
    """The machine code of some of what `lowered` gave.

    relocation  static: assembly; pic: an object file
    """
    text = fragments.whole([cfunc._library for cfunc in compiled.values()])
    for name, cfunc in compiled.items():
        text = text.replace(cfunc.native_name, f"golf_{name}")
    return _code(_closed(text, {f"golf_{name}" for name in compiled}), relocation)


def _code(text: str, relocation: str) -> bytes:
    """The code of a module."""
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
    if relocation == "pic":
        return machine.emit_object(module)
    return unaligned(machine.emit_assembly(module)).encode()


def unaligned(assembly: str) -> str:
    """Assembly without the nops that align functions and loops: 2 % of the bundle, no time. Data stays aligned."""
    kept, code = [], False
    for line in assembly.splitlines(keepends=True):
        if section := re.match(r"\s+\.(?:section\s+\.)?(text|data|bss|rodata)\b", line):
            code = section.group(1) == "text"
        if not (code and ".p2align" in line):
            kept.append(line)
    return "".join(kept)


def _compiled(function: Callable[..., int], arguments: str, name: str) -> Any:
    """Numba's `cfunc` of an entry point on raw pointers."""
    from numba import carray, cfunc, types

    from golfkit.compress.runtimes import lowering

    kinds = [types.CPointer(types.uint8) if kind == "p" else types.int64 for kind in arguments]
    letters = "abcdefgh"[: len(arguments)]
    passed = [f"carray({x}, ({_UNBOUNDED},))" if kind == "p" else x for x, kind in zip(letters, arguments, strict=True)]
    wrapper = f"def {name}({', '.join(letters)}):\n    return function({', '.join(passed)})\n"
    scope = {"function": function, "carray": carray}
    exec(wrapper, scope)  # one wrapper per signature; Numba needs real positional parameters
    result = types.void if function.__name__ in ("start", *SHA_ENTRIES) else types.int64
    return cfunc(result(*kinds), **lowering.CARVER_OPTIONS)(scope[name])


def _closed(text: str, entries: set[str]) -> str:
    """The module with Python's part declared unreachable, everything but the entries internal, and no use of libc."""
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
    return re.sub(r"^(define .*) \{$", r'\1 "no-builtins" {', closed, flags=re.MULTILINE)  # no loop becomes memset


if __name__ == "__main__":
    main(sys.argv[1:])
