"""Settings of the whole suite."""

from hypothesis import settings

# Machines are shared, so no example has a deadline; the same examples everywhere, so that a failure
# in one place can be seen in another.
settings.register_profile("mlcore", deadline=None, derandomize=True)
settings.load_profile("mlcore")
