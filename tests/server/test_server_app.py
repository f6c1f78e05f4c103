"""When the page refuses to be served."""

import pytest

from lightning_scaling.server import create_app


def test_a_server_that_cannot_carry_the_page_is_refused_in_words(monkeypatch):
    monkeypatch.setenv("_MLFLOW_SGI_NAME", "gunicorn")
    with pytest.raises(RuntimeError, match="leave out --gunicorn-opts"):
        create_app()
