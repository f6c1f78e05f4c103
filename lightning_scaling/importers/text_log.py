"""What training scripts print, line by line: a loss belongs to the clock of its line, or to that of a line before it."""

import re
from collections import deque
from collections.abc import Iterable, Iterator

from lightning_scaling.importers.cells import NUMBER, cut_short
from lightning_scaling.importers.column_names import CLOCKS, Role, role
from lightning_scaling.importers.frame import Frame, Tally, frames_of
from lightning_scaling.importers.importer import Importer, Options
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.text_line import bar, parse
from lightning_scaling.numbers import parse_count

_VALUES = {"loss", "lr", "perplexity"}
# A bar that Keras draws again and again until the epoch is whole.
_UNFINISHED = re.compile(r"^\s*(?:\x1b\[[0-9;]*m)*\s*(\d+)/(\d+)\S*\s+(?:\x1b\[[0-9;]*m)*(?:\[[=>.]|━)")
MOST_LINES = 100  # of a dictionary that is printed over several
ABOVE = 20  # lines that the last one is compared with
_NUMBERS = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:[eE][-+]?\d*)?")
_AT_END = re.compile(_NUMBERS.pattern + "$")
_COMMA, _POINT = (re.compile(rf"loss\W{{1,3}}\d+{sign}\d", re.IGNORECASE) for sign in (",", r"[\d,]*\."))
_DECIMAL = re.compile(r"(?<=\d),(?=\d)")
_BARS = re.compile(r"[#█-▏=>\s]+")
_FACT = re.compile(
    r"\b(?:tokens ?(?:per|/) ?(?:iteration|iter|step|batch|update)|(?P<params>(?:total |number of )parameters))"
    rf"\b[^\d\n]{{0,20}}(?P<value>{NUMBER}\s?[kKMBT]?)\b",
    re.IGNORECASE,
)
_RULER = re.compile(r"^={40,}\s*$")


def recognises(source: Source) -> bool:
    """A few lines that hold a clock and a loss, or a long text that may come to them."""
    if not source.is_text:
        return False
    lines = source.text.splitlines()
    return next(logged(enumerate(lines, 1), Tally()), None) is not None or len(lines) > 300


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """The lines that hold a clock with a loss or a rate."""
    tally.kind = signature(source)
    lines = whole_lines(source, tally)
    if _COMMA.search(source.text) and not _POINT.search(source.text):
        tally.remark("decimal commas")
        lines = ((number, _DECIMAL.sub(".", line)) for number, line in lines)
    return frames_of(logged(_behind_code(lines, tally) if tally.kind == "modded-nanogpt log" else lines, tally), tally)


def whole_lines(source: Source, tally: Tally) -> Iterator[tuple[int, str]]:
    """The numbered lines without a last one that is still being written."""
    held: deque[tuple[int, str]] = deque(maxlen=ABOVE)
    for each in source.lines():
        if held:
            yield held[-1]
        held.append(each)
    number, last = held.pop() if held else (0, "")
    if not source.ended and _begins_as_one_of([line for _, line in held], last):
        tally.skip("half-written last row", number)
    elif number:
        yield number, last


def _begins_as_one_of(above: list[str], last: str) -> bool:
    """Whether the last line is the beginning of one like those above, or ends in a number that was cut."""
    forms = [_form(line) for line in above]
    alike = [line for line, form in zip(above, forms, strict=True) if form == _form(last)]
    if not alike:
        return any(form.startswith(_form(last)) for form in forms)
    numbers = [found[0] if (found := _AT_END.search(line)) else "" for line in (*alike, last)]
    return cut_short(numbers[-1], numbers[:-1])


def _form(line: str) -> str:
    """A line without its numbers and bars."""
    return _BARS.sub(" ", _NUMBERS.sub("0", line))


def _behind_code(lines: Iterable[tuple[int, str]], tally: Tally) -> Iterator[tuple[int, str]]:
    """The lines behind the script's own text, which modded-nanogpt prints first and ends with a ruler; all where there is none."""
    held: list[tuple[int, str]] = []
    iterator = iter(lines)
    for number, line in iterator:
        held.append((number, line))
        if _RULER.match(line):
            tally.skip("the script itself", held[0][0], len(held))
            held = []
        if not held or line.startswith("step:"):
            break
    yield from held
    yield from iterator


