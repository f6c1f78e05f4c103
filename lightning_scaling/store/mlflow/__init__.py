"""MLflow as a store: the sink that writes a run, and the reading of runs, ours and those of other programs."""
