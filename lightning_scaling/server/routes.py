"""The page `/scaling` and what lies below it: static files, data as JSON and CSV. Each route only names where its answer comes from."""

import json
from pathlib import Path
from typing import Annotated, Any

from fastapi import Body, Depends, FastAPI, Query, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles

from lightning_scaling.report import download
from lightning_scaling.report.siblings import beside, siblings_of, words
from lightning_scaling.report.study import Study
from lightning_scaling.run.record import RunRecord
from lightning_scaling.server.headers import STRICT, StrictHeaders
from lightning_scaling.server.law_cache import LawCache
from lightning_scaling.server.metric_mapping import offers
from lightning_scaling.server.one_run import one_run
from lightning_scaling.server.overview import overview
from lightning_scaling.server.run_cache import RunCache
from lightning_scaling.server.run_details import RunDetails
from lightning_scaling.server.start import start
from lightning_scaling.store.failures import StoreUnavailable
from lightning_scaling.store.mlflow.mapping_choice import MappingChoice, MappingError

STATIC = Path(__file__).parent / "static"
Ids = Annotated[list[str], Query(alias="experiment", default_factory=list, max_length=1000)]
Asked = Annotated[list[str], Body(max_length=1000)]
Known = Annotated[dict[str, str], Body(default_factory=dict)]
Names = Annotated[MappingChoice, Depends(MappingChoice)]  # its fields are parameters of the address
_FILES = {
    "runs.csv": (download.runs_csv, "text/csv"),
    "points.csv": (download.points_csv, "text/csv"),
    "records.json": (download.records_json, "application/json"),
}


async def page(request: Any) -> Response:
    """One fixed HTML file without data, so that nothing a user wrote is markup; its links are relative and hold behind any prefix."""
    return FileResponse(STATIC / "scaling.html", media_type="text/html", headers={**STRICT, "cache-control": "no-cache"})


def data(cache: RunCache, details: RunDetails) -> FastAPI:
    """The application mounted on `/scaling`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=1)  # 12 ms for 1 000 runs; level 5 takes 46 ms and saves a tenth
    app.add_middleware(StrictHeaders)
    _errors(app)
    _lists(app, cache)
    _laws(app, cache)
    _details(app, cache, details)
    _files(app, cache)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _lists(app: FastAPI, cache: RunCache) -> None:
    @app.get("/data/experiments")
    def experiments() -> Response:
        return _json([{"id": key, "name": name} for key, name in cache.experiments().items()])

    @app.get("/data/start")
    def start_with() -> Response:
        return _json({"experiment": start(cache)})

    @app.post("/data/runs")
    def runs(chosen: Names, experiments: Asked, known: Known) -> Response:
        study = cache.study(experiments)
        mapped, problem = _leniently(cache, study, chosen)
        external = {**offers(study.rejected, mapped.rejected), "problem": problem}
        return _json({**overview(mapped, cache.experiments(), known), "external": external})


def _laws(app: FastAPI, cache: RunCache) -> None:
    laws = LawCache()

    @app.get("/data/law")
    def law(experiments: Ids, chosen: Names, unfinished: bool = False) -> Response:
        return _json(laws.of(_leniently(cache, cache.study(experiments), chosen)[0].records, unfinished))

    @app.get("/data/run/{run_id}")
    def run(run_id: str, experiments: Ids, chosen: Names) -> Response:
        study, found = _found(cache, experiments, chosen, run_id)
        return _json(one_run(found, study.siblings(found.family) if found.family else ()))


def _details(app: FastAPI, cache: RunCache, details: RunDetails) -> None:
    @app.get("/data/matching")
    def matching(experiments: Ids, filter: Annotated[str, Query(max_length=2000)]) -> Response:
        return _json(details.matching(_known(cache, experiments), filter))

    @app.post("/data/columns")
    def columns(experiments: Asked, names: Asked) -> Response:
        return _json(details.columns(_known(cache, experiments), names))

    @app.get("/data/siblings/{run_id}")
    def siblings(run_id: str, experiments: Ids, chosen: Names) -> Response:
        study, found = _found(cache, experiments, chosen, run_id)
        others = beside(found, siblings_of(found, study.records), details.facts(experiments))
        return _json({"words": words(found, others), "read": others.read, "differs": others.differs})

    @app.post("/data/courses")
    def courses(
        chosen: Names,
        experiments: Asked,
        runs: Asked,
        metric: Annotated[str, Body(max_length=250)] = "",
        clock: Annotated[bool, Body()] = False,
        epoch: Annotated[bool, Body()] = False,
    ) -> Response:
        wanted, study = set(runs), _leniently(cache, cache.study(experiments), chosen)[0]
        return _json(details.courses([each for each in study if each.run_id in wanted], metric, clock, epoch))


def _known(cache: RunCache, experiments: list[str]) -> list[str]:
    have = cache.experiments()
    if missing := [each for each in experiments if each not in have]:
        raise ValueError(f"no experiment with the id {missing[0]!r} in this store")
    return experiments


def _files(app: FastAPI, cache: RunCache) -> None:
    @app.get("/data/{name}")
    def file(name: str, experiments: Ids, chosen: Names) -> Response:
        if name not in _FILES:
            raise ValueError(f"no file {name!r}; there are {', '.join(_FILES)}")
        write, kind = _FILES[name]
        headers = {"content-disposition": f'attachment; filename="scaling-{name}"', "cache-control": "no-store"}
        return StreamingResponse(write(_study(cache, experiments, chosen).records), media_type=kind, headers=headers)

    @app.get("/")
    def slash(request: Request) -> Response:
        return RedirectResponse(f"../scaling?{request.url.query}".rstrip("?"))


def _study(cache: RunCache, experiments: list[str], chosen: MappingChoice) -> Study:
    return cache.named(cache.study(experiments), chosen.names())


def _found(cache: RunCache, experiments: list[str], chosen: MappingChoice, run_id: str) -> tuple[Study, RunRecord]:
    """The study, and its run of this id."""
    study = _study(cache, experiments, chosen)
    found = next((record for record in study if record.run_id == run_id), None)
    if found is None:
        raise ValueError(f"no run {run_id!r} in these experiments")
    return study, found


def _leniently(cache: RunCache, study: Study, chosen: MappingChoice) -> tuple[Study, str]:
    """The study and what is wrong with the metric mapping: the page then shows the other runs, and the form to correct it."""
    try:
        return cache.named(study, chosen.names()), ""
    except MappingError as error:
        return study, str(error)


def _errors(app: FastAPI) -> None:
    """One line for people, and a status for programs."""

    @app.exception_handler(ValueError)
    def unknown(request: Request, error: ValueError) -> Response:
        return _json({"message": str(error)}, 400 if isinstance(error, MappingError) else 404)

    @app.exception_handler(StoreUnavailable)
    def unavailable(request: Request, error: StoreUnavailable) -> Response:
        return _json({"message": str(error)}, 503)


def _json(content: Any, status: int = 200) -> Response:
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return Response(text, status, {"cache-control": "no-store"}, "application/json")
