"""The pages' templates: every value that is put into one is escaped, a value that is missing is an error."""

from typing import Any


def template(name: str) -> Any:
    """The template of that file name in this folder."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("lightning_scaling", "report"), autoescape=True, undefined=StrictUndefined)
    environment.trim_blocks = environment.lstrip_blocks = True
    return environment.get_template(name)
