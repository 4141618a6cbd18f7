"""What `import` gives: read-only copies of modules with chosen names only.

An allow-list of whole modules would fall at once (`re.enum.sys.modules["os"]`); a facade has no way on. Left out on
purpose: whatever reads attributes by name in C or library code (`str`-formatting classes, `update_wrapper` with its
lists), evaluates strings (`get_type_hints`), or touches files, processes or the interpreter.
"""

import ast
import base64
import bisect
import calendar
import cmath
import codecs
import collections
import collections.abc
import contextlib
import copy
import csv
import dataclasses
import datetime as dt
import decimal
import difflib
import enum
import fractions
import functools
import hashlib
import heapq
import html
import importlib
import io
import itertools
import json
import math
import numbers
import operator
import pprint
import random
import re
import statistics
import string
import struct
import sys
import textwrap
import time
import types
import typing
import unicodedata
import urllib.parse
import uuid
import zlib

from sandbox.guest.output import Printer
from sandbox.guest.restricted.guards import Guards
from sandbox.guest.restricted.standins import StandIns

_PUBLIC = "*"  # every name of the module's own __all__ or without underscore that is not itself a module
_SPEC: dict[types.ModuleType, str] = {
    ast: "literal_eval",
    base64: "b64encode b64decode urlsafe_b64encode urlsafe_b64decode b32encode b32decode b16encode b16decode "
    "a85encode a85decode b85encode b85decode standard_b64encode standard_b64decode",
    bisect: "bisect bisect_left bisect_right insort insort_left insort_right",
    calendar: "monthrange isleap leapdays weekday month_name month_abbr day_name day_abbr timegm monthcalendar",
    cmath: _PUBLIC,
    collections: "ChainMap Counter OrderedDict defaultdict deque namedtuple",
    collections.abc: _PUBLIC,
    contextlib: "contextmanager suppress nullcontext closing ExitStack redirect_stdout",
    copy: "copy deepcopy Error",
    csv: "reader writer DictReader DictWriter Sniffer Dialect excel excel_tab unix_dialect Error "
    "QUOTE_ALL QUOTE_MINIMAL QUOTE_NONE QUOTE_NONNUMERIC",
    dataclasses: "field fields asdict astuple replace is_dataclass MISSING KW_ONLY InitVar FrozenInstanceError",
    dt: "date datetime time timedelta timezone tzinfo UTC MINYEAR MAXYEAR",
    decimal: _PUBLIC,
    difflib: "SequenceMatcher Differ get_close_matches ndiff unified_diff context_diff restore",
    enum: "Enum IntEnum StrEnum Flag IntFlag auto unique",
    fractions: "Fraction",
    functools: "cache cached_property cmp_to_key lru_cache partial partialmethod reduce singledispatch "
    "singledispatchmethod total_ordering",
    hashlib: "md5 sha1 sha224 sha256 sha384 sha512 sha3_256 sha3_512 blake2b blake2s",
    heapq: "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    html: "escape unescape",
    io: "StringIO BytesIO",
    itertools: _PUBLIC,
    json: "dumps loads dump load JSONDecodeError JSONEncoder JSONDecoder",
    math: _PUBLIC,
    numbers: _PUBLIC,
    operator: "abs add and_ concat contains countOf eq floordiv ge getitem gt iadd imul indexOf inv invert is_ is_not "
    "itemgetter le length_hint lshift lt mod mul ne neg not_ or_ pos pow rshift sub truediv truth xor setitem delitem",
    pprint: "pformat",
    random: "Random betavariate choice choices expovariate gammavariate gauss getrandbits lognormvariate normalvariate "
    "paretovariate randbytes randint random randrange sample seed shuffle triangular uniform vonmisesvariate "
    "weibullvariate",
    re: "A ASCII DOTALL I IGNORECASE M MULTILINE Match NOFLAG Pattern RegexFlag S U UNICODE VERBOSE X compile error "
    "escape findall finditer fullmatch match purge search split sub subn",
    statistics: _PUBLIC,
    string: "ascii_letters ascii_lowercase ascii_uppercase capwords digits hexdigits octdigits printable punctuation "
    "whitespace Template",
    struct: "pack unpack unpack_from iter_unpack calcsize error Struct",
    textwrap: "TextWrapper dedent fill indent shorten wrap",
    time: "asctime ctime gmtime localtime mktime monotonic monotonic_ns perf_counter perf_counter_ns process_time "
    "sleep strftime strptime struct_time time time_ns",
    types: "SimpleNamespace MappingProxyType NoneType",
    typing: "AbstractSet Annotated Any AnyStr Awaitable Callable ClassVar Collection Container Counter "
    "DefaultDict Deque Dict Final FrozenSet Generator Generic Hashable Iterable Iterator List Literal LiteralString "
    "Mapping Match MutableMapping MutableSequence MutableSet NamedTuple Never NewType NoReturn NotRequired Optional "
    "OrderedDict ParamSpec Pattern Protocol Required Reversible Self Sequence Set Sized SupportsFloat SupportsIndex "
    "SupportsInt Text Tuple Type TypeAlias TypeVar TYPE_CHECKING TypedDict Union cast final overload "
    "runtime_checkable",
    unicodedata: "bidirectional category combining decimal digit east_asian_width is_normalized lookup name normalize "
    "numeric unidata_version",
    urllib.parse: "parse_qs parse_qsl quote quote_plus unquote unquote_plus urlencode urljoin urlparse urlsplit "
    "urlunparse urlunsplit",
    uuid: "UUID uuid3 uuid5 NAMESPACE_DNS NAMESPACE_URL",
    zlib: "crc32 adler32",
}  # fmt: skip
_NAMED = {module.__name__: names for module, names in _SPEC.items()}
_WHOLLY_STAND_INS = ("abc", "sys", "urllib")
_OF_PYTHON_ITSELF = ("_strptime",)  # imported by strptime, in C, with the importer of the cell
_CHILDREN = {"collections": ("abc",), "urllib": ("parse",)}
_INSTEAD = {
    "concurrent": "llm_query_batched and rlm_query_batched run their calls at the same time",
    "asyncio": "llm_query_batched and rlm_query_batched run their calls at the same time",
    "threading": "llm_query_batched and rlm_query_batched run their calls at the same time",
    "multiprocessing": "llm_query_batched and rlm_query_batched run their calls at the same time",
    "os": "there are no files here: the input is in the variable `context`",
    "pathlib": "there are no files here: the input is in the variable `context`",
    "requests": "there is no network here",
    "urllib.request": "there is no network here",
    "numpy": "use math, statistics and itertools",
    "pandas": "use csv, collections and statistics",
}


