"""What a user can ask of the monitor: every adapter and the environment take these options, listed here and nowhere else."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from lightning_scaling.accounting.parameters import CONVENTIONS
from lightning_scaling.monitor.stopping import verdicts
from lightning_scaling.numbers import parse_count
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

FLOPS_RULES = ("6N", "6N+attention", "measured")
PARAMS = CONVENTIONS
AVERAGING = ("auto", "device", "host")
SWITCH = "LIGHTNING_SCALING"
NOT_OPTIONS = ("SPOOL",)  # variables of the same prefix that are read elsewhere
F = TypeVar("F", bound=Callable[..., None])


def option(default: Any, text: str, read: Callable[[str], Any] | None = None) -> Any:
    """A field with its documentation, and how its text in the environment is read (None: it has no text form)."""
    return field(default=default, metadata={"text": text, "read": read})


def _number(text: str) -> float:
    value = parse_count(text)
    if not value > 0:
        raise ValueError(f"{text!r} is no positive number; write it like 7B, 1.5e9 or 300000")
    return value


def _yes(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r} is neither yes nor no; write 1 or 0")


def _word_or_count(text: str) -> str | int:
    return text if text in (*PARAMS, "samples") else int(_number(text))


def _names(text: str) -> tuple[str, ...]:
    return ("STOP",) if text == "1" else tuple(name.strip() for name in text.split(","))


@dataclass(frozen=True)
class Options:
    """The options of every monitor.

    Raises:
        ValueError: an option that makes no sense.
    """

    store: str | None = option(
        None, "MLflow tracking URI or folder to record the run in; None: $MLFLOW_TRACKING_URI if set, else the trainer's own loggers.", str
    )
    experiment: str = option("lightning-scaling", "experiment in which the store keeps the run.", str)
    run_name: str | None = option(None, "name of the run in the store.", str)
    monitor: str = option(
        "val_loss",
        'the logged validation loss to follow; the default also finds "val/loss" and the like. Without a validation loop the smoothed '
        "training loss is followed.",
        str,
    )
    params: str | int = option(
        "total", 'which weights N counts: "total", "non_embedding", "active", "trainable", or the number itself.', _word_or_count
    )
    flops: str | Callable[[Any], int] | None = option(
        None, '"6N", "6N+attention", "measured", or a callable of the batch; None: 6N, and measured where samples are counted.', str
    )
    tokens: str | int | Callable[[Any], int] | None = option(
        None,
        'how to count a batch where its shapes do not show it: a callable of the batch, a fixed number, or "samples".',
        _word_or_count,
    )
    mask: bool = option(False, "count only what the attention mask keeps.", _yes)
    tokenizer: str | None = option(None, 'what a token is ("bytes", "gpt2"); losses of different tokenizers are never compared.', str)
    unique_tokens: float | None = option(None, "size of the data, where it is repeated.", _number)
    token_budget: float | None = option(None, "tokens at which training ends; None: read from the trainer's limits.", _number)
    family: str | None = option(
        None, "name under which runs of different sizes are compared; finished smaller ones help the forecast.", str
    )
    siblings: Sequence[Curve] | None = option(None, "finished curves of the family to use instead of those in the store; () for none.")
    law: Any = option(None, "a fitted law, or the name of a preset, of loss over N and D: what another size would have reached.", str)
    schedule: Schedule | None = option(None, "the learning-rate schedule of the whole run, where it is not the scheduler's.")
    economics: Any = option(None, "what training and serving cost, see `lightning_scaling.Economics`.")
    optimizer: int = option(0, "index of the optimiser whose rate and steps are followed.", int)
    stop: bool | str | Iterable[str] | None = option(None, 'verdicts that may end the run; True means ("STOP",).', _names)
    on_verdict: Any = option(None, "callable, or several, called with the advice when the verdict changes.")
    averaging: str | None = option(
        None,
        "also validate an average of recent weights, about a dozen times a run: how much a decay would bring, measured. "
        '"auto", "device" or "host" (where the copy of the weights is kept); None: off.',
        str,
    )
    level: float = option(0.9, "probability of the forecast's interval.", float)
    overhead: float = option(
        0.01,
        "share of the wall time that judging may take; a validation that it cannot pay for keeps the judgement before it. Infinity: every "
        "validation is judged, so that what is decided depends on the losses and not on the speed of the machine.",
        float,
    )
    declared: Mapping[str, Any] | None = option(None, "facts of the model for the FLOPs rule, e.g. active_params of a mixture of experts.")
    key: str | None = option(
        None,
        "identity of the run in its stores; None: made when training starts. A checkpoint of another key is a trunk to branch off from.",
    )
    facts: Mapping[str, Any] | None = option(
        None, "anything else to keep with the run: plain values, or callables that are asked whenever the run is recorded."
    )
    summary: bool = option(True, "print at the end of the run what it cost and where it ended.", _yes)

    def __post_init__(self) -> None:
        object.__setattr__(self, "siblings", None if self.siblings is None else tuple(self.siblings))
        object.__setattr__(self, "declared", dict(self.declared or {}))
        object.__setattr__(self, "facts", dict(self.facts or {}))
        _check_counting(self)
        _check_rest(self)
        object.__setattr__(self, "stop", verdicts(self.stop))
        listeners = self.on_verdict if isinstance(self.on_verdict, list | tuple) else [self.on_verdict] * (self.on_verdict is not None)
        if not all(callable(each) for each in listeners):
            raise ValueError(f"on_verdict must be a callable of the advice, or several, got {self.on_verdict!r}")
        object.__setattr__(self, "on_verdict", tuple(listeners))


def _check_counting(options: Options) -> None:
    if options.params not in PARAMS and not _is_count(options.params):
        raise ValueError(f"params must be one of {PARAMS} or the number of parameters, got {options.params!r}")
    if options.flops is not None and not callable(options.flops) and options.flops not in FLOPS_RULES:
        raise ValueError(f"flops must be one of {FLOPS_RULES} or a callable of the batch, got {options.flops!r}")
    if not (options.tokens is None or options.tokens == "samples" or callable(options.tokens) or _is_count(options.tokens)):
        raise ValueError(f"tokens must be a callable of the batch, a number, 'samples' or None, got {options.tokens!r}")
    for name in ("unique_tokens", "token_budget"):
        value = getattr(options, name)
        if value is not None and not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")


def _check_rest(options: Options) -> None:
    if not isinstance(options.monitor, str) or not options.monitor:
        raise ValueError(f"monitor must be the name of a logged metric such as 'val_loss', got {options.monitor!r}")
    if options.averaging not in (None, *AVERAGING):
        raise ValueError(f"averaging must be one of {AVERAGING} or None, got {options.averaging!r}")
    if not 0 < options.level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {options.level}")
    if not options.overhead > 0:
        raise ValueError(f"overhead is a share of the wall time above zero, such as 0.01, got {options.overhead}")
    if options.optimizer < 0:
        raise ValueError(f"optimizer is the index of the one whose rate is followed, got {options.optimizer}")
    if not all(isinstance(s, Curve) for s in options.siblings or ()):
        raise ValueError("siblings must be finished Curves; records have theirs in record.curve")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def takes_options(function: F) -> F:
    """Give a `__init__(self, …, **options)` the signature and the documentation of the options, for help(), editors and command lines."""
    types = get_type_hints(Options)
    own = inspect.signature(function).parameters.values()
    given = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=types[f.name]) for f in fields(Options)
    ]
    kept = [p for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD]
    function.__signature__ = inspect.Signature([*kept, *given])  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in [*kept, *given] if p.annotation is not p.empty} | {"return": None}
    function.__doc__ = f"{function.__doc__ or ''}\n\n    Args:\n{documented()}"
    return function


def documented(indent: str = " " * 8) -> str:
    """The options with their documentation, a line each."""
    return "\n".join(f"{indent}{f.name}: {f.metadata['text']}" for f in fields(Options))


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The options that variables such as LIGHTNING_SCALING_FAMILY give, numbers as people write them.

    Raises:
        ValueError: a variable of this prefix that is no option, or whose text makes no sense.

    >>> from_environment({"LIGHTNING_SCALING": "1", "LIGHTNING_SCALING_FAMILY": "gpt", "LIGHTNING_SCALING_PARAMS": "7B"})
    {'family': 'gpt', 'params': 7000000000}
    """
    readers = {f.name: f.metadata["read"] for f in fields(Options) if f.metadata["read"]}
    given = {k[len(SWITCH) + 1 :]: v for k, v in environment.items() if k.startswith(f"{SWITCH}_") and v}
    found = {}
    for name, text in sorted(given.items()):
        if name in NOT_OPTIONS:
            continue
        if name.lower() not in readers:
            raise ValueError(f"{SWITCH}_{name} is no option; there are {', '.join(f'{SWITCH}_{n.upper()}' for n in readers)}")
        try:
            found[name.lower()] = readers[name.lower()](text)
        except ValueError as error:
            raise ValueError(f"{SWITCH}_{name}: {error}") from None
    return found
