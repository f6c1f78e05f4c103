"""The documentation builds without a warning, and its reference holds the whole public API."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lightning_scaling

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert (built.returncode, built.stdout + built.stderr) == (0, "")
    return folder


def test_the_reference_holds_every_public_name() -> None:
    named = re.findall(r"^::: lightning_scaling\.(\w+)$", (ROOT / "docs" / "reference.md").read_text(), flags=re.MULTILINE)
    assert sorted(named) == sorted(lightning_scaling.__all__)


@pytest.mark.slow
def test_every_public_name_has_a_heading_in_the_site(site: Path) -> None:
    page = (site / "reference" / "index.html").read_text()
    missing = [name for name in lightning_scaling.__all__ if f'id="lightning_scaling.{name}"' not in page]
    assert missing == []


def test_the_site_shows_every_example(site: Path) -> None:
    page = "".join(html.unescape(re.sub(r"<[^>]+>", "", (site / "examples" / "index.html").read_text())).split())
    for example in (ROOT / "examples").glob("*.py"):
        assert "".join(example.read_text().split()) in page, example.name
