"""Which tensors of a batch hold the ids that a language model is fed, and how many tokens they are; from shapes alone.

Ids are integer tensors of shape (batch, length). Of a pair (x, y) x is counted and y, the same tokens shifted, is not; of a dict the
entries that hold the inputs, both of a preference pair. Floats, images and graphs have no tokens that a shape could show.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lightning_scaling.accounting.batches import fields, is_integer, is_nested, is_tensor, shape_of

INPUT_KEYS = ("input_ids", "tokens", "token_ids", "ids", "idx", "inputs", "input", "x", "text", "src")
# Labels have the shape of the ids where embeddings are fed.
LABEL_KEYS = ("labels", "targets")
PAIRED = re.compile(r"(^|_)(chosen|rejected)(_|$)")
IDS_OF_PAIR = re.compile(r"^(chosen|rejected)$|(^|_)(input_ids|token_ids|ids|tokens|input)(_|$)")
SEVERAL = re.compile(r"^(?!decoder_)(.+_)?input_ids(_.+)?$")
# Integer entries that are no inputs, under names that are not known otherwise.
BESIDE = re.compile(r"mask|label|target|tgt|pos|segment|type|weight|index|len|^y$|class|decoder|next|offset|seqlens", re.IGNORECASE)

# Tokens and the length of their sequences, None where it is unknown.
Found = tuple[int, int | None]


def find_ids(batch: Any) -> Found | None:
    """Tokens in one batch and the length of its sequences (their mean, weighted by tokens, where they differ); None where unclear."""
    if is_tensor(batch):
        return _leaf(batch)
    if (data := getattr(batch, "data", None)) is not None and hasattr(batch, "batch_sizes"):  # a PackedSequence: one row per token
        return int(data.shape[0]), None
    parts = fields(batch)
    if isinstance(parts, list):
        return _ordered(parts)
    return None if parts is None else _named(parts)


def joined(found: Iterable[Found]) -> Found:
    """Several batches as one. Attention costs in proportion to tokens × length, so lengths are averaged with tokens as weights."""
    found = list(found)
    total = sum(count for count, _ in found)
    if not total or any(length is None for _, length in found):
        return total, None
    return total, round(sum(count * (length or 0) for count, length in found) / total)


def id_entries(parts: Mapping[str, Any]) -> dict[str, int]:
    """Names of the entries that hold inputs, each with how often the model is fed them; empty where no name is known."""
    if paired := [name for name in parts if PAIRED.search(str(name)) and IDS_OF_PAIR.search(str(name))]:
        # TRL's collators: a prompt that the answers do not hold is put before each; with labels beside them they hold it.
        prompt = ["prompt_input_ids"] if "prompt_input_ids" in parts and "chosen_labels" not in parts else []
        plain = ["input_ids"] if "input_ids" in parts else []
        return dict.fromkeys(plain + paired, 1) | dict.fromkeys(prompt, len(paired))
    for name in INPUT_KEYS:
        if name in parts and find_ids_named(parts[name], name):
            return {name: 1}
    return {name: 1 for name in parts if SEVERAL.search(str(name)) and is_tensor(parts[name])}


def find_ids_named(value: Any, name: str) -> Found | None:
    """Tokens under one name. Under input_ids any shape is ids: packed (T,), several choices (B, K, T)."""
    if "input_ids" in name and is_tensor(value) and is_integer(value) and not is_nested(value):
        return (math.prod(map(int, value.shape)), int(value.shape[-1])) if len(value.shape) else None
    return find_ids(value)


def _leaf(tensor: Any) -> Found | None:
    if not is_integer(tensor):
        return None
    if is_nested(tensor):
        rows, values = shape_of(tensor)
        return values, -(-values // rows) if rows else None
    shape = tuple(tensor.shape)
    return (int(shape[0] * shape[1]), int(shape[1])) if len(shape) == 2 else None


def _named(parts: Mapping[str, Any]) -> Found | None:
    if entries := id_entries(parts):
        return _all([find_ids_named(parts[name], str(name)) for name, times in entries.items() for _ in range(times)])
    for name in LABEL_KEYS:
        if name in parts and is_tensor(parts[name]) and _beside_embeddings(parts, parts[name]):
            return _leaf(parts[name])
    tensors = {name: part for name, part in parts.items() if is_tensor(part)}
    if not tensors:
        return _ordered(list(parts.values()))
    return _only_inputs(tensors) or _containers(list(parts.values()))


def _beside_embeddings(parts: Mapping[str, Any], labels: Any) -> bool:
    """Whether the floats beside labels are one per label: embeddings, or masks; not images with several labels each."""
    shape = shape_of(labels)
    floats = [part for part in parts.values() if is_tensor(part) and "float" in str(part.dtype) and len(shape_of(part)) > 1]
    return all(len(shape_of(part)) <= 3 and shape_of(part)[:2] == shape[:2] for part in floats)


def _only_inputs(tensors: Mapping[str, Any]) -> Found | None:
    """Under names that are not known: the one entry of ids, if there is one only and no image or signal comes before it."""
    known = {name: found for name, part in tensors.items() if not BESIDE.search(str(name)) and (found := _leaf(part))}
    signals = any("float" in str(part.dtype) and len(shape_of(part)) > 2 for part in tensors.values())
    first = next(iter(tensors.values()))
    return next(iter(known.values())) if len(known) == 1 and not signals and is_integer(first) else None


def _ordered(parts: list[Any]) -> Found | None:
    parts = [part for part in parts if is_tensor(part) or fields(part) is not None]
    if parts and is_tensor(parts[0]):
        return _leaf(parts[0])
    if any(map(is_tensor, parts)):
        return find_ids(parts[0])
    return _containers(parts)


def _containers(parts: list[Any]) -> Found | None:
    """Several batches at once, as a combined loader or a collator of pairs hands them."""
    return _all([find_ids(part) for part in parts if not is_tensor(part) and _holds_tensors(part)])


def _holds_tensors(part: Any) -> bool:
    """Whether there are tensors in a container: names of files beside a batch hide nothing."""
    parts = fields(part)
    inner = parts.values() if isinstance(parts, Mapping) else parts or ()
    return hasattr(part, "batch_sizes") or any(is_tensor(each) or _holds_tensors(each) for each in inner)


def _all(found: list[Found | None]) -> Found | None:
    known = [each for each in found if each is not None]
    return joined(known) if known and len(known) == len(found) else None
