"""A tracking URI without its secrets: the one function for every URI that is printed, logged, stored, tagged or answered.

People write passwords unescaped (`ada:p/w#1@host`), and no parser agrees with another on such a URI. So nothing is parsed as a secret:
only what is surely none is kept, and where that cannot be known, the scheme alone.
"""

import json
import re
from urllib.parse import quote, quote_plus, unquote, unquote_plus

_LOCAL = ("sqlite:///", "file:///")
_SHORTEST = 3  # characters of a piece that is looked for in a message; a shorter one gives nothing away and would blank half of the words
_SEPARATORS = re.compile(r"[\W_]+")
HIDDEN = "…"
QUERY = "?#;"  # what ends a path


def redacted(uri: str) -> str:
    """Scheme, host, port and path; no user, password, token, query or fragment.

    >>> redacted("postgresql://ada:secret@db:5432/mlflow")
    'postgresql://db:5432/mlflow'
    >>> redacted("http://ada:p?w@host:5000"), redacted("postgresql:///m?host=db&password=secret")
    ('http://…', 'postgresql:///m?…')
    """
    uri = str(uri)
    if uri.startswith(_LOCAL):
        return _until(uri, "?#")
    scheme, separator, rest = uri.partition("://")
    if not separator:
        scheme, rest = "", uri
    before, at, after = rest.rpartition("@")
    if at and set(before) & set(QUERY):  # a part of the password, or of a query that holds an @: nobody can tell
        return f"{scheme}{separator}{HIDDEN}"
    return f"{scheme}{separator}{_until(after, QUERY)}"


def _until(text: str, marks: str) -> str:
    kept = re.split(f"[{marks}]", text, maxsplit=1)
    return f"{kept[0]}?{HIDDEN}" if len(kept) > 1 else text


def reason(error: BaseException, uri: str = "", limit: int = 200) -> str:
    """An error in one short line, without the secrets of `uri`, whole or in the pieces that a parser made of them.

    >>> reason(ValueError("Port could not be cast: 'S3cr3t'"), "http://ada:S3cr3t/x@host:9")
    "Port could not be cast: '…'"
    """
    line = " ".join(str(error).split()) or type(error).__name__
    line = re.sub(r"://\S*@", f"://{HIDDEN}@", line)
    for secret in _secrets(uri):
        line = re.sub(re.escape(secret), HIDDEN, line, flags=re.IGNORECASE)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _secrets(uri: str) -> list[str]:
    """Everything that `redacted` leaves out, whole, in pieces, escaped and not; the longest first."""
    kept = redacted(uri)
    if kept == uri:
        return []
    hidden = _hidden(uri)
    plain = {hidden, unquote(hidden), unquote_plus(hidden), " ".join(hidden.split())}
    escaped = {write(form) for form in plain for write in (quote, quote_plus, lambda text: quote(text, safe=""))}
    plain |= {form.lower() for form in plain}  # as host names are written on the way
    forms = plain | escaped | {write(form)[1:-1] for form in plain for write in (ascii, repr, json.dumps)}
    pieces = forms | {piece for form in forms for piece in _SEPARATORS.split(form)}
    public = {piece.lower() for piece in _SEPARATORS.split(kept)}
    return sorted((p for p in pieces if len(p) >= _SHORTEST and p.lower() not in public), key=len, reverse=True)


def _hidden(uri: str) -> str:
    if uri.startswith(_LOCAL):
        return re.split("[?#]", uri, maxsplit=1)[1]
    rest = uri.partition("://")[2] or uri
    before, at, after = rest.rpartition("@")
    query = re.split(f"[{QUERY}]", after, maxsplit=1)
    return before + at + (query[1] if len(query) > 1 else "") if redacted(uri).rpartition("://")[2] != HIDDEN else rest