def _whole(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines, those of a dictionary that is printed over several of them joined into one."""
    begun, held = 0, ""
    for number, line in lines:
        if held:
            held = f"{held} {line.strip()}"
        elif line.lstrip().startswith("{") and line.count("{") > line.count("}"):
            begun, held = number, line
        if not held:
            yield number, line
        elif held.count("{") <= held.count("}") or number - begun > MOST_LINES:
            yield begun, held
            held = ""
    if held:
        yield begun, held


def logged(lines: Iterable[tuple[int, str]], tally: Tally) -> Iterator[tuple[int, dict[str, float]]]:
    """A loss without a clock belongs to the step before it where it is a validation loss, or where that step's line had no loss itself."""
    clock: dict[str, float] = {}
    bare = False
    epochs = _Epochs()
    for number_of_line, line in _whole(lines):
        if (part := _UNFINISHED.match(line)) is not None and int(part[1]) < int(part[2]):
            tally.skip("an epoch's bar before its end", number_of_line)
            continue
        row = epochs.placed(parse(line[:4000], tally), line[:4000], tally)
        roles = _roles(row)
        have = {found.what for found in roles.values()}
        if have & set(CLOCKS):
            own = {name: row[name] for name, found in roles.items() if found.what in CLOCKS}
            added = not have & _VALUES and not _kinds(own) & _kinds(clock)
            clock = {**clock, **own} if added else own
            bare = not have & _VALUES
        elif have & {"loss", "lr"} and clock and (bare or all(r.split == "validation" for r in roles.values())):
            tally.remark("values printed without a step belong to the step before them")
            row, have = {**clock, **row}, {*have, "step"}
        if have & _VALUES and have & set(CLOCKS):
            yield number_of_line, row
        elif line.strip():
            tally.skip("no step with a loss or a learning rate", number_of_line)
            _note(line, number_of_line, tally)


def _note(line: str, row: int, tally: Tally) -> None:
    """Keeps what a log states once: the tokens of a step, the parameters of the model."""
    found = _FACT.search(line[:4000])
    if found is not None:
        fact = "params" if found["params"] else "tokens_per_step"
        if fact not in tally.facts:
            tally.facts[fact] = parse_count(found["value"])
            tally.remark(f"{fact} {tally.facts[fact]:g} from row {row}")


class _Epochs:
    """Progress bars of epochs, `Epoch 2: 100/1000`, as steps counted on over all of them; epochs are numbered from 0 or from 1."""

    def __init__(self) -> None:
        self._first: float | None = None

    def placed(self, row: dict[str, float], line: str, tally: Tally) -> dict[str, float]:
        """The row with the step of the line's bar, where it has none; of a bar that counts samples the share of its epoch."""
        have = _kinds(row)
        progress = bar(line) if have & _VALUES and "step" not in have else None
        if progress is None or (progress.epoch is None and "epoch" in have):
            return row
        if progress.epoch is None:
            return {**row, "step": progress.step}
        if self._first is None:
            self._first = min(progress.epoch, 1.0)
        passed = progress.epoch - self._first
        if progress.samples:
            epochs = {name for name, found in _roles(row).items() if found.what == "epoch"}
            return {**{name: value for name, value in row.items() if name not in epochs}, "epoch": passed + progress.step / progress.total}
        tally.facts["steps_per_epoch"] = progress.total
        return {**row, "step": passed * progress.total + progress.step}


def _roles(row: dict[str, float]) -> dict[str, Role]:
    return {name: found for name in row if (found := role(name)) is not None}


def _kinds(clock: dict[str, float]) -> set[str]:
    return {found.what for found in _roles(clock).values()}


def signature(source: Source) -> str:
    """Which program's log it is, as far as its lines tell; else "text log"."""
    marks = {
        "nanoGPT log": r"^iter \d+: loss |^step \d+: train loss ",
        "modded-nanogpt log": r"^step:\d+/\d+ \w+_loss:",
        "llm.c log": r"^s:\d+ t[re]l:",
        "build-nanogpt log": r"^\d+ (train|val) \d",
        "Megatron log": r"iteration +\d+/ *\d+ \| consumed samples",
        "NeMo log": r"global_step: \d+ .*reduced_train_loss",
        "torchtitan log": r"step: +\d+ .*loss: .*tps",
        "litgpt log": r"iter \d+ step \d+ \| loss train",
        "nanochat log": r"^step \d+/\d+ \(.*\) \| (train )?loss",
    }
    head = re.sub(r"\x1b\[[0-9;]*m", "", source.text)
    return next((kind for kind, mark in marks.items() if re.search(mark, head, re.MULTILINE)), "text log")


IMPORTERS = (Importer("text", "text log", recognises, read),)
