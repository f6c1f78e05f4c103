"""The addresses below `/scaling`: static files, and the data as JSON, CSV. Each route only says where its answer comes from."""

import json
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Query, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from lightning_scaling.server import download
from lightning_scaling.server.detail import detail
from lightning_scaling.server.headers import StrictHeaders
from lightning_scaling.server.kept_laws import KeptLaws
from lightning_scaling.server.naming import Chosen, Misnamed, offers
from lightning_scaling.server.overview import overview
from lightning_scaling.server.page import STATIC
from lightning_scaling.server.shelf import Shelf
from lightning_scaling.store.failures import StoreUnavailable
from lightning_scaling.store.study import Study

Ids = Annotated[list[str], Query(alias="experiment", default_factory=list, max_length=1000)]
Asked = Annotated[list[str], Body(max_length=1000)]
Known = Annotated[dict[str, str], Body(default_factory=dict)]
Names = Annotated[Chosen, Depends(Chosen)]  # its fields are parameters of the address
_FILES = {
    "runs.csv": (download.runs_csv, "text/csv"),
    "points.csv": (download.points_csv, "text/csv"),
    "records.json": (download.records_json, "application/json"),
}


def data(shelf: Shelf) -> FastAPI:
    """The application mounted on `/scaling`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)  # 12 ms for 1 000 runs; level 5 takes 46 ms and saves a tenth
    app.add_middleware(StrictHeaders)
    _errors(app)
    _lists(app, shelf)
    _laws(app, shelf)
    _files(app, shelf)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _lists(app: FastAPI, shelf: Shelf) -> None:
    @app.get("/data/experiments")
    def experiments() -> Response:
        return _json([{"id": key, "name": name} for key, name in shelf.experiments().items()])

    @app.post("/data/runs")
    def runs(chosen: Names, experiments: Asked, known: Known) -> Response:
        study = shelf.study(experiments)
        named, misnamed = _leniently(shelf, study, chosen)
        foreign = {**offers(study.rejected, named.rejected), "misnamed": misnamed}
        return _json({**overview(named, shelf.experiments(), known), "foreign": foreign})


def _laws(app: FastAPI, shelf: Shelf) -> None:
    laws = KeptLaws()

    @app.get("/data/law")
    def law(experiments: Ids, chosen: Names) -> Response:
        return _json(laws.of(_leniently(shelf, shelf.study(experiments), chosen)[0].records))

    @app.get("/data/run/{run_id}")
    def run(run_id: str, experiments: Ids, chosen: Names) -> Response:
        study = _study(shelf, experiments, chosen)
        found = [record for record in study if record.run_id == run_id]
        if not found:
            raise ValueError(f"no run {run_id!r} in these experiments")
        return _json(detail(found[0], study.siblings(found[0].family) if found[0].family else ()))


def _files(app: FastAPI, shelf: Shelf) -> None:
    @app.get("/data/{name}")
    def file(name: str, experiments: Ids, chosen: Names) -> Response:
        if name not in _FILES:
            raise ValueError(f"no file {name!r}; there are {', '.join(_FILES)}")
        write, kind = _FILES[name]
        headers = {"content-disposition": f'attachment; filename="scaling-{name}"', "cache-control": "no-store"}
        return StreamingResponse(write(_study(shelf, experiments, chosen).records), media_type=kind, headers=headers)

    @app.get("/")
    def slash() -> Response:
        return RedirectResponse("../scaling")


def _study(shelf: Shelf, experiments: list[str], chosen: Chosen) -> Study:
    return shelf.named(shelf.study(experiments), chosen.names())


def _leniently(shelf: Shelf, study: Study, chosen: Chosen) -> tuple[Study, str]:
    """The study and what is wrong with the names: the page then shows the other runs, and the form to correct them."""
    try:
        return shelf.named(study, chosen.names()), ""
    except Misnamed as error:
        return study, str(error)


def _errors(app: FastAPI) -> None:
    """One line for people, and a status for programs."""

    @app.exception_handler(ValueError)
    def unknown(request: Request, error: ValueError) -> Response:
        return _json({"message": str(error)}, 400 if isinstance(error, Misnamed) else 404)

    @app.exception_handler(StoreUnavailable)
    def unavailable(request: Request, error: StoreUnavailable) -> Response:
        return _json({"message": str(error)}, 503)


def _json(content: Any, status: int = 200) -> Response:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Response(text, status, {"cache-control": "no-store"}, "application/json")
