"""Text in flight as it stands, so that who comes in the midst of a model call sees it from its start."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Text:
    """What is known of a span's text: its pieces from the code point `start` on, up to `end`."""

    start: int
    end: int
    pieces: list[str] = field(default_factory=list)

    def whole(self) -> str:
        self.pieces = ["".join(self.pieces)]
        return self.pieces[0]


class TextsInFlight:
    """The texts of the model calls that are being answered, by span."""

    def __init__(self) -> None:
        self._texts: dict[str, _Text] = {}

    def add(self, span_id: str, offset: int, piece: str) -> None:
        """Take a piece: an offset of 0 starts anew, a hole makes what came before useless, what is here is kept."""
        text = self._texts.get(span_id)
        if text is None or offset == 0 or offset > text.end:
            text = self._texts[span_id] = _Text(offset, offset)
        if offset == text.end:
            text.pieces.append(piece)
            text.end += len(piece)

    def lacks(self, span_id: str, whole: str) -> bool:
        """Tell whether a text from its start says more than what is here."""
        text = self._texts.get(span_id)
        return text is None or text.start > 0 or text.end < len(whole)

    def drop(self, span_id: str) -> None:
        """Forget a text: its message is stored, or its call has ended."""
        self._texts.pop(span_id, None)

    def __iter__(self) -> Iterator[tuple[str, int, str]]:
        """Yield span, offset and text of what is here."""
        for span_id, text in list(self._texts.items()):
            yield span_id, text.start, text.whole()

    def __bool__(self) -> bool:
        """Tell whether any text is in flight."""
        return bool(self._texts)
