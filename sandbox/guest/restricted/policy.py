"""The language of cells: RestrictedPython's allow-list of syntax, with everyday Python let through.

RestrictedPython guards every attribute, item and iteration at run time and rejects what models write all the time. Here
only what can lead out of the cell is guarded: attribute names are checked when the cell is compiled, and only names
whose safety depends on the object go through `_getattr_`; attribute writes go through `_write_`. Items, iteration,
calls and augmented assignment stay plain Python, which also keeps its speed. The wall is the jail; this layer gives
clear errors early.
"""

import ast
import types
from typing import Any, NoReturn

from RestrictedPython.transformer import RestrictingNodeTransformer, copy_locations

from sandbox.guest.repl import DISPLAY, LISTER
from sandbox.guest.restricted import facades, names

FACADE_METACLASSES = ("ABCMeta",)


def compile_cell(source: str, filename: str) -> types.CodeType:
    """Compile a cell of the restricted language.

    Raises:
        SyntaxError: it is no Python, or uses what the language leaves out; with the line.
    """
    tree = ast.parse(source, filename)
    tree = Policy(filename).visit(tree)
    for shown in [node for node in ast.walk(tree) if isinstance(node, ast.Expr)]:
        if shown is tree.body[-1] or _lists(shown.value):
            shown.value = ast.Call(func=ast.Name(DISPLAY, ast.Load()), args=[shown.value], keywords=[])
            copy_locations(shown.value, shown)
    return compile(ast.fix_missing_locations(tree), filename, "exec", dont_inherit=True)


