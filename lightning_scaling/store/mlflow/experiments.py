"""Which experiments an MLflow store has."""

from lightning_scaling.store.mlflow.client import answered, connect
from lightning_scaling.store.mlflow.timeouts import short_timeouts

_PAGE = 1000


def experiments_of(uri: str) -> dict[str, str]:
    """id → name of every active experiment of a resolved address, the newest first. StoreUnavailable where it does not answer."""
    found: dict[str, str] = {}
    token = None
    with short_timeouts(), answered(uri):
        client = connect(uri)
        while True:
            page = client.search_experiments(max_results=_PAGE, page_token=token)
            found |= {each.experiment_id: each.name for each in page}
            token = page.token
            if not token:
                return found
