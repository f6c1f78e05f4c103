"""What a run in training has seen and what that cost: N of the model, tokens of each batch, FLOPs by the rule of the run.

N and the rule are settled at the first batch, when the model is whole: parts may be built in `setup` or `configure_model`, adapters
injected there, lazy layers given their shapes by the first forward pass. What changes later (weights unfrozen) counts from then on.
"""

from dataclasses import asdict, replace
from typing import Any

from lightning_scaling.accounting import Meter, choose, convention_name, count_parameters, count_tokens, flops_rule
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
        self._flops = options.flops or ("measured" if options.tokens == "samples" else "6N")
        self.conventions = self._conventions()

    def _conventions(self) -> Conventions:
        """Those of the checkpoint, whose counts are added to, else those asked for."""
        options = self._options
        rule = self._flops if isinstance(self._flops, str) else "given"
        asked = Conventions(convention_name(options.params), rule, options.monitor, options.tokenizer)
        before = self._progress.counted_by
        if before is None:
            return asked
        kept = replace(asked, params=before["params"], flops=before["flops"])
        if unlike := [text for text in kept.differences(asked) if text.startswith(("params", "flops"))]:
            self._guard.warn(
                "conventions",
                f"the checkpoint was counted by another convention ({'; '.join(unlike)}), which is kept: counts of two are never added up",
            )
        self._flops = before["flops"] if before["flops"] != rule and before["flops"] != "given" else self._flops
        return kept

    @property
    def settled(self) -> bool:
        """Whether N and the FLOPs rule are known."""
        return self.meter is not None

    def follow(self, loss: str, weights: str) -> None:
        """The loss that is followed, and whether it is that of the raw or of averaged weights."""
        if (loss, weights) != (self.conventions.loss, self.conventions.weights):
            self.conventions = replace(self.conventions, loss=loss, weights=weights)
            report(f"the loss that is followed is {loss!r}" + (", of averaged weights" if weights == "averaged" else ""))

    def count_model(self, model: Any) -> None:
        """Take N from a torch module.

        Raises:
            ValueError: a lazy module before its first forward pass, or nothing to count.
        """
        self.groups = count_parameters(model)
        if not isinstance(self._options.params, int):
            self.params = choose(self.groups, self.conventions.params if self.conventions.params != "given" else self._options.params)

    def settle_rule(self, batch: Any = None, model: Any = None) -> None:
        """Choose the FLOPs rule; a batch shows whether its tokens can be counted.

        Raises:
            TokenCountError: how many tokens a batch holds cannot be seen from it; the message names the argument that states it.
            ValueError: N is not known.
        """
        if model is not None:
            self.count_model(model)
        if self.params is None:
            raise ValueError("the number of parameters is not known: give model= or params=<int>")
        options = self._options
        if batch is not None:
            count_tokens(batch, options.tokens, options.mask)  # type: ignore[arg-type]
        counted: dict[str, Any] = {"tokens": options.tokens, "mask": options.mask}
        rule = flops_rule(self._flops, model, self.params, batch=batch, **counted, **(options.declared or {}))
        if rule.fell_back:
            self._guard.warn("flops", str(rule.outcome))
        self.conventions = replace(self.conventions, flops=rule.name)
        self._progress.counted_by = {k: v for k, v in asdict(self.conventions).items() if k in ("params", "flops", "tokenizer")}
        self.meter = Meter(rule, self._progress.ledger, options.tokens, options.mask, first=batch)  # type: ignore[arg-type]

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
