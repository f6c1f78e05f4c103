"""What a column is by its name: the loss, a clock (step, tokens, epoch), the learning rate, the run, or nothing that is needed here.

Names are compared as words, so that `val/loss`, `ValLoss`, `loss (validation)` and `validation_loss` are one. Left out are names that hold
the same words for another thing: `loss_scale`, `tokens_per_second`, `best_val_loss`.
"""

import re
from collections.abc import Container
from functools import lru_cache
from itertools import count, pairwise
from typing import NamedTuple


def listed(names: str) -> list[str]:
    """Words of a text: lists of names are easier to read so."""
    return names.split()


def word_set(names: str) -> frozenset[str]:
    """The same as a set."""
    return frozenset(listed(names))


PART = 10  # rank of a loss that is a part of another or of another data set
CLOCKS = ("tokens", "step", "samples", "epoch")
VALIDATION = word_set("cv val valid validation validate eval evaluation dev vl heldout holdout tel")
TEST = word_set("test testing te")
TRAIN = word_set("train training tr trn trl inner")
OF_DATA = VALIDATION | TEST | TRAIN
_LOSS = word_set("loss losses nll bpb bpc xent crossentropy ce crossentropyloss celoss logloss objective cost perplexity ppl mlogloss")
_PLAIN = word_set("lm avg average mean total global running step epoch per token model reduced nats value metrics")
_PLAIN |= word_set("""
    loss losses objective optimized log c entropy cross base overall full main current iter batch scaling scalars history
    all text language modeling trainer sum smooth smoothed ema raw multi binary categorical sparse s bits byte
""")
_NOT_LOSS = word_set("""
    scale scaler weight weights std var min max grad best lowest coef ratio delta lambda time count penalty acc accuracy
    diff gap reader floor forecast target low high exponent spike
""")
_NOT_LR = word_set("scale mult multiplier decay ratio max min base warmup loss momentum")
_SMOOTHED = word_set("smooth smoothed running ema")
_QUALIFIERS = OF_DATA | _SMOOTHED | word_set("avg average mean raw total")
_PERPLEXITY = word_set("perplexity ppl")
_RATE = word_set("""
    per sec second s throughput rate speed tps time ms seconds gpu device elapsed remaining eta duration size batch length
    target budget planned max total
""")
_STEP = word_set("step steps iteration iterations iter iters itr it niter update updates timestep timesteps")
_TOKEN = word_set("token tokens ntokens tok")
_SAMPLE = word_set("sample samples example examples sequences images")
PREFIXED = re.compile(r"\b([kmgbt])(tok(?:en)?s?|steps?|iters?)\b", re.IGNORECASE)  # `Mtok`, `ksteps`
_SIZED = re.compile(r"(.*?)[\s_/(\-]*(\d+(?:\.\d+)?[kKmMbB])\)?")
_NUMBERED = re.compile(r" \(\d+\)$")
_COUNTED = {
    ("throughput", "total", "tokens"): "tokens",
    ("time", "total", "timesteps"): "step",
    ("total", "timesteps"): "step",
    ("time", "token"): "tokens",
    ("time", "batch"): "step",
    ("time", "sample"): "samples",
    ("time", "epoch"): "epoch",
}
_RANKS = {("rank",), ("local", "rank"), ("global", "rank"), ("dp", "rank"), ("gpu",), ("gpu", "id"), ("worker",), ("process", "index")}
_RUN = tuple(
    listed("run run_id run_name run_uuid run_hash runid experiment experiment_name trial trial_id seed version job job_id exp model_name")
)
KEY = ("key", "metric", "metric_name", "metricname", "tag", "variable", "name", "metric_key")  # as words joined by _
VALUE = ("value", "metric_value", "metricvalue", "values", "val", "y")
SPLIT = ("split", "phase", "mode", "stage", "subset", "set", "partition", "part")


class Role(NamedTuple):
    """What a column is (`loss`, `perplexity`, `step`, `tokens`, `samples`, `epoch`, `lr`, `rank`, `run`). Of several the one of the
    lowest rank is meant.

    `split` is `validation`, `test`, `train` or empty for a loss.
    """

    what: str
    rank: int = 0
    split: str = ""


