"""What writing to MLflow imports, for a process that others are forked from."""

import mlflow.tracking

import lightning_scaling.store.mlflow.client

__all__ = ["lightning_scaling", "mlflow"]
