"""What a lesson shows of the library: a definition's source, its stub, the imports it needs.

The library is read, not imported, so that this costs milliseconds and works on a planted copy.
"""

import ast
import symtable
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

MAX_LINE = 100
YOUR_TURN = 'raise NotImplementedError("Your turn")'

Definition = ast.FunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Import:
    """One imported name: `import module as bound`, or `from module import name as bound`.

    Attributes:
        module: The module, in full.
        name: The name taken from it; None for a plain `import`.
        bound: The name it has in the importing module.
    """

    module: str
    name: str | None
    bound: str

    def statement(self) -> str:
        """Write the import as a line of code."""
        if self.name is None:
            renamed = self.bound != self.module.partition(".")[0]
            return f"import {self.module}" + (f" as {self.bound}" if renamed else "")
        return f"from {self.module} import {self.entry()}"

    def entry(self) -> str:
        """Write what stands after `import` in a from-import."""
        return f"{self.name}" if self.name == self.bound else f"{self.name} as {self.bound}"


@dataclass(frozen=True)
class Shown:
    """A definition of the library, as a lesson shows it.

    Attributes:
        target: Where it lives, "module:name".
        source: Its literal source, decorators included.
        stub: Signature, docstring and "Your turn", for a class those of its public methods; empty
            where that would leave out something else. For a repair, the broken version.
        needs: The imports its source uses.
    """

    target: str
    source: str
    stub: str
    needs: tuple[Import, ...]

    @property
    def name(self) -> str:
        """The definition's name."""
        return self.target.partition(":")[2]

    def imports(self, known: Collection[str] = ()) -> str:
        """Write the imports, one line a module, without names that the lesson already has.

        Args:
            known: Names of the library that an earlier cell of the lesson defines. Importing
                them would overwrite what the learner wrote or sees there.
        """
        home = self.target.partition(".")[0]
        wanted = [
            need
            for need in self.needs
            if not (need.bound in known and need.module.partition(".")[0] == home)
        ]
        return "\n".join(_import_lines(wanted))


def read_definition(root: Path, target: str) -> Shown:
    """Read one function or class of the library.

    Args:
        root: The folder that holds the library's top package.
        target: "package.module:name", naming the module that defines it.

    Raises:
        ValueError: If the target has another form, its module or name does not exist, or the
            module uses relative imports.
    """
    module_name, colon, name = target.partition(":")
    if not colon or not name.isidentifier():
        raise ValueError(f"a mark must name module:name; got {target!r}.")
    path = root.joinpath(*module_name.split(".")).with_suffix(".py")
    if not path.is_file():
        raise ValueError(f"{target!r} must name a module of the library; there is no {path.name}.")
    text = path.read_text(encoding="utf-8")
    return _read_from(text, module_name, name)


def read_repair(root: Path, target: str, broken_target: str) -> Shown:
    """Read a function whose stub is its broken version, under the docstring of the right one.

    Args:
        root: The folder that holds the library's top package.
        target: The right version, "package.module:name".
        broken_target: The broken one, of the same name and signature, in another module.

    Raises:
        ValueError: If one of the two is missing, is no function or has no docstring, or if their
            signatures or bodies do not fit.
    """
    right, broken = read_definition(root, target), read_definition(root, broken_target)
    head, body = _halves(right)
    broken_head, broken_body = _halves(broken)
    if ast.dump(_without_body(head)) != ast.dump(_without_body(broken_head)):
        raise ValueError(f"{broken.target} must have the name and signature of {target}.")
    if body == broken_body:
        raise ValueError(f"{broken.target} must differ from {target}.")
    needs = tuple(dict.fromkeys(right.needs + broken.needs))
    return replace(right, stub=f"{head}\n{broken_body}", needs=needs)


def _halves(shown: Shown) -> tuple[str, str]:
    """Cut a function's source behind its docstring."""
    (node,) = ast.parse(shown.source).body
    end = node.body[0].end_lineno if isinstance(node, ast.FunctionDef) else None
    lines = shown.source.splitlines()
    if not shown.stub or end is None or end == len(lines):
        raise ValueError(f"{shown.target} must be a function with a docstring to be repaired.")
    return "\n".join(lines[:end]), "\n".join(lines[end:])


