"""A ladder of seconds, and one thread for what is trained in the process of the tests."""

import pytest
from ladder_parts import SIZES


@pytest.fixture(scope="session")
def text(tmp_path_factory):
    """A corpus that a byte model learns something of in a hundred steps."""
    file = tmp_path_factory.mktemp("corpus") / "text.py"
    file.write_bytes(b"".join(b"def f%d(x): return x + %d\n" % (i, i * i) for i in range(6_000)))
    return str(file)


@pytest.fixture(scope="session")
def tiny(text):
    """tiny(folder, **changes): the document of a design of two sizes, one trunk with two branches, four cells."""

    def document(folder, **changes):
        made = {
            "name": "tiny",
            "builder": "lightning_scaling.ladder.tiny_gpt:build",
            "arguments": {"corpus": text, "validation_windows": 8},
            "store": str(folder / "runs"),
            "folder": str(folder / "run folder"),
            "monitor": {"tokenizer": "bytes"},
            "batch_tokens": 64,
            "schedule": {"shape": "wsd", "warmup": 5},
            "hyper": {"matrix_lr": {"at": 0.192, "width": -1}, "embedding_lr": 0.02},
            "evaluations": 5,
            "cells": [
                {"runs": [{**SIZES[0], "steps": steps} for steps in (60, 30, 50)], "branches": True},
                {"runs": [{**SIZES[1], "steps": 40}]},
            ],
        }
        return {**made, **changes}

    return document


@pytest.fixture(scope="module")
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
