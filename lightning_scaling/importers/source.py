"""The bytes of a file as text or as a stream: compression, encoding and the limits that hostile or damaged input meets.

Compression and encoding are recognised by content, never by the name alone. Archives of many files and pickles are refused: the
first hold no single table, the second run code when they are opened.
"""

import bz2
import codecs
import gzip
import io
import lzma
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from weakref import WeakKeyDictionary

HEAD = 64 * 1024
BLOCK = 2**21
LONGEST = 2**26  # characters of a line
# A log of equal lines shrinks some 200 times; a bomb of zeros a thousand times. Below the floor nothing can harm.
MOST_RATIO = 500
FLOOR = 256 * 2**20
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, OSError)
_PICKLE = "a pickle, which could run code when opened: write the losses as CSV or JSON"
_REFUSED = {
    **{bytes([0x80, protocol]): _PICKLE for protocol in range(2, 6)},
    b"PK\x03\x04": "a zip archive (also .npz, .xlsx and PyTorch checkpoints): unpack it and give the file that holds the losses",
    b"\x93NUMPY": "a NumPy array without column names: write the losses as CSV with a header",
    b"\x89HDF": "an HDF5 file: write the losses as CSV or parquet",
    b"SQLite format 3": "a database: give it to --store, as sqlite:///path",
    b"\x89PNG": "a picture: give the log file it was drawn from",
    b"%PDF": "a PDF: give the log file behind it",
    b"7z\xbc\xaf": "a 7z archive: unpack it and give the file that holds the losses",
    b"Rar!": "a RAR archive: unpack it and give the file that holds the losses",
    b"\x04\x22\x4d\x18": "compressed with lz4: unpack it with lz4 -d",
}
_HTML = re.compile(rb"\s*<(?:!doctype html|html|table|div|body|head)\b", re.IGNORECASE)

# What a stream held, as it can be read once and is opened again where a table turns out to be a log.
_READ: "WeakKeyDictionary[Any, bytes]" = WeakKeyDictionary()


def _standard_input() -> bytes:
    stream = sys.stdin
    if stream not in _READ:
        _READ[stream] = stream.buffer.read()
    return _READ[stream]


