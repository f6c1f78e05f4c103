"""Laws of one variable: the final loss over compute across runs, and the loss of one run over its own compute."""
