"""What is shown of runs and laws: tables for a terminal, pictures, and one page that holds everything."""

from importlib import import_module
from typing import Any

# loaded when asked for: tables need rich, figures matplotlib, the page jinja2
_WHERE = {
    "write_report": "page",
    "loss_against_compute": "figures",
    "run_panel": "figures",
    "runs_table": "tables",
    "law_table": "tables",
    "prediction_table": "tables",
    "allocation_table": "tables",
    "Aim": "reading",
}
__all__ = [*_WHERE]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
