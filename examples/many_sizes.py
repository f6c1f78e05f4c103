"""Many sizes to one law: train a few widths, gather them from the store, fit loss against compute, predict a larger one.

python examples/many_sizes.py
"""

from tiny_gpt import Text, TinyGPT, trainer

from lightning_scaling.callbacks import ScalingLawMonitor
from lightning_scaling.report import load_study, write_report

STORE = "sqlite:///mlflow.db"
STEPS = {8: 45, 16: 90, 24: 135, 32: 180}  # tokens grow with size

for width, steps in STEPS.items():
    monitor = ScalingLawMonitor(store=STORE, experiment="many sizes", run_name=f"width {width}", family="tiny gpt", summary=False)
    trainer(monitor, steps, logger=False).fit(TinyGPT(width, steps), Text())

study = load_study(STORE, experiments="many sizes")
fit = study.fit()
ten_times = 10 * max(run.spent for run in study)
loss, low, high = fit.frontier.expected(ten_times)
print(study.table()[["name", "params", "tokens", "loss"]].to_string(index=False))
print(fit)
print(f"at ten times the FLOPs {loss:.3f} ({low:.3f} to {high:.3f})")
print(f"report: {write_report('many_sizes', study.records, fit)}")
