"""Tokens of a step, number of weights and length of a run from the configuration beside its log; YAML of plain values only."""

import json
from pathlib import Path
from typing import Any

from lightning_scaling.importers.column_names import listed
from lightning_scaling.importers.frame import flat

NAMES = listed("""
    hparams.yaml config.yaml config.json training_args.json args.json hparams.json args.yaml wandb-metadata.json
    files/config.yaml
""")
MOST_BYTES = 4 * 2**20
_DIRECT = ("tokens_per_step", "tokens_per_iter", "tokens_per_batch", "total_batch_size_tokens", "batch_size_tokens", "global_batch_tokens")
_BATCH = listed("""
    global_batch_size train_batch_size total_batch_size per_device_train_batch_size micro_batch_size device_batch_size batch_size
""")
_LENGTH = listed("""
    seq_len seq_length sequence_length block_size context_length max_seq_len max_seq_length n_ctx context_size max_length
""")
_TIMES = ("gradient_accumulation_steps", "gradient_accumulation_iters", "accumulate_grad_batches", "grad_accum_steps", "grad_accumulation")
_DEVICES = ("world_size", "num_devices", "devices", "n_gpus", "num_gpus", "data_parallel_size")
_WHOLE = ("global_batch_size", "total_batch_size", "train_batch_size")
_PARAMS = ("n_params", "num_params", "params", "n_parameters", "num_parameters", "total_params", "model_params")
_STEPS = ("max_steps", "total_steps", "max_iters", "train_iters", "num_iterations", "train_steps", "num_train_steps")


def facts_beside(folder: Path | None) -> tuple[dict[str, float], list[str]]:
    """(`tokens_per_step`, `params`, `total_steps` as far as they are known; remarks) of the configuration files in a folder."""
    found: dict[str, float] = {}
    remarks: list[str] = []
    for name in NAMES if folder is not None else ():
        path = Path(str(folder)) / name
        if not path.is_file() or path.is_symlink() or path.stat().st_size > MOST_BYTES:
            continue
        try:
            document = _load(path)
        except (ValueError, ImportError, OSError) as error:
            remarks.append(f"{name} beside it is not read ({error})")
            continue
        new = {k: v for k, v in facts_of(document).items() if k not in found}
        if new:
            found |= new
            remarks.append(f"{', '.join(f'{k} {v:g}' for k, v in new.items())} from {name}")
    return found, remarks


def _load(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".json":
        try:
            document = json.loads(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None
    else:
        document = _yaml(text)
    return flat(document) if isinstance(document, dict) else {}


def _yaml(text: str) -> Any:
    """Plain values only: a tag that would construct an object is refused, and so are anchors, which can unfold into gigabytes."""
    import yaml

    if "&" in text and "*" in text and len(text) > 100_000:
        raise ValueError("YAML with anchors")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"no plain YAML: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def facts_of(document: dict[str, Any]) -> dict[str, float]:
    """The facts in a flat mapping; the last word of a name counts, and W&B's `name/value`.

    >>> facts_of({"data/batch_size": 8, "model/block_size": 1024, "max_iters": 100})
    {'tokens_per_step': 8192.0, 'total_steps': 100.0}
    """
    values: dict[str, float] = {}
    for name, value in document.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e30:
            values.setdefault(name.removesuffix("/value").rsplit("/", 1)[-1].lower().replace("-", "_"), float(value))
    found = {}
    if (tokens := _tokens_per_step(values)) is not None:
        found["tokens_per_step"] = tokens
    for fact, names in (("params", _PARAMS), ("total_steps", _STEPS)):
        if (value := next((values[n] for n in names if n in values), None)) is not None:
            found[fact] = value
    return found


def _tokens_per_step(values: dict[str, float]) -> float | None:
    """Direct, or batch × length × accumulation × devices; None where the length of a sequence is not written."""
    if (direct := next((values[n] for n in _DIRECT if n in values), None)) is not None:
        return direct
    batch, length = next((n for n in _BATCH if n in values), None), next((values[n] for n in _LENGTH if n in values), None)
    if batch is None or length is None:
        return None
    per_device = batch not in _WHOLE
    times = next((values[n] for n in _TIMES if n in values), 1.0) if per_device else 1.0
    devices = next((values[n] for n in _DEVICES if n in values), 1.0) if per_device else 1.0
    return values[batch] * length * times * devices
