"""The surface L(N, D) = E + A/N^alpha + B/D^beta: its fit, how sure it is, and whether its form is right."""
