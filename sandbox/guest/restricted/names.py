"""Which names and attributes a cell may use: the one list that the compiler and the run-time guards share."""

from typing import Final

from RestrictedPython.transformer import INSPECT_ATTRIBUTES

_METHODS = """
    init new post_init init_subclass set_name get set delete call getattr class_getitem repr str bytes format hash bool
    len length_hint lt le eq ne gt ge contains iter next reversed getitem setitem delitem missing enter exit copy
    deepcopy sizeof dir add radd iadd sub rsub isub mul rmul imul matmul rmatmul imatmul truediv rtruediv itruediv
    floordiv rfloordiv ifloordiv mod rmod imod divmod rdivmod pow rpow ipow lshift rlshift ilshift rshift rrshift
    irshift and rand iand or ror ior xor rxor ixor neg pos abs invert int float complex index round trunc floor ceil
"""
METHODS: Final = frozenset(f"__{name}__" for name in _METHODS.split())
"""Special methods that a class may define and that may be called by name, as in `super().__init__()`."""

CLASS_VARIABLES: Final = frozenset({"__slots__", "__hash__", "__doc__"})
DESCRIPTIONS: Final = frozenset({"__name__", "__qualname__", "__doc__", "__module__"})
READABLE: Final = DESCRIPTIONS | frozenset({"__cause__", "__context__", "__notes__", "__members__", "__annotations__"})
OF_OWN_OBJECTS: Final = frozenset({"__class__", "__dict__"})
OF_NAMED_TUPLES: Final = frozenset({"_asdict", "_replace", "_fields", "_make", "_field_defaults"})

INSPECTING: Final = INSPECT_ATTRIBUTES
GUARDED: Final = frozenset({"format", "format_map", "register", "mro"})
"""Plain attributes that reach further on some objects than a cell may: decided at run time."""


def is_dunder(name: str) -> bool:
    """Tell whether `name` is of the form `__x__`."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")  # noqa: PLR2004


def is_guard(name: str) -> bool:
    """Tell whether `name` is of the form `_x_`, which the compiler keeps for its own calls."""
    return len(name) > 2 and name.startswith("_") and name.endswith("_") and name.strip("_") != ""  # noqa: PLR2004


def may_bind(name: str) -> bool:
    """Tell whether a cell may give this name to a variable, parameter, function, class or import."""
    return name in {"_", "__"} or not is_guard(name)
