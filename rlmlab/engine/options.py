"""What a cell's question comes with beside its prompt: the schema of the reply, images and sounds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rlmlab.engine.errors import UnknownModel
from rlmlab.engine.events import MediaReference
from rlmlab.engine.media import LARGEST_CALL, MOST_ITEMS, Shelf, takes, unseen_by
from rlmlab.engine.providers.base import ModelInfo
from rlmlab.engine.structured import unsupported
from rlmlab.engine.tree import Tree
from sandbox.base import HostCall
from sandbox.errors import Refused

OPTIONS = ("schema", "images", "audio")
KINDS = {"images": "image", "audio": "audio"}


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one question; `schema`: the JSON Schema that its reply shall match."""

    schema: Mapping[str, Any] | None = None
    media: tuple[MediaReference, ...] = ()

    @property
    def data(self) -> dict[str, Any]:
        """Return what the sub-call's span tells of them and its request hash covers; empty where none is given."""
        schema = {} if self.schema is None else {"schema": self.schema}
        return {**schema, "media": [file.model_dump() for file in self.media]} if self.media else schema


NONE = Options()


def options_of(call: HostCall, bound: Mapping[str, Any], prompts: int, shelf: Shelf) -> list[Options]:
    """Read the options of a host call, one for each of its prompts.

    Raises:
        Refused: as `TypeError` or `ValueError`, which names the argument and what is wrong with it.
    """
    schema = _schema(call, bound["schema"])
    lists = [_per_prompt(call, name, bound[name], prompts) for name in KINDS]
    found = []
    for given in zip(*lists, strict=True):
        media = tuple(
            file for name, items in zip(KINDS, given, strict=True) for file in _files(call, name, items, shelf)
        )
        _check_amount(call, media)
        found.append(Options(schema, media))
    return found


def refuse_unseen(call: HostCall, tree: Tree, info: ModelInfo, options: Sequence[Options]) -> None:
    """Go on only with a model that is not known to take none of what is shown to it.

    Raises:
        Refused: as `ValueError`, which names one of the run's models that does.
    """
    what = unseen_by(info, [file for each in options for file in each.media])
    if what is None:
        return
    able = next((other.model for other in _models(tree) if takes(other, what)), None)
    hint = "none of this run's models is known to" if able is None else f"pass model={able!r}, which does"
    raise Refused("ValueError", f"{call.name}(): {info.model} takes no {what}; {hint}")


def _models(tree: Tree) -> Iterator[ModelInfo]:
    spec = tree.spec
    for name in dict.fromkeys((spec.model, spec.sub_model, *spec.depth_models, *spec.fallback_models)):
        try:
            if name:
                yield tree.provider.info(name)
        except UnknownModel:
            continue


def _schema(call: HostCall, schema: Any) -> Mapping[str, Any] | None:
    if schema is None:
        return None
    if not isinstance(schema, dict):
        raise Refused("TypeError", f"{call.name}(): schema must be a dict, a JSON Schema, not {type(schema).__name__}")
    if problem := unsupported(schema, "schema"):
        raise Refused("ValueError", f"{call.name}(): {problem}")
    return schema


def _per_prompt(call: HostCall, name: str, value: Any, prompts: int) -> Sequence[Any]:
    """Return what is given for each prompt; a batch gives a list with one entry for each."""
    if value is None:
        return [None] * prompts
    if not call.name.endswith("_batched"):
        return [value]
    if not isinstance(value, list):
        raise Refused("TypeError", f"{call.name}(): {name} must be a list with one entry for each prompt")
    if len(value) != prompts:
        raise Refused("ValueError", f"{call.name}(): {prompts} prompts but {len(value)} entries of {name}")
    return value


def _files(call: HostCall, name: str, items: Any, shelf: Shelf) -> Iterator[MediaReference]:
    """Find the files that one prompt's entry names; a single one need not stand in a list."""
    if items is None:
        return
    for item in items if isinstance(items, list) else [items]:
        wanted = item.get("media") if isinstance(item, dict) else item
        if not isinstance(wanted, str):
            expected = "the name of a file, or what context has in its place"
            raise Refused("TypeError", f"{call.name}(): {name} must contain {expected}, not {type(item).__name__}")
        yield _file(call, name, wanted, shelf)


def _file(call: HostCall, name: str, wanted: str, shelf: Shelf) -> MediaReference:
    kind = KINDS[name]
    file = shelf.find(wanted)
    if file is None:
        known = ", ".join(map(repr, shelf.names(kind)[:20])) or "none"
        raise Refused(
            "ValueError", f"{call.name}(): there is no {kind} {wanted[:100]!r} in the input; there is {known}"
        )
    if not file.media_type.startswith(f"{kind}/"):
        other = "images" if name == "audio" else "audio"
        raise Refused("ValueError", f"{call.name}(): {wanted!r} is {file.media_type}; pass it as {other}")
    return file


def _check_amount(call: HostCall, media: Sequence[MediaReference]) -> None:
    """Refuse more than providers take in one call."""
    size = sum(file.size for file in media)
    if len(media) > MOST_ITEMS:
        raise Refused("ValueError", f"{call.name}(): {len(media)} images and sounds; a prompt takes {MOST_ITEMS}")
    if size > LARGEST_CALL:
        largest = max(media, key=lambda file: file.size)
        raise Refused(
            "ValueError",
            f"{call.name}(): images and sounds of {size:,} bytes; a prompt takes {LARGEST_CALL:,}. "
            f"The largest is {largest.name!r} with {largest.size:,}",
        )
