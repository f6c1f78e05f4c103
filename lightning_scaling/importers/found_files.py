"""Which files a path means: a file, a folder of a logger, a glob, standard input. Links that lead out of a folder are not followed."""

import glob
from dataclasses import dataclass
from pathlib import Path

# Files that hold a run's losses, by the names that loggers give them; the first pattern that finds any decides for a folder.
LOGS = (
    "metrics.csv",
    "trainer_state.json",
    "*tfevents*",
    "*.wandb",
    "metrics/*",
    "log.txt",
    "main.log",
    "summary.csv",
    "progress.csv",
    "log.csv",
    "training_log.csv",
    "history.csv",
    "metrics.jsonl",
    "log.jsonl",
)
ANY = ("*.csv", "*.tsv", "*.jsonl", "*.parquet", "*.json", "*.log", "*.txt", "*.csv.gz", "*.jsonl.gz", "*.csv.zst")
DEEP = 6
MOST = 10_000


@dataclass(frozen=True)
class FoundFile:
    """Files that are one run together (event files of one folder, the metrics of one MLflow run), most often one."""

    name: str
    files: tuple[str, ...]


def found_files(path: str) -> list[FoundFile]:
    """The runs that a path names, in the order of their names.

    Raises:
        ValueError: nothing there, or a folder without logs.
    """
    if path == "-":
        return [FoundFile("-", ("-",))]
    here = Path(path)
    if here.is_dir():
        found = _in_folder(here)
        if not found:
            raise ValueError(f"{path}: a folder without a log that is known ({', '.join(LOGS[:6])}, …); give the file itself")
        return found
    if here.exists():
        return [FoundFile(path, (path,))]
    if any(mark in path for mark in "*?["):
        matched = [each_file for each in sorted(glob.glob(path, recursive=True))[:MOST] for each_file in found_files(each)]
        if not matched:
            raise ValueError(f"{path}: no file fits this pattern")
        return matched
    raise FileNotFoundError(2, "No such file or directory", path)


def _in_folder(folder: Path) -> list[FoundFile]:
    root = folder.resolve()
    below = [p for p in _walk(folder, DEEP) if _inside(p, root)]
    for pattern in LOGS:
        found = [p for p in below if p.match(pattern)]
        if found:
            return _grouped(found, pattern)
    top = [p for p in below if p.parent == folder]
    return next(([FoundFile(str(p), (str(p),)) for p in found] for pattern in ANY if (found := [p for p in top if p.match(pattern)])), [])


def _walk(folder: Path, deep: int) -> list[Path]:
    found: list[Path] = []
    for each in sorted(folder.iterdir()):
        if each.is_file():
            found.append(each)
        elif each.is_dir() and not each.is_symlink() and deep and not each.name.startswith("."):
            found += _walk(each, deep - 1)
        if len(found) > MOST:
            break
    return found[:MOST]


def _inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root)


def _grouped(files: list[Path], pattern: str) -> list[FoundFile]:
    """Event files and MLflow's metrics belong together by folder; of a trainer's checkpoints the last one holds the whole log."""
    folders: dict[Path, list[Path]] = {}
    for each in files:
        folders.setdefault(_home(each, pattern), []).append(each)
    if pattern == "trainer_state.json":
        return [FoundFile(str(last), (str(last),)) for last in (_last(group) for group in folders.values())]
    if pattern in ("*tfevents*", "metrics/*"):
        return [FoundFile(str(home), tuple(map(str, group))) for home, group in folders.items() if not _deleted(home)]
    return [FoundFile(str(each), (str(each),)) for each in files]


def _home(file: Path, pattern: str) -> Path:
    if pattern == "trainer_state.json" and file.parent.name.startswith("checkpoint-"):
        return file.parent.parent
    return file.parent.parent if pattern == "metrics/*" else file.parent


def _deleted(home: Path) -> bool:
    """Whether MLflow has marked the run of this folder as deleted: its files stay until they are collected."""
    meta = home / "meta.yaml"
    return meta.is_file() and "lifecycle_stage: deleted" in meta.read_text(encoding="utf-8", errors="replace")


def _last(states: list[Path]) -> Path:
    return max(states, key=lambda path: (path.stat().st_mtime, str(path)))
