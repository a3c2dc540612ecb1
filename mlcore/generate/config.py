"""Settings of synthetic data. Loads no numpy, for the help of commands."""

__all__ = ["DEFAULT_SKEW", "MAX_SKEW"]

DEFAULT_SKEW = 1
MAX_SKEW = 3  # beyond, numbers of 64 bits would overflow
