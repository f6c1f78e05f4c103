"""What to do with a run: continue, stop, decay, bring fresh data, grow, or investigate."""

from lightning_scaling.advice.advise import advise
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.family import FamilyOutcome, FamilyReading
from lightning_scaling.advice.plateau import PlateauCall
from lightning_scaling.advice.readings import Change, Readings
from lightning_scaling.advice.result import Advice, Option
from lightning_scaling.advice.verdict import AddData, Reason, Verdict

__all__ = [
    "AddData",
    "Advice",
    "Change",
    "Economics",
    "FamilyOutcome",
    "FamilyReading",
    "Option",
    "PlateauCall",
    "Readings",
    "Reason",
    "Verdict",
    "advise",
]
