"""MLflow is served as before with the page beside it, and nothing may be run there that the server did not send."""

import json
import urllib.error
import urllib.request

import pytest

from lightning_scaling.server import create_app


def test_mlflows_own_page_and_interface_still_answer(ask, server):
    from mlflow import MlflowClient

    status, headers, _ = ask(f"{server}/")
    assert status == 200
    assert "content-security-policy" not in {name.lower() for name in headers}
    assert MlflowClient(server).get_experiment_by_name("ladder") is not None


def test_the_page_allows_only_its_own_files(ask, server):
    for path in ("scaling", "scaling/static/page.js", "scaling/data/experiments"):
        headers = {name.lower(): value for name, value in ask(f"{server}/{path}")[1].items()}
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_a_slash_behind_the_address_leads_to_the_page(ask, server):
    assert b"<title>Scaling" in ask(f"{server}/scaling/")[2]
    with urllib.request.urlopen(f"{server}/scaling/?experiment=1&x=tokens", timeout=30) as answer:
        assert answer.url.endswith("/scaling?experiment=1&x=tokens")


def test_an_unknown_experiment_is_refused_in_one_line(ask, server):
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(f"{server}/scaling/data/law?experiment=999999")
    assert refused.value.code == 404
    assert "999999" in json.loads(refused.value.read())["message"]


def test_files_outside_the_static_folder_are_not_served(ask, server):
    for path in ("..%2froutes.py", "%2e%2e/routes.py", "../routes.py"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(f"{server}/scaling/static/{path}")
        assert refused.value.code in (404, 405)


def test_a_server_that_cannot_carry_the_page_is_refused_in_words(monkeypatch):
    monkeypatch.setenv("_MLFLOW_SGI_NAME", "gunicorn")
    with pytest.raises(RuntimeError, match="leave out --gunicorn-opts"):
        create_app()