def _lists(value: ast.expr) -> bool:
    """Tell whether an expression is a call that lists the variables."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == LISTER


class Policy(RestrictingNodeTransformer):
    """Checks and rewrites the tree of one cell; unknown syntax is refused by the base class."""

    def __init__(self, filename: str) -> None:
        super().__init__()
        self._filename = filename
        self._scopes: list[str] = [""]  # the name of each enclosing class, "" for a function or the module
        self._lazy_annotations = False

    def error(self, node: ast.AST, info: str) -> NoReturn:
        """Stop at the first thing that is not allowed."""
        raise SyntaxError(info, (self._filename, getattr(node, "lineno", 1), None, None))

    def check_name(self, node: Any, name: str | None, allow_magic_methods: bool = False) -> None:
        """Refuse names that belong to the language itself."""
        if name is None or names.may_bind(name):
            return
        if allow_magic_methods and self._scopes[-1] and name in names.METHODS:
            return
        if self._scopes[-1] and name in names.CLASS_VARIABLES:
            return
        self.error(node, f"the name {name!r} cannot be used here")

    # What is plain Python again.
    visit_For = visit_comprehension = visit_Assign = visit_Call = visit_Subscript = visit_With = (
        RestrictingNodeTransformer.node_contents_visit
    )
    visit_Nonlocal = visit_Match = visit_MatchValue = visit_MatchSingleton = visit_MatchSequence = (
        RestrictingNodeTransformer.node_contents_visit
    )
    visit_MatchOr = RestrictingNodeTransformer.node_contents_visit

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Visit a cell."""
        return self.node_contents_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Allow variables; `__name__` may be read."""
        if not (isinstance(node.ctx, ast.Load) and node.id == "__name__"):
            self.check_name(node, node.id)
        return node

    def visit_Global(self, node: ast.Global) -> ast.Global:
        """Check the names."""
        for name in node.names:
            self.check_name(node, name)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.match_case:
        """Allow a case."""
        return self.node_contents_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.MatchAs:
        """Check the captured name."""
        self.check_name(node, node.name)
        return self.node_contents_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> ast.MatchStar:
        """Check the captured name."""
        self.check_name(node, node.name)
        return node

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.MatchMapping:
        """Check the captured name."""
        self.check_name(node, node.rest)
        return self.node_contents_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.MatchClass:
        """Check attribute names: the interpreter reads them without a guard."""
        for name in node.kwd_attrs:
            if name.startswith("_") or name in names.INSPECTING or name in names.GUARDED:
                self.error(node, f"the attribute {name!r} cannot be matched")
        return self.node_contents_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AugAssign:
        """Allow all targets: the guard of an attribute's write returns the object itself."""
        return self.node_contents_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """Keep annotations of classes, which dataclasses read; elsewhere keep the value only."""
        if self._scopes[-1]:
            if self._lazy_annotations:
                node.annotation = ast.copy_location(ast.Constant(ast.unparse(node.annotation)), node.annotation)
            return self.node_contents_visit(node)
        target = self.visit(node.target)
        if node.value is None:
            return _in_place_of(node, ast.Pass())
        return _in_place_of(node, ast.Assign(targets=[target], value=self.visit(node.value)))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Check names and drop annotations."""
        self.check_name(node, node.name, allow_magic_methods=True)
        self.check_function_argument_names(node)
        node.returns = None
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.args = self.visit(node.args)
        self._scopes.append("")
        node.body = self._visit_block(node.body)
        self._scopes.pop()
        self._refuse_type_parameters(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """Drop the annotation."""
        node.annotation = None
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Check names; the innermost decorator makes the class known to the guards."""
        self.check_name(node, node.name)
        for keyword in node.keywords:
            if keyword.arg == "metaclass" and ast.unparse(keyword.value).split(".")[-1] not in FACADE_METACLASSES:
                self.error(node, "a metaclass cannot be used here")
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        self._scopes.append(node.name)
        node.body = self._visit_block(node.body)
        self._scopes.pop()
        self._refuse_type_parameters(node)
        mark = ast.Name("_class_", ast.Load())
        copy_locations(mark, node)
        node.decorator_list.append(mark)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Leave harmless names alone, guard those that depend on the object, refuse the rest."""
        name = node.attr
        if name in names.INSPECTING:
            self.error(node, f"the attribute {name!r} cannot be used here")
        if not isinstance(node.ctx, ast.Load):
            return self._guard_write(node)
        if not name.startswith("_") and name not in names.GUARDED:
            return self.node_contents_visit(node)
        if names.is_dunder(name) and not _is_readable(name):
            self.error(node, f"the attribute {name!r} cannot be used here")
        node = self.node_contents_visit(node)
        guard = ast.Call(
            func=ast.Name("_getattr_", ast.Load()),
            args=[node.value, ast.Constant(self._mangled(name))],
            keywords=[],
        )
        copy_locations(guard, node)
        return guard

    def visit_Import(self, node: ast.Import) -> ast.Import:
        """Check the names that are bound."""
        for alias in node.names:
            self._refuse_private_module(node, alias.name)
            self.check_name(node, alias.asname or alias.name.split(".")[0])
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """Check the names; write `*` out; features of the future are the present."""
        self._refuse_private_module(node, "" if node.module == "__future__" else node.module or "")
        if node.module == "__future__":
            self._lazy_annotations |= any(alias.name == "annotations" for alias in node.names)
            return _in_place_of(node, ast.Pass())
        if any(alias.name == "*" for alias in node.names):
            node.names = [ast.alias(name) for name in facades.public_names(node.module or "")]
            if not node.names:
                return _in_place_of(node, ast.Import([ast.alias(node.module or "?")]))
            ast.fix_missing_locations(node)
        for alias in node.names:
            if alias.name.startswith("_"):
                self.error(node, f"the name {alias.name!r} cannot be imported")
            self.check_name(node, alias.asname)
        return node

    def _refuse_private_module(self, node: ast.AST, name: str) -> None:
        if name.startswith("_"):
            self.error(node, f"the module {name!r} cannot be imported")

    def _guard_write(self, node: ast.Attribute) -> ast.Attribute:
        if names.is_dunder(node.attr) and node.attr not in names.DESCRIPTIONS:
            self.error(node, f"the attribute {node.attr!r} cannot be set")
        node = self.node_contents_visit(node)
        guard = ast.Call(func=ast.Name("_write_", ast.Load()), args=[node.value], keywords=[])
        copy_locations(guard, node)
        node.value = guard
        return node

    def _mangled(self, name: str) -> str:
        """Mangle a private name as the compiler does; a function inside a method belongs to the class too."""
        owner = next((scope for scope in reversed(self._scopes) if scope), "").lstrip("_")
        private = name.startswith("__") and not name.endswith("__")
        return f"_{owner}{name}" if private and owner else name

    def _visit_block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        return [self.visit(statement) for statement in body]

    def _refuse_type_parameters(self, node: ast.AST) -> None:
        if getattr(node, "type_params", None):
            self.error(node, "type parameters cannot be used here")


def _in_place_of(origin: ast.stmt, node: ast.stmt) -> ast.stmt:
    copy_locations(node, origin)
    return node


def _is_readable(name: str) -> bool:
    return name in names.METHODS or name in names.READABLE or name in names.OF_OWN_OBJECTS or name == "__setattr__"
