"""Which experiments a store has."""

from lightning_scaling.store.address import resolve_uri
from lightning_scaling.store.client import answered, connect
from lightning_scaling.store.patience import impatient

_PAGE = 1000


def experiments(uri: str | None = None) -> dict[str, str]:
    """id → name of every active experiment, the newest first.

    Raises:
        StoreUnavailable: the store does not answer (an OSError).
    """
    found: dict[str, str] = {}
    uri, token = resolve_uri(uri), None
    with impatient(), answered(uri):
        client = connect(uri)
        while True:
            page = client.search_experiments(max_results=_PAGE, page_token=token)
            found |= {each.experiment_id: each.name for each in page}
            token = page.token
            if not token:
                return found
