"""Many sizes to one law: train a few widths, gather them from the store, fit loss against compute, foretell a larger one.

python examples/many_sizes.py
"""

from tiny_gpt import Text, TinyGPT, trainer

from lightning_scaling import store
from lightning_scaling.callbacks import ScalingLawMonitor
from lightning_scaling.laws import fit_frontier
from lightning_scaling.report.page import write_report

STORE = "sqlite:///mlflow.db"
STEPS = {8: 45, 16: 90, 24: 135, 32: 180}  # tokens grow with size

for width, steps in STEPS.items():
    monitor = ScalingLawMonitor(store=STORE, experiment="many sizes", run_name=f"width {width}", family="tiny gpt", summary=False)
    trainer(monitor, steps, logger=False).fit(TinyGPT(width, steps), Text())

study = store.load(STORE, experiments="many sizes").finished
law = fit_frontier([run.spent for run in study], [run.loss for run in study])
ten_times = 10 * max(run.spent for run in study)
low, high = law.band(ten_times)
print(study.table()[["name", "params", "tokens", "loss"]].to_string(index=False))
print(
    f"L = (C0/C)^{law.exponent:.3f}, R² {law.r_squared:.4f}; at ten times the FLOPs {law.predict(ten_times):.3f} ({low:.3f} to {high:.3f})"
)
print(f"report: {write_report('many_sizes', study.records, frontier=law)}")
