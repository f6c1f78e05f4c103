"""No message holds a secret of an address, whatever characters it has."""

import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lightning_scaling.store import redacted, resolve_uri
from lightning_scaling.store.redaction import reason

PUBLIC = "127.0.0.1:9"
SECRET = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=3, max_size=20).map(lambda text: "S3c" + text + "r3t")
SCHEMES = st.sampled_from(["http", "https", "postgresql", "postgresql+psycopg2", "mysql+pymysql", "databricks", "s3"])


@settings(max_examples=400, derandomize=True)
@given(SCHEMES, SECRET, st.sampled_from(["ada:{}@", "{}@", "{}:x@", ":{}@", "ada:x{}@"]))
def test_a_password_is_left_out_of_an_address(scheme: str, secret: str, form: str) -> None:
    uri = f"{scheme}://{form.format(secret)}{PUBLIC}/path"
    assume("S3c" not in PUBLIC)
    assert "S3c" not in redacted(uri)
    assert "r3t" not in redacted(uri)
    assert redacted(redacted(uri)) == redacted(uri)


@settings(max_examples=200, derandomize=True)
@given(
    SCHEMES, SECRET, st.sampled_from(["?token={}", "?user=ada&password={}", "/?a=b#{}", "/path?x={}&y=1", ";token={}", "/path;session={}"])
)
def test_a_query_is_left_out_of_an_address(scheme: str, secret: str, form: str) -> None:
    shown = redacted(f"{scheme}://{PUBLIC}{form.format(secret)}")
    assert "S3c" not in shown
    assert "r3t" not in shown


@settings(max_examples=200, derandomize=True)
@given(SECRET, st.sampled_from(["http://ada:{}@127.0.0.1:9", "sqlite:///m.db?key={}", "http://127.0.0.1:9/;token={}"]))
def test_an_error_that_quotes_any_part_of_the_address_shows_none(secret: str, form: str) -> None:
    """Parsers quote what they took for the port, the host or the path."""
    uri = form.format(secret)
    pieces = [piece for piece in re.split(r"[\W_]+", secret) if len(piece) >= 3]
    escaped = (repr(uri), ascii(secret), json.dumps(uri), quote(uri, safe=""), quote_plus(secret), html.escape(secret))
    for quoted in (uri, secret, *escaped, *pieces, *(piece.lower() for piece in pieces)):
        message = reason(ValueError(f"Failed to parse: '{quoted}'"), uri, limit=10_000)
        assert all(piece.lower() not in message.lower().removeprefix("failed to parse") for piece in pieces)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://localhost:5000", "http://localhost:5000"),
        ("http://ada:pw@localhost:5000/prefix", "http://localhost:5000/prefix"),
        ("sqlite:////data/a@b/mlflow.db", "sqlite:////data/a@b/mlflow.db"),
        ("postgresql+psycopg2://ada:p/9@db:5432/m", "postgresql+psycopg2://db:5432/m"),
        ("folder/of ada/runs", "folder/of ada/runs"),
        ("databricks", "databricks"),
    ],
)
def test_what_is_no_secret_is_shown(uri: str, shown: str) -> None:
    assert redacted(uri) == shown


@pytest.mark.parametrize("uri", ["ada:S3cret@host:5000", "http:/ada:S3cret@host", "https//ada:S3cret@host/m.db"])
def test_a_password_without_a_scheme_becomes_no_name_of_a_folder(uri: str) -> None:
    with pytest.raises(ValueError, match="no scheme") as refused:
        resolve_uri(uri)
    assert "S3cret" not in str(refused.value)
