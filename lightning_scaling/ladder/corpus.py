"""The text a ladder is trained on, as bytes: by default the Python standard library's own source, real text that needs no download.

Training and validation never share a file: every twelfth is kept for validation. Encoding tables (14 % of the library,
generated numbers) only add noise to the loss and are left out, as are tests and whatever is not on every machine.
"""

import hashlib
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

VALIDATION_SHARE = 0.08
EVERY = 12  # files
SMALLEST = 8_192  # bytes the validation text needs for a loss worth comparing
SKIPPED = {"__pycache__", "site-packages", "dist-packages", "test", "tests", "encodings"}
SKIPPED |= {"idlelib", "lib2to3", "distutils", "pydoc_data", "turtledemo", "ensurepip"}  # not in every version or distribution
TEXT = bytes(range(32, 256)) + b"\t\n\r\f"  # UTF-8 and the one-byte encodings; any other byte says "binary"


@dataclass(frozen=True, repr=False)
class Corpus:
    """Two disjoint texts and the name they go by."""

    name: str
    train: bytes
    validation: bytes

    @property
    def digest(self) -> str:
        """Eight hex digits that tell one corpus from another."""
        return hashlib.sha256(self.train + b"\0" + self.validation).hexdigest()[:8]


def load_corpus(path: str | Path | None = None) -> Corpus:
    """The standard library of the running interpreter, or the text file or folder of text files at `path`.

    Raises:
        ValueError: nothing there, nothing in it, binary, or too little of it; one clear line.
    """
    if path is None:
        return _of_files(library_files(), "Python standard library")
    place = Path(path)
    if not place.exists():
        raise ValueError(f"no corpus at {place}: give a text file or a folder of text files")
    return _of_files(dict(_text_files(place)), place.name) if place.is_dir() else _of_text(place)


def library_files() -> dict[str, bytes]:
    """Relative path -> source of every module of the standard library that the ladder reads."""
    root = Path(sysconfig.get_path("stdlib"))
    found = sorted(p.relative_to(root) for p in root.rglob("*.py"))
    return {p.as_posix(): (root / p).read_bytes() for p in found if SKIPPED.isdisjoint(p.parts) and (root / p).is_file()}


def is_text(data: bytes) -> bool:
    """Whether no byte is a control character other than tab, line feed, return and form feed.

    >>> is_text("naïve\\n".encode()), is_text(bytes([0, 1]))
    (True, False)
    """
    return not data.translate(None, TEXT)


def split(files: dict[str, bytes]) -> tuple[list[str], list[str]]:
    """Paths to train on and paths to validate on: every twelfth file in the order of paths, but none that would outweigh the others.

    So each part of the library is judged by the share it has in training. Files drawn at random (by hash) left the validation text
    to a few large ones, and bent the law: R² .9948 of six cells against .997 to .9997 for every twelfth file, whichever comes first.

    >>> split({"a": b"x" * 80, "b": b"x" * 12, "c": b"x" * 8})
    (['a', 'b'], ['c'])
    """
    order, most = sorted(files), VALIDATION_SHARE * sum(map(len, files.values()))
    validation = [p for p in order if len(files[p]) <= most][EVERY // 2 :: EVERY] or sorted(order, key=lambda p: len(files[p]))[:1]
    return sorted(set(files) - set(validation)), validation


def _of_files(files: dict[str, bytes], name: str) -> Corpus:
    if len(files) == 1:
        return _cut(name, *files.values())
    train, validation = split(files)
    return _checked(Corpus(name, b"".join(files[p] for p in train), b"".join(files[p] for p in validation)))


def _of_text(path: Path) -> Corpus:
    text = path.read_bytes()
    if not is_text(text):
        raise ValueError(f"{path} is binary: a corpus is plain text")
    return _cut(path.name, text)


def _cut(name: str, text: bytes) -> Corpus:
    """One text: its last part validates, for neighbouring windows of one text would not be disjoint in content."""
    cut = int(len(text) * (1 - VALIDATION_SHARE))
    return _checked(Corpus(name, text[:cut], text[cut:]))


def _checked(corpus: Corpus) -> Corpus:
    held = len(corpus.train) + len(corpus.validation)
    if not held:
        raise ValueError(f"the corpus {corpus.name} holds no text")
    if min(len(corpus.train), len(corpus.validation)) < SMALLEST:
        least = int(SMALLEST / VALIDATION_SHARE)
        raise ValueError(f"the corpus {corpus.name} is too small to train and validate on: {held:,} bytes, about {least:,} are needed")
    return corpus


def _text_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every text file below `folder` but hidden ones; binary files are passed over."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        if not any(part.startswith(".") for part in relative.parts) and is_text(data := path.read_bytes()):
            yield relative.as_posix(), data
