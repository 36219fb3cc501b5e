"""One-line bugs that could be planted in a source file, found from its syntax tree."""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BINARY_SWAPS = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"),
    ast.Pow: ("**", "*"),
    ast.MatMult: ("@", "+"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
}
COMPARISON_SWAPS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
NAME_SWAPS = {
    "max": "min",
    "min": "max",
    "sum": "mean",
    "mean": "sum",
    "log": "log2",
    "exp": "expm1",
    "argmax": "argmin",
    "argsort": "sort",
    "minimum": "maximum",
    "maximum": "minimum",
    "sqrt": "square",
    "sigmoid": "tanh",
    "logsigmoid": "sigmoid",
    "index_add_": "index_copy_",
    "any": "all",
    "all": "any",
    "append": "remove",
}
SKIPPED = (ast.Raise, ast.JoinedStr, ast.Assert, ast.Import, ast.ImportFrom)


@dataclass(frozen=True, kw_only=True)
class Bug:
    """A replacement of one stretch of one line.

    Attributes:
        module: Path of the file, relative to the repository's root.
        function: Innermost function or class around it; "" at the top of the module.
        line: Line number, from 1.
        before: The line as it is, without indentation.
        after: The line with the bug.
        start: Offset of the stretch in the file, in characters.
        end: Offset behind it.
        text: What replaces it.
    """

    module: str
    function: str
    line: int
    before: str
    after: str
    start: int
    end: int
    text: str

    @property
    def digest(self) -> str:
        """A name that survives edits elsewhere in the file; also the order of the fixed sample."""
        key = f"{self.module}\n{self.function}\n{self.before}\n{self.after}"
        return hashlib.sha256(key.encode()).hexdigest()[:12]

    def plant(self, source: str) -> str:
        """Return the file's text with the bug in it."""
        return source[: self.start] + self.text + source[self.end :]


class _Finder:
    """Walks one file's syntax tree and remembers where each node stands in the text."""

    def __init__(self, module: str, source: str) -> None:
        self.module, self.source = module, source
        self.lines = source.splitlines(keepends=True)
        self.line_starts = [0]
        for line in self.lines:
            self.line_starts.append(self.line_starts[-1] + len(line))

    def offset(self, line: int, column_bytes: int) -> int:
        """Turn the syntax tree's line and byte column into an offset in characters."""
        text = self.lines[line - 1].encode()[:column_bytes].decode()
        return self.line_starts[line - 1] + len(text)

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Offsets of a node's first character and of the one behind its last."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self.offset(node.lineno, node.col_offset)
        return start, self.offset(node.end_lineno, node.end_col_offset)

    def bug(self, function: str, start: int, end: int, text: str) -> Bug:
        """Describe one replacement."""
        line = self.source.count("\n", 0, start) + 1
        first, last = self.line_starts[line - 1], self.line_starts[line]
        after = self.source[first:start] + text + self.source[end : max(end, last)]
        return Bug(
            module=self.module,
            function=function,
            line=line,
            before=self.source[first:last].strip(),
            after=after.strip(),
            start=start,
            end=end,
            text=text,
        )

    def walk(self, node: ast.AST, function: str) -> Iterator[Bug]:
        """Yield the bugs below a node, leaving out messages, annotations and docstrings."""
        if isinstance(node, SKIPPED) or _is_docstring(node):
            return
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for statement in node.body:
                yield from self.walk(statement, node.name)
            return
        if isinstance(node, ast.expr):
            yield from self.of_expression(node, function)
        if isinstance(node, ast.AugAssign) and type(node.op) in BINARY_SWAPS:
            old, new = BINARY_SWAPS[type(node.op)]
            yield from self.between(node.target, node.value, old + "=", new + "=", function)
        for child in _parts(node):
            yield from self.walk(child, function)

    def between(
        self, left: ast.expr, right: ast.expr, old: str, new: str, function: str
    ) -> Iterator[Bug]:
        """Swap the operator that stands between two expressions."""
        start, end = self.span(left)[1], self.span(right)[0]
        at = self.source.find(old, start, end)
        if at >= 0:
            yield self.bug(function, at, at + len(old), new)

    def of_expression(self, node: ast.expr, function: str) -> Iterator[Bug]:
        """Yield the bugs of one expression, without those of its parts."""
        start, end = self.span(node)
        if isinstance(node, ast.BinOp | ast.Compare | ast.BoolOp):
            yield from self.of_operator(node, function)
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.UAdd):
            yield self.bug(function, start, self.span(node.operand)[0], "")
        elif isinstance(node, ast.Constant):
            yield from self.of_constant(node, function)
        elif isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
            yield self.bug(function, self.span(node.value)[1], end, "")
        elif isinstance(node, ast.Attribute) and node.attr in NAME_SWAPS:
            yield self.bug(function, end - len(node.attr), end, NAME_SWAPS[node.attr])
        elif isinstance(node, ast.Name) and node.id in NAME_SWAPS:
            yield self.bug(function, start, end, NAME_SWAPS[node.id])

    def of_operator(
        self, node: ast.BinOp | ast.Compare | ast.BoolOp, function: str
    ) -> Iterator[Bug]:
        """Swap the operator of a calculation, a comparison or a combination of truth values."""
        if isinstance(node, ast.BinOp):
            pair, left, right = BINARY_SWAPS.get(type(node.op)), node.left, node.right
        elif isinstance(node, ast.Compare):
            pair = COMPARISON_SWAPS.get(type(node.ops[0]))
            left, right = node.left, node.comparators[0]
        else:
            pair = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            left, right = node.values[0], node.values[1]
        if pair is not None:
            yield from self.between(left, right, *pair, function)

    def of_constant(self, node: ast.Constant, function: str) -> Iterator[Bug]:
        """Flip a truth value; move a number by one, or double it if it is a fraction."""
        start, end = self.span(node)
        if isinstance(node.value, bool):
            yield self.bug(function, start, end, str(not node.value))
        elif isinstance(node.value, int):
            yield self.bug(function, start, end, str(node.value + 1))
        elif isinstance(node.value, float) and node.value:
            yield self.bug(function, start, end, repr(node.value * 2))


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield child


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def find_bugs(root: Path, module: str) -> list[Bug]:
    """Find every bug that can be planted in one file, in the order of its lines.

    Args:
        root: The repository's root.
        module: The file, relative to `root`.
    """
    source = (root / module).read_text(encoding="utf-8")
    finder = _Finder(module, source)
    found = {bug.digest: bug for bug in finder.walk(ast.parse(source), "")}
    return sorted(found.values(), key=lambda bug: bug.start)
