"""Designs that come with the package."""

from pathlib import Path

FOLDER = Path(__file__).parent / "designs"


def design_path(given: str) -> Path:
    """The file at this path, else the bundled design of this name.

    Raises:
        ValueError: neither is there.
    """
    path = Path(given)
    if path.is_file():
        return path
    bundled = FOLDER / f"{given}.yaml"
    if bundled.parent == FOLDER and bundled.is_file():
        return bundled
    names = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
    raise ValueError(f"no design file at {given}; give a YAML file, or the name of a bundled design: {names}")
