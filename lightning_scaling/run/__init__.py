"""The data model that everything else passes along: a run's curve, its learning-rate schedule, its record and how it was counted."""