@dataclass
class Source:
    """One file, or standard input under the name `-`. `ended` is whether the last line that was read had an end.

    >>> Source("-", data=b"step,loss").text.splitlines()
    ['step,loss']
    """

    path: str
    data: bytes | None = field(default=None, repr=False)
    ended: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        if self.path == "-" and self.data is None:
            self.data = _standard_input()

    @property
    def name(self) -> str:
        """The name in messages."""
        return "standard input" if self.path == "-" else self.path

    @property
    def folder(self) -> Path | None:
        """Where files beside it are looked for."""
        return None if self.path == "-" else Path(self.path).parent

    @property
    def suffix(self) -> str:
        """The last suffix of the name, without that of a compression."""
        name = self.path.lower()
        for ending in (".gz", ".bz2", ".xz", ".zst"):
            name = name.removesuffix(ending)
        return Path(name).suffix

    @cached_property
    def head(self) -> bytes:
        """The first 64 kB of the content, decompressed.

        Raises:
            ValueError: a kind of file that is never read, with the remedy.
        """
        with self.open() as stream:
            head = stream.read(HEAD)
        for magic, what in _REFUSED.items():
            if head.startswith(magic):
                raise ValueError(f"{self.name} is {what}")
        if _HTML.match(head):
            raise ValueError(
                f"{self.name} is an HTML page: open it in a spreadsheet, or read its table by pandas.read_html, and save it as CSV"
            )
        if head[257:262] == b"ustar":
            raise ValueError(f"{self.name} is a tar archive: unpack it and give its folder")
        return head

    @cached_property
    def encoding(self) -> str:
        """By byte-order mark, else by where the zero bytes lie, else UTF-8 where it is that, else Latin-1."""
        for mark, name in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")):
            if self.head.startswith(mark):
                return name
        if self.head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        even, odd = self.head[0::2].count(0), self.head[1::2].count(0)
        if max(even, odd) > len(self.head) / 8:
            return "utf-16-be" if even > odd else "utf-16-le"
        try:
            codecs.getincrementaldecoder("utf-8")().decode(self.head)
        except UnicodeDecodeError:
            return "latin-1"
        return "utf-8"

    @cached_property
    def is_text(self) -> bool:
        """Whether the content can be lines of text: hardly any control characters."""
        text = self.head.decode(self.encoding, "replace")
        strange = sum(c < " " and c not in "\t\n\r\f\x1b\x00\x01\x1e\x1f" for c in text) + 4 * text.count("�")
        return not text or strange < 0.02 * len(text)

    @cached_property
    def text(self) -> str:
        """The head as text, its last and perhaps cut line left out where there is more."""
        text = _line_feeds(self.head.decode(self.encoding, "replace"))
        return text if len(self.head) < HEAD or "\n" not in text else text[: text.rindex("\n") + 1]

    def open(self) -> "Limited":
        """The content as bytes, decompressed."""
        raw: IO[bytes] = io.BytesIO(self.data) if self.data is not None else open(self.path, "rb")  # noqa: SIM115 - closed by Limited
        start = raw.read(6)
        raw.seek(0)
        return Limited(_decompressed(raw, start, self.name), raw, self.name)

    def blocks(self) -> Iterator[str]:
        """The content as text in blocks of whole lines, each ended by a line feed; a last line without an end is in the last block."""
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        rest = held_back = ""
        with self.open() as stream:
            while data := stream.read(BLOCK):
                text = rest + decoder.decode(data)
                held = text.endswith("\r")  # perhaps the first half of a line's end
                text = _line_feeds(text[:-1] if held else text)
                cut = text.rfind("\n") + 1
                rest = text[cut:] + ("\r" if held else "")
                if len(rest) > LONGEST:
                    raise ValueError(f"{self.name} has a line of more than {LONGEST >> 20} MB: it is no log of losses")
                if cut and held_back:
                    yield held_back
                held_back = text[:cut] or held_back
        if last := held_back + _line_feeds(rest + decoder.decode(b"", final=True)):
            yield last

    def lines(self) -> Iterator[tuple[int, str]]:
        """Numbered lines without their ends."""
        number = 0
        for block in self.blocks():
            self.ended = block.endswith("\n")
            found = block.removesuffix("\n").split("\n")
            yield from enumerate(found, number + 1)
            number += len(found)


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _decompressed(raw: IO[bytes], start: bytes, name: str) -> Any:
    if start.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw)
    if start.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if start.startswith(b"\xfd7zXZ"):
        return lzma.LZMAFile(raw)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        try:
            import pyarrow
        except ImportError:
            raise ValueError(f"{name} is compressed with zstd: pip install 'lightning-scaling[files]', or unpack it with zstd -d") from None
        return pyarrow.input_stream(raw, compression="zstd")
    return raw


class Limited(io.RawIOBase):
    """A decompressed stream that ends with a ValueError where a small file turns out to hold a huge one, or is damaged."""

    def __init__(self, stream: Any, raw: IO[bytes], name: str) -> None:
        super().__init__()
        self._stream, self._raw, self._name, self._given = stream, raw, name, 0
        self._packed = stream is not raw

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        parts = []
        while size and (part := self._part(1 << 20 if size < 0 else min(size, 1 << 20))):
            parts.append(part)
            size -= len(part) if size > 0 else 0
        return b"".join(parts)

    def _part(self, size: int) -> bytes:
        try:
            part: bytes = self._stream.read(size)
        except _DAMAGED as error:
            if not self._packed:
                raise
            if self._given and isinstance(error, EOFError):
                return b""  # a job that is still writing its compressed log
            raise ValueError(
                f"{self._name}: the compressed data is damaged ({error}); unpack it by hand and give what can be saved"
            ) from None
        self._given += len(part)
        if self._packed and self._given > FLOOR and self._given > MOST_RATIO * max(self._raw.tell(), 1):
            raise ValueError(
                f"{self._name} unpacks to more than {MOST_RATIO} times its size, as zip bombs do; unpack it by hand if it is a log"
            )
        return part

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._raw.close()
        super().close()
