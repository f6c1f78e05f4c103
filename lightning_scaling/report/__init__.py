"""What is shown of runs and laws: tables for a terminal, pictures, and one page that holds everything."""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.report.figures import loss_against_compute, run_panel
    from lightning_scaling.report.one_run import run_page
    from lightning_scaling.report.page import write_report
    from lightning_scaling.report.publish import log_study
    from lightning_scaling.report.study import Study, load_study
    from lightning_scaling.report.tables import allocation_table, law_table, prediction_table, runs_table

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
__all__ = [
    "Study",
    "allocation_table",
    "law_table",
    "load_study",
    "log_study",
    "loss_against_compute",
    "prediction_table",
    "run_page",
    "run_panel",
    "runs_table",
    "write_report",
]

__getattr__, __dir__ = lazy(__name__, _WHERE)
