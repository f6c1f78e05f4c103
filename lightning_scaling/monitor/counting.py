"""What a run in training has seen and what that cost: N of the model, tokens of each batch, FLOPs by the rule of the run.

N and the rule are settled at the first batch, when the model is whole: parts may be built in `setup` or `configure_model`, adapters
injected there, lazy layers given their shapes by the first forward pass. What changes later counts from then on: from the next batch
after an epoch has begun or a validation has ended, weights frozen or unfrozen at another time from one of the next batches.
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from lightning_scaling.accounting import (
    FlopsRule,
    Meter,
    choose,
    convention_name,
    count_parameters,
    count_tokens,
    flops_rule,
    model_signature,
)
from lightning_scaling.accounting.copies import optimised_by
from lightning_scaling.accounting.frozen import FrozenWatch
from lightning_scaling.monitor.guard import Guard, report
from lightning_scaling.monitor.options import Options
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.run.conventions import Conventions


class Counting:
    """Counts into a run's ledger.

    Args:
        options: `params`, `flops`, `tokens`, `mask`, `tokenizer` and `declared` are used.
        progress: the run whose ledger is filled.
        guard: where trouble is reported.
    """

    def __init__(self, options: Options, progress: Progress, guard: Guard) -> None:
        self._options, self._progress, self._guard = options, progress, guard
        self.groups: dict[str, int] = {}
        self.params: int | None = options.params if isinstance(options.params, int) else None
        self.meter: Meter | None = None
        self._flops = options.flops
        self._model: Any = None
        self._loaders: Any = None
        self._optimizers: tuple[Any, ...] = ()
        self._signature: tuple[int, ...] = ()
        self._frozen = FrozenWatch()
        self._look_again = False
        self._unlooked = 0  # steps since some weights were looked at
        self._rules: dict[tuple[int, ...], FlopsRule] = {}  # by signature: some trainings freeze in turns
        self._rule: FlopsRule | None = None
        self.conventions = self._conventions()

    def _conventions(self) -> Conventions:
        """Those of the checkpoint, whose counts are added to, else those asked for."""
        options, before = self._options, self._progress.counted_by
        rule = "given" if callable(options.flops) else options.flops or ("measured" if options.tokens == "samples" else "6N")
        asked = Conventions(convention_name(options.params), rule, options.monitor, options.tokenizer)
        if before is None:
            return asked
        kept = replace(asked, params=before["params"], flops=before["flops"])
        if unlike := kept.differences(asked):
            self._guard.warn(
                "conventions",
                f"the checkpoint was counted by another convention ({'; '.join(unlike)}), which is kept: counts of two are never added up",
            )
        if before["flops"] not in (rule, "given"):
            self._flops = before["flops"]
        return kept

    @property
    def settled(self) -> bool:
        """Whether N and the FLOPs rule are known."""
        return self.meter is not None

    def follow(self, loss: str, weights: str) -> None:
        """The loss that is followed, and whether it is that of the raw or of averaged weights."""
        if (loss, weights) == (self.conventions.loss, self.conventions.weights):
            return
        self.conventions = replace(self.conventions, loss=loss, weights=weights)
        report(f"the loss that is followed is {loss!r}" + (", of averaged weights" if weights == "averaged" else ""))

    def count_model(self, model: Any) -> None:
        """Take N from a torch module.

        Raises:
            ValueError: a lazy module before its first forward pass, or nothing to count.
        """
        with optimised_by(self._optimizers, model):
            self.groups = count_parameters(model)
        self._model, self._signature = model, model_signature(model)
        self._frozen = FrozenWatch(model.parameters())
        convention = self.conventions.params
        if not isinstance(self._options.params, int) and convention != "given":
            self.params = choose(self.groups, convention)

    def settle_rule(self, batch: Any = None, model: Any = None, loaders: Any = None, optimizers: Iterable[Any] = ()) -> None:
        """Choose the FLOPs rule; a batch shows whether its tokens can be counted.

        Args:
            batch: the first batch, None where tokens are reported as numbers.
            model: the torch module, None where N was given.
            loaders: what the batches come from, where several are combined.
            optimizers: of the model; a second copy of it that none of them holds is not N.

        Raises:
            TokenCountError: how many tokens a batch holds cannot be seen from it; the message names the argument that states it.
            ValueError: N is not known.
        """
        self._optimizers = tuple(optimizers)
        if model is not None:
            self.count_model(model)
        if self.params is None:
            raise ValueError("the number of parameters is not known: give model=<module> or params=<int>")
        options, self._loaders = self._options, loaders
        if batch is not None:
            count_tokens(batch, options.tokens, options.mask, loaders)
        rule = self._make_rule(batch)
        self.meter = Meter(rule, self._progress.ledger, options.tokens, options.mask, batch, loaders)

    def _make_rule(self, batch: Any) -> FlopsRule:
        options = self._options
        counted: dict[str, Any] = {"tokens": options.tokens, "mask": options.mask, "loaders": self._loaders}
        with optimised_by(self._optimizers, self._model):
            rule = flops_rule(self._flops, self._model, self.params or 0, batch=batch, **counted, **(options.declared or {}))
        if rule.warning:
            self._guard.warn("flops", rule.warning)
        before = self._progress.counted_by
        if before is not None and before["flops"] not in (rule.name, "given"):
            text = f"FLOPs were counted as {before['flops']} before the resume and are counted as {rule.name} from here on"
            self._guard.warn("flops rule", f"{text}: take the two parts apart")
        self.conventions = replace(self.conventions, flops=rule.name)
        self._progress.counted_by = {k: v for k, v in asdict(self.conventions).items() if k in ("params", "flops", "tokenizer")}
        self._rule = self._rules[self._signature] = rule
        return rule

    def look_again(self) -> None:
        """Parts of the model may have been replaced, added, frozen or unfrozen: the next batch looks at all of it."""
        self._look_again = True

    @property
    def looks_every(self) -> int:
        """Steps from one look for frozen weights to the next."""
        return self._frozen.every

    def look_for_changes(self, batch: Any) -> None:
        """Before a batch: whether weights were frozen, unfrozen or replaced; then the model is counted again. Never raises."""
        self._unlooked = 0
        if self.meter is not None and (self._look_again or self._frozen.changed()):
            meter = self.meter
            self._guard.attempt("counting the model again", lambda: self._count_again(meter, batch))

    def _count_again(self, meter: Meter, batch: Any) -> None:
        """Count the model again where its weights have been replaced, frozen or unfrozen."""
        self._look_again = False
        if self._model is None or model_signature(self._model) == self._signature:
            return
        before = self.params
        self.count_model(self._model)
        meter.use(self._rules.get(self._signature) or self._make_rule(batch))
        if self.params != before:
            report(f"the model has changed: N is {self.params} from here on ({before} before)")

    def look_at(self, tokens: int | None, batch: Any) -> None:
        """A batch that is about to be trained on, or the number of its tokens, which is counted at once."""
        meter = self.meter
        if meter is None or self._rule is None:
            return
        self._unlooked += 1
        if self._look_again or self._unlooked >= self._frozen.every:
            self.look_for_changes(batch)
        if tokens is not None:
            self._progress.ledger.add(int(tokens), *self._rule.cost(int(tokens), None, None))
        else:
            meter.begin(batch)

    def settle(self) -> None:
        """Bring the ledger up to date. May wait for the device where masks are counted."""
        if self.meter is None:
            return
        self.meter.settle()
        if self.meter.uncounted:
            self._guard.warn(
                "tokens",
                f"{self.meter.uncounted} batches held no tokens that can be counted and are missing from the counts; "
                "tokens=callable(batch) counts them",
            )

    def release(self) -> None:
        """The fit is over: let go of the model and its data."""
        self._model = self._loaders = None
        self._optimizers, self._frozen, self._rules = (), FrozenWatch(), {}
