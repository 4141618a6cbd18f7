"""Failures of an environment, kept apart from failures of the user's code.

    SandboxError
    ├── EnvironmentUnavailable   this machine lacks what the environment needs; says what
    ├── SessionDied              the guest process went away outside a cell, or its host end was closed
    ├── ProtocolViolation        the guest sent an out-of-turn, unknown or oversize frame; the session is ended
    └── Refused                  not a failure: a host call is answered with an exception in the guest

A Python error in a cell is none of these: it is data in the `CellResult`.
"""


class SandboxError(Exception):
    """Base of all failures of an environment."""


class EnvironmentUnavailable(SandboxError):
    """The environment cannot run here; the message names what is missing."""


class SessionDied(SandboxError):
    """The guest is gone."""


class ProtocolViolation(SandboxError):
    """The guest broke the wire format; its session is over."""


class Refused(Exception):
    """Raised by a host handler: the guest sees an exception `kind(message)`.

    `kind` is one of the exception names that every guest defines: `BudgetExceeded`, `SubCallError`, `ToolError`, or a
    builtin such as `ValueError` and `TypeError`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
