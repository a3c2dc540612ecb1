"""The tools of the conformance suite: ``generate``, ``freeze``, ``check`` and ``run``.

Only the tests and the Python adapter import mlcore and numpy, so no defect of the library can hide in
the expected answers.
"""
