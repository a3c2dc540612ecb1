"""The limits of what is read, so that no input takes memory or time out of proportion.

Go has the same in ``interop/go/internal/tables/limits.go``; those of the model format are in
``interop/SPEC.md``, section 11.
"""

from __future__ import annotations

__all__ = [
    "MAX_COLUMNS",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_DOCUMENT_BYTES",
    "MAX_FIELD",
    "MAX_LINE_BYTES",
    "MAX_ROW",
    "MAX_SPACE",
    "MAX_SPACE_DEPTH",
    "MAX_VALUES",
]

MAX_LINE_BYTES = 2**26  # without the line feed; an explained list of 100 items may have 48 MB
MAX_DOCUMENT_BYTES = 2**26  # of JSON that is read as a whole
MAX_FIELD = 2**24  # characters of a field of a row, or of a text of an object
MAX_ROW = 2**26  # characters of a row of CSV, whose fields may have line breaks in quotes
MAX_COLUMNS = 2**14  # of a table, as in a spreadsheet
MAX_DEPTH = 500  # of arrays and objects in JSON; Python's parser reads some 900
MAX_VALUES = 2**22  # of a JSON text, arrays and objects included: one takes up to 200 bytes
MAX_DIGITS = 4300  # of an integer in JSON; one of more is infinite, as Python refuses to convert it
MAX_SPACE = 2**14  # configurations on the boundary of a search space, which are all validated
MAX_SPACE_DEPTH = 64  # of arrays and objects in it
