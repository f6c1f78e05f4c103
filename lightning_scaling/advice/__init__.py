"""What to do with a run: continue, stop, decay, bring fresh data, grow, or look into it."""

from lightning_scaling.advice.advise import advise
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.result import Advice, Option
from lightning_scaling.advice.verdict import Reason, Verdict

__all__ = ["Advice", "Economics", "Option", "Reason", "Verdict", "advise"]
