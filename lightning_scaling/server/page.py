"""The page itself: one fixed HTML file without any data in it, so that nothing a user wrote can be taken for markup."""

from pathlib import Path
from typing import Any

from lightning_scaling.server.headers import STRICT

STATIC = Path(__file__).parent / "static"


async def page(request: Any) -> Any:
    """The HTML; its links are relative, so that they hold behind any prefix."""
    from starlette.responses import FileResponse

    return FileResponse(STATIC / "scaling.html", media_type="text/html", headers={**STRICT, "cache-control": "no-cache"})
