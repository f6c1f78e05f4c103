"""The approaches of Hoffmann et al. 2022 and of Kaplan et al. 2020 to the optimal split of compute, side by side."""