@lru_cache(4096)
def words(name: str) -> tuple[str, ...]:
    """A name in words, in lower case.

    >>> words("gpt2 - train/loss_step"), words("valLoss"), words("lr-AdamW")
    (('gpt2', 'train', 'loss', 'step'), ('val', 'loss'), ('lr', 'adam', 'w'))
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[a-z]+[0-9]*|[0-9]+", PREFIXED.sub(r"\1 \2", spaced).lower()))


def joined(name: str) -> str:
    """The words of a name as one: `metric.name` and `metricName` are `metric_name`."""
    return "_".join(words(name))


@lru_cache(4096)
def role(name: str) -> Role | None:
    """The role that a column of this name usually has, None for one that is not needed.

    >>> role("eval/loss"), role("optim/lr"), role("loss_scale"), role("trainer/global_step")
    (Role(what='loss', rank=0, split='validation'), Role(what='lr', rank=0, split=''), None, Role(what='step', rank=0, split=''))
    """
    found = words(metric_of(name))
    have = set(found)
    if not found:
        return None
    kind = words(re.sub(r"\(\D*?\)", "", metric_of(name)))  # a schedule's, `lr(PiecewiseDecay)`
    return _lr(kind, set(kind)) or _loss(found, have) or _clock(name, found, have) or _run(found)


def metric_of(name: str) -> str:
    """A column of W&B's charts is called `run - metric`; one whose name comes twice is numbered, `loss (2)`."""
    return _NUMBERED.sub("", name.rsplit(" - ", 1)[-1])


@lru_cache(4096)
def bare_loss(name: str) -> Role | None:
    """The role of a name that only qualifies the word loss, by a part of the data or a mean: `val`, `train`, `avg`.

    >>> bare_loss("Val"), bare_loss("val_loss"), bare_loss("accuracy")
    (Role(what='loss', rank=0, split='validation'), None, None)
    """
    found = words(metric_of(name))
    return _loss((*found, "loss"), {*found, "loss"}) if len(found) == 1 and found[0] in _QUALIFIERS else None


def run_by_size(name: str) -> tuple[str, str] | None:
    """(size, metric) where a column is the loss of one of several runs, named by its size; None for any other.

    >>> run_by_size("125M"), run_by_size("val_loss_1.3B"), run_by_size("tokens_1B")
    (('125M', 'loss'), ('1.3B', 'val_loss'), None)
    """
    found = _SIZED.fullmatch(name.strip())
    metric = (found[1] if found is not None else "") or "loss"
    return (found[2], metric) if found is not None and (meant := role(metric)) is not None and meant.what == "loss" else None


def names_another(word: str) -> bool:
    """Whether a loss behind this word is another number than a loss: `best`, `min`, `target`."""
    return not _NOT_LOSS.isdisjoint(words(word))


def numbered(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it where it is taken: `loss (2)` is the second of its line or header.

    >>> numbered("loss", ["loss", "loss (2)"])
    'loss (3)'
    """
    return name if name not in taken else next(each for k in count(2) if (each := f"{name} ({k})") not in taken)


def _lr(found: tuple[str, ...], have: set[str]) -> Role | None:
    pair = any(a in ("learning", "learn") and b == "rate" for a, b in pairwise(found))
    if not (pair or have & {"lr", "lrs", "lrm", "lr0", "lrate", "learningrate"}) or have & _NOT_LR:
        return None
    return Role("lr", len(found) - 1 - pair - bool(have & {"train", "optim", "optimizer", "trainer"}))


def _loss(found: tuple[str, ...], have: set[str]) -> Role | None:
    named = have & _LOSS or ({"bits", "byte"} <= have and {"bpb"}) or ({"cross", "entropy"} <= have and {"ce"})
    if not named or have & _NOT_LOSS or {"batch", "cost"} <= have:
        return None
    split = "validation" if have & VALIDATION else "test" if have & TEST else "train" if have & TRAIN else ""
    if have & _PERPLEXITY:
        return Role("perplexity", 0, split)
    numbered = {b for a, b in pairwise(found) if a in VALIDATION and b.isdigit()}  # of several validation sets
    part = len(have - _LOSS - _PLAIN - VALIDATION - TEST - TRAIN - numbered) + (("value", "loss") in pairwise(found))
    coarse = ("epoch" in have) + 2 * bool(have & _SMOOTHED)
    return Role("loss", PART * part + coarse, split)


def _clock(name: str, found: tuple[str, ...], have: set[str]) -> Role | None:
    if found in _COUNTED:  # OLMo, Composer, stable-baselines
        return Role(_COUNTED[found], 3)
    if found in (("batch",), ("batch", "idx")):  # of an epoch
        return Role("step", 20)
    if have & _TOKEN and not have & (_RATE - {"total"}):
        return Role("tokens", len(found)) if not have & {"unique", "dataset", "new", "generated"} else None
    if have & {"epoch", "epochs", "ep"} and not have & (_RATE | {"steps", "step"}) and found[:1] != ("num",):
        return Role("epoch", len(found) - 1)
    if have & _SAMPLE and not have & _RATE:
        return Role("samples", len(found) - 1)
    if have & _STEP and not have & _RATE and not have & {"skipped", "avg", "warmup", "number", "nan", "min"}:
        other = len(have - _STEP - {"global", "train", "trainer", "training", "optimizer", "num"})
        return Role("step", 4 * other + 2 * metric_of(name).startswith("_") + bool(have & {"iter", "iters", "it"}))
    return None


def _run(found: tuple[str, ...]) -> Role | None:
    if found in _RANKS:
        return Role("rank")
    name = "_".join(found)
    return Role("run", _RUN.index(name)) if name in _RUN else None
