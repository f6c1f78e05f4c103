"""Which batches a training step is handed at once, where a trainer draws from several loaders.

A list of two tensors is a pair (x, y) from one loader, or one batch from each of two: shapes do not decide it, the loaders do.
"""

from collections.abc import Mapping
from typing import Any

# None: one loader, whose batch is the whole. Else one tree for each entry of the collection.
Tree = Mapping[Any, Any] | list[Any] | None


def loader_tree(loaders: Any) -> Tree:
    """How the batches of `loaders` are nested: a loader, dicts and lists of loaders, or Lightning's CombinedLoader in any mode.

    >>> loader_tree({"text": range(3), "code": [range(3), range(3)]})
    {'text': None, 'code': [None, None]}
    """
    if hasattr(loaders, "iterables") and hasattr(loaders, "flattened"):
        one_at_a_time = getattr(loaders, "_mode", None) == "sequential"
        return None if one_at_a_time else loader_tree(loaders.iterables)
    if isinstance(loaders, Mapping):
        return {name: loader_tree(each) for name, each in loaders.items()}
    return [loader_tree(each) for each in loaders] if isinstance(loaders, list | tuple) else None


def split(batch: Any, tree: Tree) -> list[Any]:
    """One batch per loader. Loaders that have run out (mode "max_size") hand None, which is left out.

    A batch of another structure, as a transfer hook may make, is returned whole.

    >>> split({"text": 1, "code": [2, None]}, {"text": None, "code": [None, None]})
    [1, 2]
    """
    if tree is None:
        return [batch]
    if isinstance(tree, Mapping):
        if not (isinstance(batch, Mapping) and batch.keys() == tree.keys()):
            return [batch]
        pairs = [(batch[name], tree[name]) for name in tree]
    elif isinstance(batch, list | tuple) and len(batch) == len(tree):
        pairs = list(zip(batch, tree, strict=True))
    else:
        return [batch]
    return [part for inner, subtree in pairs if inner is not None for part in split(inner, subtree)]
