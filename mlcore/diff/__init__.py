"""How two models differ: configuration, data, items, popularity, neighbors; and gates on that."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.diff.diff import diff_from_data as diff_from_data
    from mlcore.diff.diff import diff_from_path as diff_from_path
    from mlcore.diff.result import ModelDiff as ModelDiff
else:
    __getattr__ = lazy_names(__name__, "result", "diff")
