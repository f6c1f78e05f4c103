"""How the page comes into MLflow's server: two routes put before MLflow's catch-all, under the same prefix, over the same store."""

import os
from typing import Any

from lightning_scaling.server.routes import data, page
from lightning_scaling.server.run_cache import RunCache
from lightning_scaling.server.run_details import RunDetails

_SERVER = "_MLFLOW_SGI_NAME"  # set by `mlflow server` for its workers


def served() -> Any:
    """MLflow's FastAPI application with the page added to it."""
    from starlette.routing import Mount, Route

    app, prefix, store = _mlflow()
    path = f"{prefix}/scaling"
    own = [Route(path, page), Mount(path, data(RunCache(store), RunDetails(store)))]
    app.router.routes[:0] = own  # MLflow mounts its Flask application on "/": whatever comes after it is never reached
    return app


def _mlflow() -> tuple[Any, str, str | None]:
    """(application, static prefix, URI of the backend store) of the server that this process works for."""
    if os.environ.get(_SERVER, "uvicorn") != "uvicorn":
        raise RuntimeError("the page /scaling needs MLflow's default server, uvicorn: leave out --gunicorn-opts and --waitress-opts")
    try:
        from mlflow.server import BACKEND_STORE_URI_ENV_VAR  # type: ignore[attr-defined,unused-ignore]
        from mlflow.server.fastapi_app import app
        from mlflow.server.handlers import STATIC_PREFIX_ENV_VAR
    except ImportError as error:
        raise RuntimeError(f"the page /scaling needs MLflow 3.4 or newer, whose server is a FastAPI application ({error})") from error
    return app, os.environ.get(STATIC_PREFIX_ENV_VAR, "").rstrip("/"), os.environ.get(BACKEND_STORE_URI_ENV_VAR)
