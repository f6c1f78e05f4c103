"""One warning per kind of trouble, on rank 0: monitoring may fail, training may not."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lightning_utilities.core.rank_zero import rank_zero_only


class Once:
    """Says each kind of thing once in its life.

    >>> import warnings
    >>> once = Once()
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     for _ in range(3):
    ...         with once.guard("the fit"):
    ...             raise ZeroDivisionError("1/0")
    >>> len(said)
    1
    """

    def __init__(self) -> None:
        self._said: set[str] = set()

    def warn(self, kind: str, text: str) -> None:
        """Warn, unless something of this kind was said before."""
        if kind in self._said:
            return
        self._said.add(kind)
        _warn(f"scaling: {text}")

    @contextmanager
    def guard(self, kind: str) -> Iterator[None]:
        """Whatever goes wrong inside becomes one warning; training goes on."""
        try:
            yield
        except Exception as error:
            self.warn(kind, f"{kind} failed and training goes on without it ({type(error).__name__}: {error})")


@rank_zero_only
def _warn(text: str) -> None:
    # With warnings turned into errors a warning would end the training after all.
    try:
        warnings.warn(text, UserWarning, stacklevel=4)
    except UserWarning:
        print(text)


@rank_zero_only
def tell(text: str) -> None:
    """Print to the terminal, on rank 0."""
    print(text, flush=True)
