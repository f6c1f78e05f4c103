"""Files of a test."""

from pathlib import Path

import pytest


@pytest.fixture
def file(tmp_path: Path):
    """Write lines, text or bytes to a file of this name; its path."""

    def write(name: str, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else "\n".join(content) + "\n", encoding="utf-8")
        return str(path)

    return write
