"""The tools of the conformance suite: ``generate``, ``freeze``, ``check`` and ``run``.

All but the tests and the Python adapter do without mlcore and numpy, so that no defect of the
library can hide in the expected answers.
"""
