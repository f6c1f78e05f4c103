"""What a run is trained on and what it costs: tokens, parameters and FLOPs, counted exactly."""

from lightning_scaling.accounting.flops import FlopsOutcome, FlopsRule, flops_rule
from lightning_scaling.accounting.ledger import Ledger
from lightning_scaling.accounting.meter import Meter
from lightning_scaling.accounting.mfu import Mfu, mfu
from lightning_scaling.accounting.parameters import choose, convention_name, count_parameters
from lightning_scaling.accounting.tokens import TokenCountError, count_tokens, explain, sequence_length

__all__ = [
    "FlopsOutcome",
    "FlopsRule",
    "Ledger",
    "Meter",
    "Mfu",
    "TokenCountError",
    "choose",
    "convention_name",
    "count_parameters",
    "count_tokens",
    "explain",
    "flops_rule",
    "mfu",
    "sequence_length",
]