def _without_body(head: str) -> ast.stmt:
    """Parse a function up to its docstring, and drop that."""
    (node,) = ast.parse(head).body
    assert isinstance(node, ast.FunctionDef)
    node.body = []
    return node


@cache
def _read_from(text: str, module_name: str, name: str) -> Shown:
    module = ast.parse(text)
    found = {node.name: node for node in module.body if isinstance(node, Definition)}
    if name not in found:
        near = ", ".join(found) or "none"
        raise ValueError(f"{module_name} must define {name!r}; its definitions: {near}.")
    node, lines = found[name], text.splitlines()
    source = "\n".join(lines[_first_line(node) : node.end_lineno])
    bindings = _module_bindings(module, module_name)
    needs = [
        need for used in sorted(_global_names(source, name)) for need in bindings.get(used, ())
    ]
    stub = _stub(node, lines)
    return Shown(f"{module_name}:{name}", source, stub, tuple(needs))


def _first_line(node: Definition) -> int:
    """Count from 0 where a definition begins, decorators included."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1


def _stub(node: Definition, lines: list[str]) -> str:
    """Cut a definition after its docstring; one without a docstring has nothing to answer to."""
    if ast.get_docstring(node) is None:
        return ""
    if isinstance(node, ast.FunctionDef):
        return _blank(node, lines)
    methods = [one for one in node.body[1:] if isinstance(one, ast.FunctionDef)]
    if len(methods) < len(node.body) - 1:
        return ""
    head = "\n".join(lines[_first_line(node) : node.body[0].end_lineno])
    asked = [one for one in methods if one.name == "__init__" or not one.name.startswith("_")]
    return "\n\n".join([head, *(_blank(one, lines) for one in asked)])


def _blank(node: ast.FunctionDef, lines: list[str]) -> str:
    """Put "Your turn" in the place of a body, behind the docstring if there is one."""
    begin = node.body[0]
    end = begin.lineno - 1 if ast.get_docstring(node) is None else begin.end_lineno
    return "\n".join([*lines[_first_line(node) : end], " " * begin.col_offset + YOUR_TURN])


def _global_names(source: str, own: str) -> set[str]:
    """Find the names a definition takes from its module; builtins are among them."""
    top = symtable.symtable(source, "<library>", "exec")
    names = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    tables = list(top.get_children())
    while tables:
        table = tables.pop()
        names |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        tables += table.get_children()
    return names - {own}


def _module_bindings(module: ast.Module, module_name: str) -> dict[str, list[Import]]:
    """Map each module-level name to the imports that make it available elsewhere."""
    bindings: dict[str, list[Import]] = {}
    for statement in module.body:
        for need in _bound_by(statement, module_name):
            bindings.setdefault(need.bound, []).append(need)
    return bindings


def _bound_by(statement: ast.stmt, module_name: str) -> Iterator[Import]:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield Import(alias.name, None, alias.asname or alias.name.partition(".")[0])
    elif isinstance(statement, ast.ImportFrom):
        if statement.level:
            raise ValueError(f"{module_name} must use absolute imports, so lessons can show it.")
        for alias in statement.names:
            yield Import(str(statement.module), alias.name, alias.asname or alias.name)
    else:
        for name in _defined_by(statement):
            yield Import(module_name, name, name)


def _defined_by(statement: ast.stmt) -> list[str]:
    if isinstance(statement, Definition):
        return [statement.name]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    else:
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else []
    nodes = [node for target in targets for node in ast.walk(target)]
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def _import_lines(needs: list[Import]) -> list[str]:
    """Write plain imports first, then one from-import a module (more if the line is too long)."""
    plain = sorted({need.statement() for need in needs if need.name is None})
    taken: dict[str, set[str]] = {}
    for need in needs:
        if need.name is not None:
            taken.setdefault(need.module, set()).add(need.entry())
    lines = list(plain)
    for module, entries in sorted(taken.items()):
        joined = f"from {module} import {', '.join(sorted(entries))}"
        short = len(joined) <= MAX_LINE
        lines += [joined] if short else [f"from {module} import {one}" for one in sorted(entries)]
    return lines