_ENCODINGS = """
    ascii latin-1 utf-8 utf-8-sig utf-7 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be idna punycode
    unicode_escape raw_unicode_escape
    cp437 cp850 cp1250 cp1251 cp1252 cp1253 cp1254 iso8859-2 iso8859-5 iso8859-9 iso8859-15 koi8-r mac-roman
    gbk gb18030 big5 shift_jis euc_jp euc_kr hex base64 rot13
"""


class Facade(types.ModuleType):
    """A module of which only the chosen names exist, for reading."""

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"module {self.__name__!r} is read-only here")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"module {self.__name__!r} is read-only here")

    def __repr__(self) -> str:
        return f"<module {self.__name__!r}>"


def public_names(module: str) -> list[str]:
    """Return the names that a facade takes over from its module."""
    names = _NAMED.get(module, "")
    if names != _PUBLIC:
        return [name for name in names.split() if hasattr(sys.modules[module], name)]
    real = sys.modules[module]
    listed = getattr(real, "__all__", None) or [name for name in vars(real) if not name.startswith("_")]
    return [name for name in listed if not isinstance(getattr(real, name), types.ModuleType)]


class Importer:
    """Stands for `__import__` in one session."""

    def __init__(self, guards: Guards, stdout: Printer, stderr: Printer) -> None:
        self._standins = StandIns(guards, stdout, stderr)
        self._facades: dict[str, Facade] = {}

    def __call__(
        self,
        name: str,
        _globals: object = None,
        _locals: object = None,
        fromlist: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        """Import a facade as the import statement asks for it."""
        if name in _OF_PYTHON_ITSELF:
            return sys.modules[name]
        if level:
            raise ImportError("relative imports have no meaning here")
        wanted = self._facade(name)
        for part in fromlist or ():
            if not hasattr(wanted, part):
                raise ImportError(f"cannot import name {part!r} from {name!r}: it is not among the names offered here")
        return wanted if fromlist or "." not in name else self._facade(name.partition(".")[0])

    def _facade(self, name: str) -> Facade:
        if name not in self._facades:
            self._facades[name] = self._build(name)
        return self._facades[name]

    def _build(self, name: str) -> Facade:
        if name not in _NAMED and name not in _WHOLLY_STAND_INS:
            raise ModuleNotFoundError(_refusal(name), name=name)
        facade = Facade(name)
        contents = vars(facade)
        contents.update({key: getattr(sys.modules[name], key) for key in public_names(name)})
        contents.update(self._standins.of(name))
        contents.update({child: self._facade(f"{name}.{child}") for child in _CHILDREN.get(name, ())})
        return facade


def preload() -> None:
    """Do what these modules do late: import their parts and read the time zone, which the jail would refuse."""
    time.localtime()
    dt.datetime.strptime("2000", "%Y")  # noqa: DTZ007 - only to import _strptime
    time.strptime("2000", "%Y")
    importlib.import_module("_strptime")
    for encoding in _ENCODINGS.split():
        codecs.lookup(encoding)
    csv.Sniffer().sniff("a,b\n1,2\n")


def _refusal(name: str) -> str:
    reason = _INSTEAD.get(name) or _INSTEAD.get(name.partition(".")[0])
    return f"the module {name!r} is not available in this REPL" + (f": {reason}" if reason else "")
