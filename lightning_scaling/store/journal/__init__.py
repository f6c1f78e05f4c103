"""A run's journal on disk and the thread that delivers it. Knows no store: a `Sink` takes what it holds."""
