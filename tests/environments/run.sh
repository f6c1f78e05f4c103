#!/bin/sh
# run.sh NAME TESTS…: the tests in an environment of their own, .venv-NAME, made from NAME.txt; prints the versions that it holds.
set -e
name=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
env="$root/.venv-$name"
if [ ! -e "$env/.ready" ]; then
    "${PYTHON:-python3}" -m venv "$env"
    "$env/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/$name.txt"
    "$env/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable "$root"
    touch "$env/.ready"
fi
"$env/bin/python" --version
"$env/bin/pip" list 2>/dev/null | grep -i -E '^(fastapi|lightning|mlflow|numpy|pandas|scipy|sqlalchemy|torch) '
# Old libraries warn of their own dependencies' deprecations; warnings are errors in the project's own environment.
exec "$env/bin/python" -m pytest -q -W ignore "$@" --rootdir "$root" -c "$root/pyproject.toml" --override-ini=addopts=--import-mode=importlib
