"""Every change that mutmut's operators make to a module of course_utils."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper
from mutmut.mutation import mutators

ROOT = Path(__file__).resolve().parents[1]
# They run when the module is imported, or not at all.
LEFT_OUT = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)
# Any change of their arguments raises.
TRIVIAL_CALLS = ("isinstance", "len")
# In a `zip` it says that both are of one length: where they are, nothing changes without it.
PROMISE = "strict=True"


def module_path(module: str) -> Path:
    """Return the file of a module of course_utils, named as "lr.finder"."""
    return ROOT / "course_utils" / f"{module.replace('.', '/')}.py"


@dataclass(frozen=True)
class Mutant:
    """A module with one place changed.

    Attributes:
        module: its name in course_utils.
        source: the whole changed source.
        old: the lines that were changed, as one.
        new: what they are now.
    """

    module: str
    source: str
    old: str
    new: str

    @property
    def entry(self) -> str:
        """The line that names it in tools/mutants.md."""
        return f"- {self.module}: `{self.old}` → `{self.new}`"


def mutants_of(module: str) -> Iterator[Mutant]:
    """Yield the mutants of a module, each once, without those that are no Python."""
    source = module_path(module).read_text(encoding="utf-8")
    tree = MetadataWrapper(cst.parse_module(source)).module
    visitor = _Visitor()
    tree.visit(visitor)
    seen = {ast.dump(ast.parse(source))}
    for node, changed in visitor.changes:
        mutated = tree.deep_replace(node, changed).code
        try:
            dump = ast.dump(ast.parse(mutated))
        except SyntaxError:
            continue
        if dump not in seen and mutated.count(PROMISE) == source.count(PROMISE):
            seen.add(dump)
            yield Mutant(module, mutated, *_changed_lines(source, mutated))


class _Visitor(cst.CSTVisitor):
    """Collects (node, what an operator makes of it)."""

    def __init__(self):
        super().__init__()
        self.changes: list[tuple[cst.CSTNode, cst.CSTNode]] = []
        self._raises = self._functions = 0

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, LEFT_OUT) or _is_trivial(node):
            return False
        self._raises += isinstance(node, cst.Raise)
        self._functions += isinstance(node, cst.FunctionDef)
        for kind, operator in mutators.mutation_operators:
            wording = self._raises and operator is mutators.operator_string
            # At the top of a module an assignment names a type or a constant.
            name = not self._functions and operator is mutators.operator_assignment
            if isinstance(node, kind) and not wording and not name:
                self.changes += [(node, changed) for changed in operator(node)]
        return True

    def on_leave(self, node: cst.CSTNode) -> None:
        self._raises -= isinstance(node, cst.Raise)
        self._functions -= isinstance(node, cst.FunctionDef)


def _is_trivial(node: cst.CSTNode) -> bool:
    is_call = isinstance(node, cst.Call) and isinstance(node.func, cst.Name)
    return is_call and node.func.value in TRIVIAL_CALLS


def _changed_lines(old: str, new: str) -> list[str]:
    """Return the lines that differ, those of each side as one."""
    lines = list(difflib.ndiff(old.splitlines(), new.splitlines()))
    return [
        " ".join(line[2:].strip() for line in lines if line[:2] == sign) for sign in ("- ", "+ ")
    ]
