"""Reports: one HTML page of what the commands wrote, which needs nothing else to be read."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.report.report import report_from_path as report_from_path
else:
    __getattr__ = lazy_names(__name__, "report")
