"""What a level is told of the images and sounds among its input."""

from collections.abc import Sequence

from rlmlab.engine.types import ContextPartInfo

LISTED = 20


def kind(part: ContextPartInfo) -> str:
    """Name the media type of a file that is not text, before its size."""
    return f"{part.media_type}, " if part.media_type else ""


def hint(parts: Sequence[ContextPartInfo]) -> str:
    """Tell how images and sounds are passed on; empty where there are none."""
    found = [part for part in parts if part.media_type]
    if not found:
        return ""
    names = ", ".join(repr(part.name) for part in found[:LISTED]) + (", …" if len(found) > LISTED else "")
    kinds = {part.media_type.partition("/")[0] for part in found}
    ways = [
        f"`llm_query(prompt, {argument}=[context[name]])`"
        for argument, of in (("images", "image"), ("audio", "audio"))
        if of in kinds
    ]
    batch = " `llm_query_batched` takes a list of such lists, one for each prompt." if len(found) > 1 else ""
    return (
        f" Images and sounds ({names}) are dicts {{media, media_type, size}} there, whose content no code can read. "
        f"Ask a model about them: {' or '.join(ways)}.{batch}"
    )
