"""The source inside of a packed script, found without running anything. Pure.

Packed scripts hold their source as a literal, in base85 or base64 around lzma, zlib, bz2 or gzip, and pass it to exec.
Only decoders are computed here, and only of literals, so nothing of the script ever runs.
"""

import ast
import base64
import binascii
import bz2
import lzma
import textwrap
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

MOST = 8 << 20  # bytes of an unpacked source; more is no script but a bomb
MOST_LAYERS = 4


class Unpacked(NamedTuple):
    """A script's source, and that of what it unpacks."""

    sources: tuple[str, ...]  # the outer first
    opaque: tuple[tuple[int, int, str], ...]  # exec and eval that cannot be read: (index of the source, line, why)


class _Unread(Exception):
    """An expression that is not made of literals and decoders."""


def unpack(text: str) -> Unpacked:
    """The layers of a script; SyntaxError where the outermost is not Python."""
    sources, opaque, todo = [], [], [(text, ast.parse(text))]
    while todo:
        source, tree = todo.pop(0)
        index = len(sources)
        sources.append(source)
        known = _constants(tree)
        for node in ast.walk(tree):
            if not (
                isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("exec", "eval")
            ):
                continue
            try:
                inner = _text(_value(node.args[0], known)) if node.args else ""
                if len(sources) + len(todo) >= MOST_LAYERS:
                    raise _Unread(f"more than {MOST_LAYERS} layers")
                todo.append((inner, ast.parse(textwrap.dedent(inner))))
            except _Unread as error:
                opaque.append((index, node.lineno, f"{node.func.id} of {error}"))
            except SyntaxError:
                opaque.append((index, node.lineno, f"{node.func.id} of what is no Python source"))
    return Unpacked(tuple(sources), tuple(opaque))


def _constants(tree: ast.Module) -> dict[str, ast.expr | str]:
    """Names that are bound once in the script, at its top level: their expressions; imports: their dotted names."""
    found: dict[str, ast.expr | str] = {}
    times: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
            times[node.targets[0].id] = times.get(node.targets[0].id, 0) + 1
    for inner in ast.walk(tree):
        if isinstance(inner, ast.Import):
            found |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in inner.names}
        elif isinstance(inner, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{inner.module}.{alias.name}" for alias in inner.names}
    return {name: value for name, value in found.items() if times.get(name, 1) == 1}


def _dotted(node: ast.expr, known: Mapping[str, Any]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value, known)}.{node.attr}"
    if isinstance(node, ast.Name):
        value = known.get(node.id, node.id)
        return value if isinstance(value, str) else node.id
    return "?"


def _value(node: ast.expr, known: Mapping[str, Any], depth: int = 0) -> Any:
    """The value of an expression of literals and decoders."""
    if depth > 40:
        raise _Unread("an expression that goes round")
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        if isinstance(known.get(node.id), ast.expr):
            return _value(known[node.id], known, depth + 1)
        raise _Unread(f"{node.id}, which is no literal")
    if isinstance(node, ast.Attribute):
        name = _dotted(node, known)
        if name.startswith("lzma.") and isinstance(getattr(lzma, node.attr, None), int):
            return getattr(lzma, node.attr)
        raise _Unread(f"{name}, which is no literal")
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(item, known, depth + 1) for item in node.elts]
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_value(key, known, depth + 1): _value(value, known, depth + 1) for key, value in pairs if key}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr):
        left, right = (_value(side, known, depth + 1) for side in (node.left, node.right))
        if type(left) is type(right) and isinstance(left, str | bytes | int):
            return left + right if isinstance(node.op, ast.Add) else left | right
    if isinstance(node, ast.Call):
        return _called(node, known, depth + 1)
    raise _Unread("an expression that is no literal")


def _called(node: ast.Call, known: Mapping[str, Any], depth: int) -> Any:
    """A decoder's result."""
    if _dotted(node.func, known) in ("compile", "builtins.compile") and node.args:
        return _value(node.args[0], known, depth)  # file name and mode may be computed
    args = [_value(arg, known, depth) for arg in node.args]
    kwargs = {word.arg: _value(word.value, known, depth) for word in node.keywords if word.arg}
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        owner = node.func.value
        if not isinstance(owner, ast.Name) or isinstance(known.get(owner.id), ast.expr):
            try:
                return _METHODS[node.func.attr](_value(owner, known, depth), *args)
            except (TypeError, AttributeError, ValueError, LookupError) as error:
                raise _Unread(f"{node.func.attr}, which fails ({error})") from error
    name = _dotted(node.func, known)
    decoder = _DECODERS.get(name)
    if decoder is None:
        raise _Unread(f"{name}(), which golf does not compute")
    try:
        return decoder(*args, **kwargs)
    except (ValueError, TypeError, binascii.Error, zlib.error, lzma.LZMAError, OSError, EOFError, MemoryError) as error:
        raise _Unread(f"{name}(), which fails ({error})") from error


def _bounded(make: Callable[..., Any]) -> Callable[..., bytes]:
    """Decompression that ends at MOST bytes."""

    def decompress(data: bytes | str, *args: Any, **kwargs: Any) -> bytes:
        content = make(*args, **kwargs).decompress(data.encode() if isinstance(data, str) else data, MOST)
        if len(content) >= MOST:
            raise ValueError(f"more than {MOST} bytes")
        return content

    return decompress


def _lzma(format: int = lzma.FORMAT_AUTO, memlimit: int | None = None, filters: Any = None) -> Any:
    return lzma.LZMADecompressor(format, memlimit, filters)


def _zlib(wbits: int = zlib.MAX_WBITS, bufsize: int = 0) -> Any:
    return zlib.decompressobj(wbits)


def _text(value: Any) -> str:
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else value
    except UnicodeDecodeError as error:
        raise _Unread("bytes that are no UTF-8") from error
    if not isinstance(text, str):
        raise _Unread("what is no text")
    return text


_METHODS: dict[str, Callable[..., Any]] = {
    "decode": lambda value, *args: value.decode(*args),
    "encode": lambda value, *args: value.encode(*args),
    "join": lambda value, parts: value.join(parts),
    "replace": lambda value, *args: value.replace(*args),
    "strip": lambda value, *args: value.strip(*args),
    "split": lambda value, *args: value.split(*args),
}
_DECODERS: dict[str, Callable[..., Any]] = {
    "bytes": lambda data, *encoding: bytes(data, *encoding) if not isinstance(data, int) else b"",
    "str": str,
    "bytes.fromhex": bytes.fromhex,
    **{f"base64.{name}": getattr(base64, name) for name in ("b85decode", "a85decode", "b64decode", "b32decode")},
    "base64.decodebytes": base64.decodebytes,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_base64": binascii.a2b_base64,
    "lzma.decompress": _bounded(_lzma),
    "zlib.decompress": _bounded(_zlib),
    "bz2.decompress": _bounded(bz2.BZ2Decompressor),
    "gzip.decompress": _bounded(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)),
}
