"""Small trainings of two modalities for benchmarks: next bytes of Python source, and classes of synthetic images. Seconds each.

Sizes of a family see the same number of examples a parameter. A training can be made ill on the way, and an average of its weights over
the last twentieth of the steps is validated beside the weights. Finished trainings are kept in a folder outside of the repository.
"""

import math
import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lightning_scaling.ladder.corpus import load_corpus
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

CONTEXT, CLASSES, SIDE = 12, 24, 10
EXAMPLES = {"text": 16, "images": 16}  # a parameter
CHUNK = 64  # batches made at once
BATCH, VALIDATION, VALIDATIONS = 128, 4096, 100
SHARE = 0.05  # of the steps so far that are averaged
CACHE = Path(tempfile.gettempdir()) / "lightning-scaling-trainings"


@dataclass(frozen=True)
class Training:
    """What is trained.

    Args:
        task: "text" or "images".
        width: of the hidden layer.
        shape: of the schedule: "cosine", "linear", "wsd" or "constant".
        fault: what goes wrong at the share `at` of the budget; "" for nothing.
        rate, batch, examples: factors on the usual peak rate, batch size and examples a parameter.
    """

    task: str
    width: int
    shape: str = "cosine"
    seed: int = 0
    fault: str = ""
    at: float = 0.0
    rate: float = 1.0
    batch: float = 1.0
    examples: float = 1.0
    optimizer: str = "adamw"

    def curve(self, cache: Path = CACHE) -> Curve:
        """Its curve, trained unless it is kept already."""
        path = cache / f"{sha256(repr(astuple(self)).encode()).hexdigest()[:16]}.pickle"
        if not path.exists():
            found = _train(self)
            cache.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(found))
        return Curve(**pickle.loads(path.read_bytes()))


