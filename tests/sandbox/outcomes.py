"""How the end of a hostile cell is named in the red-team corpus."""

from sandbox.base import CellResult

DENIALS = frozenset(
    {"AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "PermissionError", "SyntaxError"}
)


def outcome(result: CellResult) -> str:
    """Name an end: what was refused by name is denied, every other Python error is contained."""
    if result.error is not None:
        return "denied" if _is_denial(result) else "contained_error"
    if result.status != "ok":
        return result.status
    return "truncated" if result.truncated_bytes else "ok"


def _is_denial(result: CellResult) -> bool:
    error = result.error
    if error is None or error.type not in DENIALS:
        return error is not None and "classes are made by class statements" in error.message
    return "null bytes" not in error.message and "too many nested" not in error.message
