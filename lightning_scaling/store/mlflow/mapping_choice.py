"""The metric mapping of external runs as a user states it: on the page, in `--names` and in the options of `import`, with one meaning."""

from dataclasses import dataclass, fields
from urllib.parse import unquote_plus

from lightning_scaling.numbers import parse_count
from lightning_scaling.store.mlflow.external import MetricMapping


class MappingError(ValueError):
    """A mapping that cannot be used; the message is one line on what is missing."""


# Shorter words for those of the address.
_ADDRESS = {"loss": "loss_metric", "tokens": "token_metric"}


@dataclass(frozen=True)
class MappingChoice:
    """The choice as text, empty where nothing was chosen; the fields are the words of the page's address."""

    loss_metric: str = ""
    token_metric: str = ""
    tokens_per_step: str = ""
    params: str = ""

    @classmethod
    def parse(cls, text: str) -> "MappingChoice":
        """The choice written as `loss=val_loss,tokens_per_step=8192,params=n_params`, or copied from the page's address.

        Raises:
            MappingError: a word that is none of loss, tokens, tokens_per_step and params.

        >>> MappingChoice.parse("loss=val_loss,tokens=seen") == MappingChoice.parse("?loss_metric=val_loss&token_metric=seen")
        True
        """
        copied = "&" in text
        parts = [part.partition("=") for part in text.lstrip("?").split("&" if copied else ",") if part.strip()]
        pairs = {_ADDRESS.get(word.strip(), word.strip()): unquote_plus(value) if copied else value.strip() for word, _, value in parts}
        known = {each.name for each in fields(cls)}
        unknown = [word for word in pairs if word not in known and not copied]
        if unknown or not known & set(pairs):
            raise MappingError(
                f"names are given as 'loss=val_loss,tokens_per_step=8192,params=n_params' (or tokens=METRIC), got {text[:80]!r}"
            )
        return cls(**{word: value for word, value in pairs.items() if word in known})

    def names(self) -> MetricMapping | None:
        """As the store takes them; None without a choice.

        Raises:
            MappingError: no loss metric, tokens counted in no way or in two, a number that is none.

        >>> MappingChoice("val_loss", tokens_per_step="8k", params="124M").names()
        MetricMapping(loss='val_loss', tokens=None, tokens_per_step=8000.0, first_step=0, params=124000000, \
planned_tokens=None, unique_tokens=None, family=None)
        """
        if self == MappingChoice():
            return None
        if not self.loss_metric:
            raise MappingError("choose which metric is the loss")
        if bool(self.token_metric) == bool(self.tokens_per_step):
            raise MappingError("choose how tokens are counted: a metric that counts them, or the tokens of one step, and not both")
        per_step = _positive("tokens per step", self.tokens_per_step) if self.tokens_per_step else None
        return MetricMapping(loss=self.loss_metric, tokens=self.token_metric or None, tokens_per_step=per_step, params=_params(self.params))


def _positive(what: str, text: str) -> float:
    number = parse_count(text)
    if not 0 < number < float("inf"):
        raise MappingError(f"{what} must be a positive number such as 8192 or 0.5M, got {text[:40]!r}")
    return number


def _params(text: str) -> int | str | None:
    """A number of weights, else the name of whatever holds it."""
    number = parse_count(text)
    if number == number:
        return int(_positive("parameters", text))
    return text or None
