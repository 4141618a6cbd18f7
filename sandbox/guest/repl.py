"""The guest's loop: a cell comes in, its output, host calls and end go out; variables live on."""

import contextlib
import mmap
import traceback
import types
from typing import Any, NoReturn, Protocol

from sandbox.guest import tracebacks
from sandbox.guest.coverage import Corpus
from sandbox.guest.output import Output, Printer, make_print
from sandbox.guest.scaffold import (
    YIELDING,
    Answer,
    BudgetExceeded,
    Host,
    Listing,
    SubCallError,
    ToolError,
    host_functions,
    make_show_vars,
)
from sandbox.guest.wire import Channel, ChannelClosed, Frame

_LONG = 1 << 20
_BALLAST = 16 << 20  # freed while an error is reported, so that a full memory can still be told
DISPLAY = "_display_"
LISTER = "SHOW_VARS"


class Language(Protocol):
    """What a cell may say: a compiler, and the builtins its code runs with.

    Compiled code shows the value of a last expression, and that of a `LISTER` that stands alone anywhere, by calling
    `DISPLAY`, which the REPL adds to the builtins.
    """

    def compile(self, source: str, filename: str) -> types.CodeType:
        """Compile a cell, or raise SyntaxError."""
        ...

    def builtins(self, namespace: dict[str, Any], stdout: Printer, stderr: Printer) -> dict[str, Any]:
        """Return what `__builtins__` is for this session."""
        ...


class Repl:
    """One session inside the jail."""

    def __init__(self, channel: Channel, language: Language, opening: Frame, context: Any) -> None:
        self._channel = channel
        self._language = language
        self._output = Output(channel, opening["output_bytes"])
        self._corpus = Corpus(opening["context"], context) if opening.get("coverage") else None
        self._host = Host(channel, self._output, self._corpus)
        self._memory_mb = opening["memory_bytes"] >> 20
        self._sources: dict[str, list[str]] = {}
        self._ballast: mmap.mmap | None = None
        self._namespace: dict[str, Any] = {"__name__": "__main__"}
        self._answer = Answer(self._namespace)
        stdout, stderr = Printer(self._output, "stdout"), Printer(self._output, "stderr")
        builtins = language.builtins(self._namespace, stdout, stderr)
        builtins.update({"print": make_print(stdout), DISPLAY: self._display})
        self._namespace["__builtins__"] = builtins
        self._scaffold = self._build_scaffold(opening, context)
        self._restore()

    def serve(self) -> NoReturn:
        """Run cells until the host closes the channel, which raises ChannelClosed."""
        while True:
            frame = self._channel.receive()
            if frame["t"] != "execute":
                raise ChannelClosed(f"unexpected frame {frame['t']}")
            self._channel.send({"cell": frame["cell"], **self._execute(f"<cell-{frame['cell']}>", frame["code"])})

    def _build_scaffold(self, opening: Frame, context: Any) -> dict[str, Any]:
        scaffold: dict[str, Any] = {
            **host_functions(self._host, opening["functions"]),
            **self._answer.functions(),
            "answer": self._answer.variable,
            "context": context,
            "BudgetExceeded": BudgetExceeded,
            "SubCallError": SubCallError,
            "ToolError": ToolError,
        }
        scaffold[LISTER] = make_show_vars(self._namespace, scaffold)
        for function in filter(callable, scaffold.values()):
            function.__qualname__ = function.__name__  # what Python's own error messages show
        return scaffold

    def _restore(self) -> None:
        self._namespace.pop("print", None)
        self._namespace.update(
            {
                name: value
                for name, value in self._scaffold.items()
                if name not in YIELDING or name not in self._namespace
            }
        )

    def _execute(self, filename: str, code: str) -> Frame:
        self._output.begin()
        self._host.begin()
        error = self._run(filename, code)
        if self._ballast is not None:
            self._ballast.close()
            self._ballast = None
        described = None if error is None else self._describe(error, filename)
        submission: dict[str, Any] | None = None
        try:
            submission = self._answer.collect()
        except BaseException as failure:  # noqa: BLE001 - the content's own __str__ may raise anything
            described = described or self._describe(failure, filename)
        self._restore()
        self._output.flush()
        if described is not None:
            self._channel.send({"t": "output", "channel": "error", "text": described["traceback"]})
        return {
            "t": "done",
            "error": described,
            "submission": submission or {"content": "", "ready": False, "dialect": "answer"},
            "truncated": self._output.truncated,
            **({} if self._corpus is None else {"seen": self._corpus.seen([self._output.shown.texts()])}),
        }

    def _run(self, filename: str, code: str) -> BaseException | None:
        try:
            source = code.removeprefix("\ufeff")
            self._sources[filename] = source.splitlines()
            compiled = self._language.compile(source, filename)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return error
        with contextlib.suppress(OSError):  # no room left: the cell may still free some
            self._ballast = mmap.mmap(-1, _BALLAST, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        try:
            exec(compiled, self._namespace)  # noqa: S102 - this process is the jail
        except ChannelClosed:
            raise
        except BaseException as error:  # noqa: BLE001 - SystemExit and the like are the cell's own errors too
            return error
        return None

    def _describe(self, error: BaseException, filename: str) -> dict[str, Any]:
        if isinstance(error, MemoryError) and not error.args:
            error.args = (f"the cell needs more than the {self._memory_mb} MB that this REPL has",)
        described = tracebacks.describe(error, filename, self._sources)
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        return described

    def _display(self, value: Any) -> None:
        if isinstance(value, Listing):
            self._output.write("stdout", f"{value}\n")
        elif value is not None:
            text = repr(value)
            if len(text) > _LONG:  # no second copy of what is cut anyway
                self._output.write("result", text)
                text = ""
            self._output.write("result", text + "\n")
