"""What a FLOPs rule reports of itself: whether it is the one asked for, and what was recognised in the model."""

from lightning_scaling.outcome import Outcome


class FlopsOutcome(Outcome):
    """Whether the rule that was asked for is the one that counts, and how."""

    AS_ASKED = "FLOPs are counted by the rule that was asked for"
    EXPERTS = "FLOPs are counted by the rule that was asked for, of the experts that a token meets"
    FROZEN = "FLOPs are counted by the rule that was asked for, without the gradients that frozen weights do not need"
    FROZEN_EXPERTS = (
        "FLOPs are counted by the rule that was asked for, of the experts that a token meets and without gradients of frozen weights"
    )
    DECLARED = "FLOPs are 6 × the parameters given, although some of the model's weights are frozen or not met by a token"
    MIXTURE = "FLOPs are counted by the rule that was asked for, but the model looks like a mixture of experts: declare active_params="
    SAMPLES = "FLOPs are counted as if an example were one token: give flops='measured'"
    ATTENTION_UNKNOWN = (
        "the attention layers were not recognised, so FLOPs are counted as 6N without attention; "
        "declare them: layers= and attention_width= (heads × head size)"
    )
    NO_ATTENTION = "no attention layers were recognised, so FLOPs are counted as 6N; flops='measured' counts other models too"
    NOT_MEASURED = "the training step could not be counted on a copy without data, so FLOPs are counted as 6N; give flops=callable(batch)"
    COUNTED_NOTHING = "the counter saw no products in the training step, so FLOPs are counted as 6N; give flops=callable(batch)"

    @property
    def fell_back(self) -> bool:
        """Whether another rule than the one asked for is in force."""
        return self.name in ("ATTENTION_UNKNOWN", "NO_ATTENTION", "NOT_MEASURED", "COUNTED_NOTHING")
