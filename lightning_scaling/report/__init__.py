"""What is shown of runs and laws: tables for a terminal, pictures, and one page that holds everything."""

from lightning_scaling.lazy import lazy

# loaded when asked for: tables need rich, figures matplotlib, the page jinja2
_WHERE = {
    "write_report": "page",
    "run_page": "one_run",
    "loss_against_compute": "figures",
    "run_panel": "figures",
    "runs_table": "tables",
    "law_table": "tables",
    "prediction_table": "tables",
    "allocation_table": "tables",
    "Study": "study",
    "load_study": "study",
    "log_study": "publish",
}
__all__ = [*_WHERE]

__getattr__ = lazy(__name__, _WHERE)
