"""``projector_config.pbtxt``: which embeddings a run has, a block of protobuf's text for each.

TensorBoard reads it as one ProjectorConfig. Other programs write into it as well, torch's and
tensorboardX's writers and users by hand, so it is never written anew from what was understood of
it: blocks are taken out and added, and all the rest stays as it stands, fields that nobody here
knows and comments included.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from functools import lru_cache

from google.protobuf import text_format

from tbxd.proto.projector_pb2 import EmbeddingInfo, ProjectorConfig

from .projection import METADATA, SPRITE, TENSORS_BINARY, TENSORS_TEXT, Projection

CONFIG = "projector_config.pbtxt"
"""Name of the file, in the run's directory."""

CONFIG_BYTES = 4 << 20
"""A larger file is taken for none of ours. A block takes some 240 bytes, so that is 17,000
embeddings of one run, and ten seconds each time that one is added."""

_FIELD = "embeddings"
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[\w.+-]+|.""", re.VERBOSE | re.DOTALL
)
_BEHIND_BLOCK = re.compile(r"[ \t]*[,;]?[ \t]*\n?")
_OPEN = "{<["
_CLOSE = "}>]"

_Span = tuple[int, int]


def block_of(projection: Projection) -> str:
    """Return the block of an embedding, without a line end behind it."""
    place, files = projection.place, projection.files
    info = EmbeddingInfo(tensor_name=projection.name, tensor_shape=projection.shape)
    tensors = TENSORS_BINARY if TENSORS_BINARY in files else TENSORS_TEXT
    info.tensor_path = f"{place}/{tensors}"
    if METADATA in files:
        info.metadata_path = f"{place}/{METADATA}"
    if SPRITE in files and projection.picture_size is not None:
        info.sprite.image_path = f"{place}/{SPRITE}"
        info.sprite.single_image_dim.extend(projection.picture_size)
    return str(text_format.MessageToString(ProjectorConfig(embeddings=[info]))).strip()


def is_valid(text: str) -> bool:
    """Return whether ``text`` is a configuration, perhaps with fields that are unknown here."""
    return _parse(text) is not None


def split(text: str, name: str) -> tuple[str, list[str]]:
    """Return a valid configuration without the blocks of an embedding, and those blocks.

    Args:
        text: the configuration.
        name: of the embedding, see :attr:`Projection.name`.
    """
    kept: list[str] = []
    taken: list[str] = []
    behind = 0
    for (start, end), elements in _embeddings(text):
        blocks = _blocks(text, start, end, elements)
        if name not in map(_name_of, blocks):
            continue
        kept.append(text[behind:start])
        for block in blocks:
            if _name_of(block) == name:
                taken.append(block)
            else:
                kept.append(block + "\n")
        found = _BEHIND_BLOCK.match(text, end)
        behind = end if found is None else found.end()
    kept.append(text[behind:])
    return "".join(kept), taken


def joined(text: str, block: str) -> str:
    """Return a valid configuration with one more block, at its end."""
    between = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{between}{block}\n"


def salvaged(text: str) -> str:
    """Return the whole blocks of what is no valid configuration, each as it stands."""
    whole = []
    for (start, end), elements in _embeddings(text):
        for block in _blocks(text, start, end, elements):
            if _name_of(block) is not None:
                whole.append(block + "\n")
    return "".join(whole)


@lru_cache(maxsize=4096)
def _name_of(block: str) -> str | None:
    """Return the name of a block's embedding; None if it is no valid one."""
    config = _parse(block)
    if config is None or len(config.embeddings) != 1:
        return None
    return config.embeddings[0].tensor_name


def _parse(text: str) -> ProjectorConfig | None:
    try:
        parsed: ProjectorConfig = text_format.Parse(
            text, ProjectorConfig(), allow_unknown_field=True
        )
    except (text_format.ParseError, ValueError, RecursionError):
        return None
    return parsed


def _blocks(text: str, start: int, end: int, elements: list[_Span]) -> list[str]:
    """Return the text of each block of a field; what stands in a list gets a field of its own."""
    if not elements:
        return [text[start:end]]
    return [f"{_FIELD} {text[first:last]}" for first, last in elements]


def _embeddings(text: str) -> Iterator[tuple[_Span, list[_Span]]]:
    """Yield where each embeddings field stands in ``text``, and the elements of one with a list.

    As protobuf's text has it: the field's name, a colon or none, then ``{...}`` or ``<...>`` or
    ``[{...}, ...]``; strings and comments may hold anything. A field that nothing closes is none.
    """
    tokens = _Tokens(text)
    depth = at = 0
    while at < len(tokens):
        first = at + 1
        if depth == 0 and tokens.is_word(at, _FIELD):
            first += tokens.mark(first) == ":"
            opened = tokens.mark(first)
            if opened and opened in _OPEN:
                last = tokens.closing(first)
                if last is not None:
                    elements = _elements(tokens, first, last) if opened == "[" else []
                    if elements or opened != "[":
                        yield tokens.span(at, last), elements
                    first = last
                first += 1
        elif tokens.mark(at) in _OPEN:
            depth += 1
        elif tokens.mark(at) in _CLOSE:
            depth = max(depth - 1, 0)
        at = first


def _elements(tokens: _Tokens, first: int, last: int) -> list[_Span]:
    """Return where each block stands in the list between two tokens."""
    found = []
    at = first + 1
    while at < last:
        end = tokens.closing(at)
        if end is not None:
            found.append(tokens.span(at, end))
            at = end
        at += 1
    return found


class _Tokens:
    """The tokens of a text, but for spaces and comments, and which of them close which.

    Kept as numbers alone: of a text that is no configuration, each character may be a token.
    """

    __slots__ = ("_closings", "_ends", "_starts", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts, self._ends = array("l"), array("l")
        for found in _TOKEN.finditer(text):
            start = found.start()
            if not text[start].isspace() and text[start] != "#":
                self._starts.append(start)
                self._ends.append(found.end())
        # 0 for what nothing closes, as the first token closes nothing.
        self._closings = array("l", bytes(self._starts.itemsize * len(self._starts)))
        opened = array("l")
        for at, start in enumerate(self._starts):
            if text[start] in _OPEN:
                opened.append(at)
            elif text[start] in _CLOSE and opened:
                self._closings[opened.pop()] = at

    def __len__(self) -> int:
        return len(self._starts)

    def mark(self, at: int) -> str:
        """Return the first character of a token, which tells all but words; "" behind the last."""
        return self._text[self._starts[at]] if at < len(self._starts) else ""

    def is_word(self, at: int, word: str) -> bool:
        """Return whether a token is ``word``."""
        return self._text[self._starts[at] : self._ends[at]] == word

    def closing(self, at: int) -> int | None:
        """Return the number of the token that closes what token ``at`` opens, if it opens any."""
        return self._closings[at] or None

    def span(self, first: int, last: int) -> _Span:
        """Return where the text stands from one token to another."""
        return self._starts[first], self._ends[last]
