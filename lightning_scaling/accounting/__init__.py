"""What a run is trained on and what it costs: tokens, parameters and FLOPs, counted exactly."""

from lightning_scaling.accounting.batches import step_fetches
from lightning_scaling.accounting.flops import FlopsRule, flops_rule
from lightning_scaling.accounting.flops_outcome import FlopsOutcome
from lightning_scaling.accounting.ledger import Ledger
from lightning_scaling.accounting.loaders import loader_tree
from lightning_scaling.accounting.meter import Counts, Meter
from lightning_scaling.accounting.parameters import choose, convention_name, count_parameters, model_signature
from lightning_scaling.accounting.tokens import TokenCountError, count_tokens, explain, sequence_length

__all__ = [
    "Counts",
    "FlopsOutcome",
    "FlopsRule",
    "Ledger",
    "Meter",
    "TokenCountError",
    "choose",
    "convention_name",
    "count_parameters",
    "count_tokens",
    "explain",
    "flops_rule",
    "loader_tree",
    "model_signature",
    "sequence_length",
    "step_fetches",
]
