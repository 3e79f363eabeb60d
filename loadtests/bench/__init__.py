"""Measured figures, side by side in one run; ratios carry from machine to machine, times do not."""
