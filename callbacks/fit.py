"""One fit of the trainer as the monitor sees it: what is counted in a step, and what a validation adds to the run."""

from dataclasses import replace
from typing import Any

from lightning_scaling.accounting import Meter, convention_name, count_tokens, flops_rule
from lightning_scaling.callbacks.distribution import Ranks
from lightning_scaling.callbacks.facts import Facts
from lightning_scaling.callbacks.horizon import Horizon
from lightning_scaling.callbacks.losses import TrainingLoss
from lightning_scaling.callbacks.options import Options
from lightning_scaling.callbacks.plan_in_force import PlanInForce
from lightning_scaling.callbacks.points import Point
from lightning_scaling.callbacks.run import Run
from lightning_scaling.callbacks.warn_once import Once, tell
from lightning_scaling.run.conventions import Conventions


class Fit:
    """From `on_train_start` to `on_train_end`. Every rank has one; the run it fills is the same on all of them after a sync.

    Args:
        trainer: the trainer that fits.
        options: what the user asked for.
        run: what is filled; it outlives the fit.
        groups: parameters of the whole model by group.
        params: N by the user's convention.
        once: where trouble is told.
    """

    def __init__(self, trainer: Any, options: Options, run: Run, groups: dict[str, int], params: int, once: Once) -> None:
        self.trainer, self.options, self.run, self.once = trainer, options, run, once
        self.followed = _followed(trainer.optimizers, options.optimizer)
        self.ranks = Ranks.of(trainer)
        self.horizon = Horizon.at_start(trainer, run.ledger.tokens)
        self.facts = Facts(
            params, groups, Conventions(convention_name(options.params), run.flops_rule or "6N", options.monitor, options.tokenizer)
        )
        self.planning = PlanInForce(trainer, options, run.rates, once)
        self.training_loss: TrainingLoss | None = None
        self.meter: Any = None
        if not trainer.enable_validation:
            self.follow_training_loss()

    def first_batch(self, batch: Any) -> None:
        """Choose the FLOPs rule and see whether tokens can be counted, before anything is trained.

        Raises:
            TokenCountError: what a token is cannot be told from the batch.
        """
        options = self.options
        count_tokens(batch, options.tokens, options.mask)
        module = self.trainer.lightning_module
        counted: dict[str, Any] = {"tokens": options.tokens, "mask": options.mask}
        rule = flops_rule(options.flops, module, self.facts.params, batch=batch, **counted, **(options.declared or {}))
        if rule.fell_back:
            self.once.warn("flops", str(rule.outcome))
        self.run.flops_rule = rule.name
        self.facts.conventions = replace(self.facts.conventions, flops=rule.name)
        self.meter = Meter(rule, self.run.ledger, options.tokens, options.mask, first=batch)

    def follow(self, loss: str) -> None:
        """The loss that is followed has this name; told where it is another one than was asked for."""
        if loss != self.facts.conventions.loss:
            self.facts.conventions = replace(self.facts.conventions, loss=loss)
            tell(f"scaling: the loss that is followed is {loss!r}")

    def follow_training_loss(self) -> None:
        """There is no validation loss to follow."""
        trainer = self.trainer
        if trainer.lightning_module.automatic_optimization:
            self.training_loss = TrainingLoss(divided=lambda: int(trainer.accumulate_grad_batches))
        else:
            self.training_loss = TrainingLoss(copy=True)

    def epoch_ended(self) -> None:
        """The next epoch may accumulate another number of batches."""
        if self.training_loss is not None:
            self.training_loss.settle()

    def sync(self) -> None:
        """Sum the counts over ranks. Collective."""
        self.settle()
        self.run.ledger.sync(self.ranks.sum(self.run.ledger.delta()))

    def settle(self) -> None:
        """Bring the ledger and the horizon up to date."""
        if self.meter is not None:
            self.meter.settle()
            self.horizon.batches, self.horizon.epoch_batches = self.meter.batches, self.trainer.fit_loop.batch_idx + 1
            if self.meter.uncounted:
                self.once.warn("tokens", f"{self.meter.uncounted} batches held no tokens that can be counted: the counts lack them")

    def mark(self, loss: float) -> Point | None:
        """A point of the curve at everything trained so far; None before the first token. Collective."""
        self.sync()
        loss = self.ranks.mean(loss)
        if self.horizon.batches:  # before the first batch of a resumed fit, what the checkpoint knew still holds
            self.run.planned_tokens = self.horizon.planned_tokens(self.trainer, self.run.ledger.tokens)
        self.facts.planned_tokens = self.run.planned_tokens
        self.facts.schedule = self.planning.schedule()
        return self.run.mark(loss) if self.run.ledger.tokens else None


def _followed(optimizers: list[Any], index: int) -> Any:
    """The optimiser whose steps count; None where there is only one, which strategies may have wrapped."""
    if optimizers and index >= len(optimizers):
        raise ValueError(f"optimizer={index} asks for one of {len(optimizers)} optimisers; the first is 0")
    return optimizers[index] if len(optimizers) > 1 else None
