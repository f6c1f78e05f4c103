"""Published laws with their provenance, and what follows from them: served models, repeated data, the budget of a size."""
