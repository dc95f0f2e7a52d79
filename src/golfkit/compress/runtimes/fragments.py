"""What Numba lowers, as the text of one function each: linked once, at the end, and made machine code by nobody here.

Numba's own libraries hold a function with all that it calls: each is linked, checked and compiled anew where the next
one uses it, a third of the time that an object takes. For a process that only emits (runtimes/emit.py).
"""

import functools
from collections.abc import Sequence
from typing import Any

# Of references: kernels' views own nothing. Numba's module with the real ones is not linked.
_NO_REFERENCES = "".join(f"define void @NRT_{name}(ptr %.1) {{\n  ret void\n}}\n" for name in ("incref", "decref"))


@functools.cache
def keep_apart() -> None:
    """Make fragments of all that Numba compiles in this process from now on: nothing of it can be run."""
    from numba.core import cgutils
    from numba.core.codegen import JITCodeLibrary
    from numba.core.registry import cpu_target

    class Fragment(JITCodeLibrary):
        """One function's IR."""

        def __init__(self, codegen: Any, name: str) -> None:
            super().__init__(codegen, name)
            self.texts: list[str] = []
            self.callees: list[Any] = []

        def add_ir_module(self, ir_module: Any) -> None:
            self.texts.append(cgutils.normalize_ir_text(str(ir_module)))

        def add_linking_library(self, library: Any) -> None:
            self.callees.append(library)

        def finalize(self) -> None:
            self._finalized = True

        def get_pointer_to_function(self, name: str) -> int:
            return 0

    context = cpu_target.target_context
    context.refresh()  # Numba's own run time is compiled here, and in earnest
    codegen = context.codegen()
    codegen._library_class = Fragment
    codegen.set_env = lambda name, environment: None  # a place in code that does not exist


def whole(fragments: Sequence[Any]) -> str:
    """LLVM IR of one module that holds the fragments and all that they call."""
    import llvmlite.binding as llvm

    found: dict[int, Any] = {}
    todo = list(reversed(fragments))
    while todo:
        fragment = todo.pop()
        if hasattr(fragment, "texts") and id(fragment) not in found:  # Numba's run time has none
            found[id(fragment)] = fragment
            todo += reversed(fragment.callees)
    module = llvm.parse_assembly(_NO_REFERENCES)
    for fragment in found.values():
        for text in fragment.texts:
            module.link_in(llvm.parse_assembly(text))
    return str(module)
