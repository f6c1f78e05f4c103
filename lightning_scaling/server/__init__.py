"""MLflow's own server with one page more: `mlflow server --app-name lightning-scaling`, then open `/scaling`."""

from typing import Any

__all__ = ["create_app"]


def create_app() -> Any:
    """The application that `mlflow server` runs in each worker: MLflow's, unchanged, and the page `/scaling`.

    Raises:
        RuntimeError: a server other than uvicorn, or an MLflow whose server is no FastAPI application.
    """
    from lightning_scaling.server.app import served

    return served()
