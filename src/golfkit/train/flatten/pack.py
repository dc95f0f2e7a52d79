"""A script as few bytes: its source compressed inside of a Python file that unpacks and runs it."""

import ast
import base64
import lzma
import re

FILTERS = [  # text has no rhythm (pb); which of its bits foretell the next byte (lc) is tried
    {"id": lzma.FILTER_LZMA1, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 20, "lc": lc, "lp": 0, "pb": 0}
    for lc in (2, 3, 4)
]
# The unpacked source has its lines in linecache, for tracebacks and whoever asks for the source of a function.
STUB = """\
{comment}
import base64,linecache,lzma
s=lzma.decompress(base64.b85decode("{data}"),3,None,[{{"id":{id:#x},"dict_size":{dict_size},"lc":{lc},"pb":{pb}}}]).decode()
n="unpacked_"+__file__.rpartition("/")[2]
linecache.cache[n]=len(s),None,s.splitlines(True),n
exec(compile(s,n,"exec"))
"""


def packed(script: str) -> str:
    """A Python file in ASCII that does what `script` does; its first comment stays."""
    content = minified(script).encode()
    comment = script.partition("\n")[0]
    return min((STUB.format(comment=comment, data=_base85(content, known), **known) for known in FILTERS), key=len)


def minified(script: str) -> str:
    """The same program without comments and docstrings, indented by one space."""
    tree = _Bare().visit(ast.parse(script))
    text = ast.unparse(tree)
    narrow = re.sub(r"^ +", lambda found: found[0][: len(found[0]) // 4], text, flags=re.MULTILINE)
    narrow = re.sub(r"\n\n+", "\n", narrow)
    same = ast.dump(ast.parse(narrow)) == ast.dump(ast.parse(text))  # a string of many lines may have been hit
    return narrow if same else text


def _base85(content: bytes, filters: dict[str, int]) -> str:
    return base64.b85encode(lzma.compress(content, lzma.FORMAT_RAW, filters=[filters])).decode()


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]
        return node