def schedule_of(shape: str, steps: int) -> Schedule:
    """The schedule of that shape, with a warm-up over a fiftieth."""
    warmup = max(steps // 50, 1)
    makers: dict[str, Callable[[], Schedule]] = {
        "cosine": lambda: Schedule.cosine(steps, end=0.1, warmup=warmup),
        "linear": lambda: Schedule.linear(steps, warmup=warmup),
        "wsd": lambda: Schedule.wsd(steps, decay=0.2, warmup=warmup),
        "constant": lambda: Schedule.constant(steps, warmup=warmup),
    }
    return makers[shape]()


def _train(run: Training) -> dict[str, object]:
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    data, model = TASKS[run.task](run.seed)
    net = model(run.width)
    params = sum(p.numel() for p in net.parameters())
    batch = int(BATCH * run.batch)
    steps = int(EXAMPLES[run.task] * run.examples * params / batch)
    schedule, peak = schedule_of(run.shape, steps), 6e-3 * math.sqrt(32 / run.width) * run.rate
    decay = 0.01
    if run.optimizer == "adamw":
        optimizer: torch.optim.Optimizer = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=decay, betas=(0.9, 0.98))
    else:
        optimizer = torch.optim.SGD(net.parameters(), lr=peak, momentum=0.9, nesterov=True)
        peak = 0.1 * run.rate
    weights = list(net.parameters())
    average = [w.detach().clone() for w in weights]
    marks = set(np.unique(np.linspace(steps / VALIDATIONS, steps, VALIDATIONS).astype(int)).tolist())
    held = next(data(VALIDATION, validation=True))
    examples, rows = 0, []
    source, repeated = data(batch), None
    for step in range(1, steps + 1):
        ill = bool(run.fault) and step > run.at * steps
        rate = peak * float(schedule.at(step)) * (_rate_fault(run, step / steps, schedule, steps) if ill else 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate
            if ill and run.fault == "weight decay":
                group["weight_decay"] = 3.0
        x, y = next(source)
        if ill and run.fault == "targets":
            wrong = torch.rand(len(y)) < 0.15
            y = torch.where(wrong, y[torch.randperm(len(y))], y)
        if ill and run.fault == "repeated":
            repeated = repeated or [(x, y)] + [next(source) for _ in range(max(int(0.02 * steps), 4) - 1)]
            x, y = repeated[step % len(repeated)]
        if ill and run.fault == "batch":
            x, y = x[: max(batch // 16, 1)], y[: max(batch // 16, 1)]
        if ill and run.fault == "inputs":
            x = torch.where(torch.rand(x.shape) < 0.4, torch.zeros_like(x), x)
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
        torch._foreach_lerp_(average, [w.detach() for w in weights], 1 / max(1.0, SHARE * step))
        examples += batch
        if step in marks:
            rows.append((examples, _loss(net, held), step, _loss_of(net, weights, average, held)))
    tokens, loss, at, averaged = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    return dict(tokens=tokens, loss=loss, step=at, schedule=schedule, params=params, averaged_loss=averaged, optimizer_steps=True)


def _rate_fault(run: Training, share: float, schedule: Schedule, steps: int) -> float:
    """Factor on the rate after the fault: the schedule that is stated stays."""
    planned = float(schedule.at(share * steps)) or 1e-9
    if run.fault == "stuck":
        return float(schedule.at(run.at * steps)) / planned
    if run.fault == "early decay":
        return 0.03 / planned
    return {"rate x2": 2.0, "rate x4": 4.0, "rate x10": 10.0}.get(run.fault, 1.0)


@torch.no_grad()
def _loss(net: nn.Module, held: tuple[Tensor, Tensor]) -> float:
    return float(nn.functional.cross_entropy(net(held[0]), held[1]))


@torch.no_grad()
def _loss_of(net: nn.Module, weights: list[nn.Parameter], other: list[Tensor], held: tuple[Tensor, Tensor]) -> float:
    kept = [w.detach().clone() for w in weights]
    for weight, value in zip(weights, other, strict=True):
        weight.copy_(value)
    found = _loss(net, held)
    for weight, value in zip(weights, kept, strict=True):
        weight.copy_(value)
    return found


Batches = Iterator[tuple[Tensor, Tensor]]


def _text(seed: int) -> tuple[Callable[..., Batches], Callable[[int], nn.Module]]:
    corpus = load_corpus()
    parts = {kind: torch.frombuffer(bytearray(getattr(corpus, kind)), dtype=torch.uint8).long() for kind in ("train", "validation")}
    parts = {kind: torch.clamp(text, max=127) for kind, text in parts.items()}

    def batches(size: int, validation: bool = False) -> Batches:
        text = parts["validation" if validation else "train"]
        drawn = torch.Generator().manual_seed(10**6 if validation else seed)
        while True:
            first = torch.randint(len(text) - CONTEXT, (size,), generator=drawn)
            window = text[first[:, None] + torch.arange(CONTEXT + 1)]
            yield window[:, :-1], window[:, -1]

    def model(width: int) -> nn.Module:
        return nn.Sequential(nn.Embedding(128, 12), nn.Flatten(), nn.Linear(12 * CONTEXT, width), nn.GELU(), nn.Linear(width, 128))

    return batches, model


def _images(seed: int) -> tuple[Callable[..., Batches], Callable[[int], nn.Module]]:
    """Smooth random prototypes, three to a class, shifted, blended with another class's and covered with noise."""
    drawn = torch.Generator().manual_seed(7)
    blur = torch.ones(1, 1, 3, 3) / 9
    field = torch.randn(3 * CLASSES, 1, SIDE + 8, SIDE + 8, generator=drawn)
    prototypes = torch.conv2d(torch.conv2d(field, blur), blur)[:, 0]
    prototypes = prototypes / prototypes.std((1, 2), keepdim=True)

    def batches(size: int, validation: bool = False) -> Batches:
        own = torch.Generator().manual_seed(10**6 if validation else seed)
        chunk = size if validation else CHUNK * size
        while True:
            y = torch.randint(CLASSES, (chunk,), generator=own)
            first, other = y + CLASSES * torch.randint(3, (chunk,), generator=own), torch.randint(3 * CLASSES, (chunk,), generator=own)
            dx, dy = torch.randint(4, (2, chunk), generator=own)
            rows = dy[:, None, None] + torch.arange(SIDE)[:, None]
            columns = dx[:, None, None] + torch.arange(SIDE)
            clean = prototypes[first[:, None, None], rows, columns] + 0.5 * prototypes[other[:, None, None], rows, columns]
            yield from zip((clean + torch.randn(clean.shape, generator=own)).split(size), y.split(size), strict=True)

    def model(width: int) -> nn.Module:
        return nn.Sequential(
            nn.Flatten(), nn.Linear(SIDE**2, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, CLASSES)
        )

    return batches, model


TASKS = {"text": _text, "images": _images}
