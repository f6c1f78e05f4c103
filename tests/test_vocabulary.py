"""One word for one thing: the words that the field does not use for it stand nowhere in code, docs or messages."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
READ = ("*.py", "*.md", "*.js", "*.html", ":!tests/test_vocabulary.py")
# What a practitioner would not search for, and what stands for it.
GONE = {
    r"foretold|foretell\w*": "predicted",
    r"hindsight|humbled": "calibrated by a backtest on the run's own past",
    r"taught|lessons?": "transferred from related runs",
    r"witness(es)?": "estimator",
    r"wander\w*": "autocorrelated noise",
    r"carried on": "extrapolated",
    r"pays out|gives back": "annealing gain",
    r"travel\w*|paces?": "effective training time, slope",
    r"still to come": "remaining annealing, remaining gain",
    r"looks? back|believed": "backtest, prior",
    r"stretch(es|ed)?": "interval, span",
    r"says so|goes on": "states, resumed",
    r"rhythm|shelf|outlet": "what a reader looks for",
    r"valleys?": "IsoFLOP curve",
    r"rungs?": "model size",
    r"cut off": "interrupted",
    r"told|tells": "reported, states",
    r"said|came": "reported, states, printed",
    r"stands|standing": "is, is given; run state",
    r"ahead": "remaining, from now",
    r"corners?": "knots of a schedule",
    r"foreign runs?": "external runs",
}
NO_FILES = ("told", "places", "outlet", "watch", "facts", "corners", "rhythm", "shelf", "holding", "utils", "helpers", "manager", "config")


def test_a_file_is_named_for_what_its_reader_looks_for():
    named = subprocess.run(
        ["git", "ls-files", "*.py", "*.js", ":!examples"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in named if Path(name).stem.lower() in NO_FILES] == []


@pytest.mark.parametrize("words", GONE, ids=lambda words: words.split("|")[0])
def test_the_words_of_the_field_are_used(words):
    listed = subprocess.run(["git", "ls-files", *READ], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    pattern = re.compile(rf"\b({words})\b", re.IGNORECASE)
    files = [ROOT / name for name in listed if (ROOT / name).is_file()]
    assert files, "git lists no files here"
    found = [f"{f.relative_to(ROOT)}: {line.strip()[:100]}" for f in files for line in f.read_text().splitlines() if pattern.search(line)]
    assert found == [], f"write {GONE[words]!r}"
