"""Files of a run: how they travel through the spool as text, and into MLflow."""

import base64
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from lightning_scaling.store.spool import Event


def event(name: str, content: str | bytes) -> Event:
    """The artifact as an event; `name` may hold folders ("figures/run.png").

    Raises:
        ValueError: a name that leads out of the run's folder.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise ValueError(f"an artifact's name is a relative path such as 'figures/run.png', got {name!r}")
    data = content.encode() if isinstance(content, str) else bytes(content)
    return {"kind": "artifact", "name": name, "base64": base64.b64encode(data).decode("ascii")}


def put(client: Any, run_id: str | None, event: Event) -> None:
    """Write the event's file into the run's artifacts, over an older one of the same name."""
    path = PurePosixPath(event["name"])
    with tempfile.TemporaryDirectory(prefix="lightning-scaling-") as folder:
        file = Path(folder) / path.name
        file.write_bytes(base64.b64decode(event["base64"]))
        parent = str(path.parent)
        client.log_artifact(run_id, str(file), None if parent == "." else parent)
