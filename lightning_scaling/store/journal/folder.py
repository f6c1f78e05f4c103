"""Where journals lie: a folder of this user's alone."""

import os
import tempfile
from pathlib import Path
from typing import Any

from lightning_scaling.store.journal.journal import Journal
from lightning_scaling.store.journal.opening import open_journal

ENVIRONMENT = "LIGHTNING_SCALING_SPOOL"


def default_folder() -> Path:
    """$LIGHTNING_SCALING_SPOOL, else the `spool` in this user's folder for the state of programs (~/.local/state on Linux)."""
    from platformdirs import user_state_path

    given = os.environ.get(ENVIRONMENT)
    return Path(given).absolute() if given else user_state_path("lightning-scaling", appauthor=False) / "spool"


def open_somewhere(folder: Path, header: dict[str, Any]) -> tuple[Journal | None, str]:
    """The journal in `folder`, else in a new folder that only this user can know and read; (None, why) where no disk takes it."""
    try:
        return open_journal(folder, header), ""
    except (OSError, ValueError) as error:
        why = str(error)
    try:
        return open_journal(Path(tempfile.mkdtemp(prefix="lightning-scaling-spool-")), header), why
    except (OSError, ValueError):
        return None, why
