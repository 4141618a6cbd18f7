"""Safe versions of the library names that would read or set attributes past the guards."""

import abc
import dataclasses
import functools
import pprint
import random
import sys
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.guest.output import Printer
from sandbox.guest.restricted import names
from sandbox.guest.restricted.guards import Guards


class StandIns:
    """The stand-ins of one session, by module."""

    def __init__(self, guards: Guards, stdout: Printer, stderr: Printer) -> None:
        self._guards = guards
        self._stdout = stdout
        self._modules: Mapping[str, Mapping[str, Any]] = {
            "abc": {"ABC": abc.ABC, "abstractmethod": abc.abstractmethod, "ABCMeta": _abstract_class},
            "dataclasses": {"dataclass": self._dataclass},
            "functools": {"wraps": self._wraps, "update_wrapper": self._update_wrapper},
            "operator": {"attrgetter": self._attrgetter, "methodcaller": self._methodcaller},
            "pprint": {"pprint": self._pprint, "pp": self._pprint},
            "sys": {"stdout": stdout, "stderr": stderr, **_interpreter()},
            "uuid": {"uuid4": _repeatable_uuid},
        }

    def of(self, module: str) -> Mapping[str, Any]:
        """Return the stand-ins that belong into a module's facade."""
        return self._modules.get(module, {})

    def _dataclass(self, cls: type | None = None, /, **options: Any) -> Any:
        """Stand for `dataclass`; with slots it makes a new class, which is the cell's own too."""

        def decorate(own: type) -> type:
            made: Any = dataclasses.dataclass(**options)(own)
            if names.GUARDED.intersection(made.__match_args__):  # `case` would read them without a guard
                type.__setattr__(made, "__match_args__", ())
            return self._guards.define(made)

        return decorate if cls is None else decorate(cls)

    def _wraps(self, wrapped: Any) -> Callable[[Any], Any]:
        """Stand for `functools.wraps`."""
        return lambda wrapper: self._update_wrapper(wrapper, wrapped)

    def _update_wrapper(self, wrapper: Any, wrapped: Any) -> Any:
        """Stand for `functools.update_wrapper` with the standard attributes only."""
        for name in ("__name__", "__qualname__", "__doc__"):
            if self._guards.has(wrapped, name):
                self._guards.write(wrapper, name, self._guards.read(wrapped, name))
        return wrapper

    def _attrgetter(self, *paths: str) -> Callable[[Any], Any]:
        """Stand for `operator.attrgetter`."""

        def get(obj: Any) -> Any:
            found = tuple(functools.reduce(self._guards.read, path.split("."), obj) for path in paths)
            return found if len(found) > 1 else found[0]

        return get

    def _methodcaller(self, name: str, /, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Stand for `operator.methodcaller`."""
        return lambda obj: self._guards.read(obj, name)(*args, **kwargs)

    def _pprint(self, value: Any, **options: Any) -> None:
        """Stand for `pprint.pprint`."""
        self._stdout.write(pprint.pformat(value, **options) + "\n")


def _abstract_class(name: str, bases: tuple[type, ...], contents: dict[str, Any], **options: Any) -> type:
    """Stand for `ABCMeta` in `class X(metaclass=ABCMeta)`; makes no classes that the compiler did not check."""
    if any(names.is_dunder(key) and key not in _OF_CLASS_STATEMENTS for key in contents):
        raise TypeError("ABCMeta is for class statements")
    return abc.ABCMeta(name, bases, contents, **options)


_OF_CLASS_STATEMENTS = (
    names.METHODS | names.CLASS_VARIABLES | {"__module__", "__qualname__", "__annotations__", "__classcell__"}
)


def _repeatable_uuid() -> uuid.UUID:
    """Stand for `uuid4`, from the session's random numbers, so that a replayed cell gets the same."""
    return uuid.UUID(int=random.getrandbits(128), version=4)


def _interpreter() -> dict[str, Any]:
    return {
        "byteorder": sys.byteorder,
        "float_info": sys.float_info,
        "getrecursionlimit": sys.getrecursionlimit,
        "getsizeof": sys.getsizeof,
        "maxsize": sys.maxsize,
        "maxunicode": sys.maxunicode,
        "version": sys.version,
        "version_info": tuple(sys.version_info),
    }
