"""The version of the project; the packaging reads it from here."""

__all__ = ["VERSION"]

VERSION = "0.2.0"
