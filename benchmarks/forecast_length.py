"""Whether the cost of a forecast grows with the length of the log: processor time for 100 000 points against 1 000.

OMP_NUM_THREADS=1 python benchmarks/forecast_length.py
"""

import time

import numpy as np

import lightning_scaling as ls

REPEATS = 60


def log_of(points: int) -> ls.Curve:
    """A noisy power law under a linear plan, half of it seen."""
    step = np.linspace(10, 1e6, points)
    loss = 2 + (step / 1e4) ** -0.3 + 0.001 * np.random.default_rng(0).standard_normal(points)
    return ls.Curve(step * 1e3, loss, step=step, schedule=ls.Schedule(step * 2, np.linspace(1, 0.1, points)))


def seconds(curve: ls.Curve) -> float:
    """Processor time of one forecast."""
    start = time.process_time()
    ls.forecast(curve, at=1.9e9)
    return time.process_time() - start


def main() -> None:
    short, long = log_of(1_000), log_of(100_000)
    times = np.median([(seconds(short), seconds(long)) for _ in range(REPEATS)], axis=0)  # in turns: a busy machine slows both
    print(f"1 000 points {1e3 * times[0]:.1f} ms, 100 000 points {1e3 * times[1]:.1f} ms: {times[1] / times[0]:.2f} times")


if __name__ == "__main__":
    main()
