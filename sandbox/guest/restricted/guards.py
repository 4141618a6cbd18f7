"""The run-time half of the language: what attributes may be read and written, and safe stand-ins for builtins."""

import abc
import decimal
import string
import types
from _string import formatter_field_name_split  # type: ignore[import-not-found]
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.guest.restricted import names

_MISSING = object()
_DECIDED = names.GUARDED | {"__setattr__", "__class__"}
_WRITABLE = (types.SimpleNamespace, decimal.Context)


class Guards:
    """The guards of one session; they know the classes that its cells defined."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._classes: set[type] = set()
        self._formatter = _Formatter(self.read)
        self.type = _make_type()

    def define(self, cls: type) -> type:
        """Make a class known as the cell's own; used as the innermost decorator of every class statement."""
        self._classes.add(cls)
        return cls

    def is_own(self, obj: Any) -> bool:
        """Tell whether an object is an instance of a class of the cells, or such a class."""
        kind = type(obj)
        return kind in self._classes or (issubclass(kind, type) and obj in self._classes)

    def read(self, obj: Any, name: str, default: Any = _MISSING) -> Any:
        """Stand for `getattr`: refuse what leads out of the language."""
        if type(name) is not str:
            raise TypeError("attribute name must be string")
        try:
            self._check_readable(obj, name)
            return self._read_guarded(obj, name) if name in _DECIDED else getattr(obj, name)
        except AttributeError:
            if default is _MISSING:
                raise
            return default

    def has(self, obj: Any, name: str) -> bool:
        """Stand for `hasattr`."""
        absent = object()
        return self.read(obj, name, absent) is not absent

    def writable(self, obj: Any) -> Any:
        """Return the object if its attributes may be set."""
        if self.is_own(obj) or isinstance(obj, _WRITABLE) or self._is_own_function(obj):
            return obj
        what = f"module {obj.__name__!r}" if isinstance(obj, types.ModuleType) else f"{type(obj).__name__!r} object"
        raise AttributeError(f"attributes of this {what} are read-only here")

    def write(self, obj: Any, name: str, value: Any) -> None:
        """Stand for `setattr`."""
        self._check_writable(name)
        setattr(self.writable(obj), name, value)

    def _write_plainly(self, obj: Any, name: str, value: Any) -> None:
        """Stand for `object.__setattr__`, which frozen dataclasses are set up with."""
        self._check_writable(name)
        object.__setattr__(self.writable(obj), name, value)

    def delete(self, obj: Any, name: str) -> None:
        """Stand for `delattr`."""
        self._check_writable(name)
        delattr(self.writable(obj), name)

    def variables(self) -> dict[str, Any]:
        """Stand for `globals` and `locals`: a copy of the session's variables."""
        return {name: value for name, value in self._namespace.items() if not names.is_dunder(name)}

    def vars(self, obj: Any = _MISSING) -> dict[str, Any]:
        """Stand for `vars`: a copy."""
        if obj is _MISSING:
            return self.variables()
        if not (self.is_own(obj) or isinstance(obj, (types.SimpleNamespace, types.ModuleType))):
            raise TypeError("vars() argument must have __dict__ attribute")
        return {name: value for name, value in vars(obj).items() if not names.is_dunder(name)}

    def dir(self, obj: Any = _MISSING) -> list[str]:
        """Stand for `dir`: public names."""
        return sorted(self.variables()) if obj is _MISSING else [name for name in dir(obj) if name[0] != "_"]

    def format(self, template: str, /, *args: Any, **kwargs: Any) -> str:
        """Stand for `str.format`: attributes in the template are read through the guard."""
        return self._formatter.vformat(template, args, kwargs)

    def format_map(self, template: str, mapping: Mapping[str, Any], /) -> str:
        """Stand for `str.format_map`."""
        return self._formatter.vformat(template, (), mapping)

    def _check_readable(self, obj: Any, name: str) -> None:
        if name in names.INSPECTING:
            raise AttributeError(f"the attribute {name!r} cannot be used here")
        if not name.startswith("_") or name in names.READABLE or name in names.METHODS:
            return
        if name == "__setattr__" and obj is object:
            return
        if not names.is_dunder(name) or name in names.OF_OWN_OBJECTS:
            if self.is_own(obj) or self._is_own_function(obj) or isinstance(obj, super):
                return
            if name in names.OF_NAMED_TUPLES and (isinstance(obj, tuple) or _is_class(obj, tuple)):
                return
        raise AttributeError(f"the attribute {name!r} of {type(obj).__name__!r} objects cannot be used here")

    def _check_writable(self, name: str) -> None:
        if type(name) is not str:
            raise TypeError("attribute name must be string")
        if name in names.INSPECTING or (names.is_dunder(name) and name not in names.DESCRIPTIONS):
            raise AttributeError(f"the attribute {name!r} cannot be set")

    def _is_own_function(self, obj: Any) -> bool:
        return type(obj) is types.FunctionType and obj.__globals__ is self._namespace

    def _read_guarded(self, obj: Any, name: str) -> Any:
        if name == "__setattr__":
            return self._write_plainly
        if name == "__class__":
            return self.type(obj)
        if name == "mro" and _is_class(obj, object):
            raise AttributeError("the attribute 'mro' of classes cannot be used here")
        if name == "register" and isinstance(obj, abc.ABCMeta):
            raise AttributeError("classes cannot be registered with abstract classes here")
        if name in {"format", "format_map"}:
            return self._read_format(obj, name)
        return getattr(obj, name)

    def _read_format(self, obj: Any, name: str) -> Any:
        """Put the safe method in the place of the one of `str`, wherever it is found; others are the object's own."""
        safe = self.format if name == "format" else self.format_map
        found = getattr(obj, name)
        if isinstance(found, types.BuiltinMethodType) and isinstance(found.__self__, str):
            return types.MethodType(safe, found.__self__)
        return safe if found is str.format or found is str.format_map else found


class _Formatter(string.Formatter):
    """`str.format` whose fields read attributes through a guard (CVE-2023-41039)."""

    def __init__(self, read: Any) -> None:
        self._read = read

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
        first, rest = formatter_field_name_split(field_name)
        obj = self.get_value(first, args, kwargs)
        for is_attribute, key in rest:
            obj = self._read(obj, key) if is_attribute else obj[key]
        return obj, first


def _is_class(obj: Any, base: type) -> bool:
    return issubclass(type(obj), type) and issubclass(obj, base)


def _make_type() -> type:
    """Build a `type` that names the class of an object and works in `isinstance`, but makes no classes."""

    class Meta(type):
        def __call__(cls, *args: Any) -> Any:
            if len(args) != 1:
                raise TypeError("type() takes one argument here: classes are made by class statements")
            kind = type(args[0])
            return cls if issubclass(kind, type) else kind

        def __instancecheck__(cls, obj: Any) -> bool:
            return issubclass(type(obj), type)

        def __repr__(cls) -> str:
            return "<class 'type'>"

    def refuse(_cls: type, **_: object) -> None:
        raise TypeError("metaclasses cannot be defined here")

    return Meta("type", (), {"__init_subclass__": refuse})
