"""What a text reads, by DuckDB's own parser, whose tree it gives as JSON.

All that is not known to stay within the tables is refused: kinds of queries and sources are those of a list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeAlias

from mlcore.errors import shorten

__all__ = ["find_foreign", "parsed_query"]

_Names: TypeAlias = frozenset[str]

_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_MODIFIERS = {
    *("DISTINCT_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "ORDER_MODIFIER"),
    *("ASCENDING", "DESCENDING", "ORDER_DEFAULT"),
}
_SOURCES = {"BASE_TABLE", "JOIN", "SUBQUERY", "EXPRESSION_LIST", "EMPTY", "TABLE_FUNCTION", "PIVOT"}
_TABLE_FUNCTIONS = {"range", "generate_series", "unnest", "repeat", "json_each", "json_tree"}
# They read or change what is no argument of theirs, or wait.
_FUNCTIONS = set(
    "getenv current_setting getvariable nextval currval setval write_log json_serialize_plan "
    "json_execute_serialized_sql pg_get_viewdef sleep_ms pg_sleep".split()
)


def parsed_query(serialized: str) -> Any:
    """Return the tree of what ``json_serialize_sql`` gave, if that is one query.

    Raises:
        ValueError: it is none; the message says what was expected and found.

    >>> parsed_query('{"error": false, "statements": [{"node": {"type": "SELECT_NODE"}}]}')["type"]
    'SELECT_NODE'
    """
    try:
        found = json.loads(serialized)
    except RecursionError:
        raise ValueError("expected a query nested less deep, got one too deep for Python") from None
    if not found["error"] and len(found["statements"]) == 1:
        return found["statements"][0]["node"]
    if found.get("error_type") == "not implemented":
        raise ValueError("expected one query, a SELECT, got another statement")
    if found["error"]:
        reason = shorten(found["error_message"], 300)
        raise ValueError(f"expected what duckdb can run, got {reason}")
    raise ValueError(f"expected one query, got {len(found['statements'])} of them")


def find_foreign(query: Any, tables: Collection[str]) -> str | None:
    """Return what a query reads besides its tables, in words, or None.

    Args:
        query: as ``parsed_query`` gives it.
        tables: names; DuckDB does not tell upper from lower case.

    >>> table = {"type": "BASE_TABLE", "catalog_name": "", "schema_name": "", "table_name": "t"}
    >>> find_foreign(table, ["T"]), find_foreign(table, [])
    (None, "'t'")
    """
    pending = [(query, frozenset(name.lower() for name in tables))]
    while pending:  # no recursion: a chain of additions is as deep as it is long
        node, names = pending.pop()
        if isinstance(node, dict):
            foreign = _foreign(node, names)
            if foreign is not None:
                return foreign
            pending += _children(node, names)
        elif isinstance(node, list):
            pending += [(one, names) for one in node]
    return None


def _foreign(node: Mapping[str, Any], names: _Names) -> str | None:
    if "class" in node:  # an expression; what it may hold beside functions are queries
        return _foreign_function(node, _FUNCTIONS.__contains__)
    kind = node.get("type")
    if kind == "TABLE_FUNCTION":
        return _foreign_function(node["function"], lambda name: name not in _TABLE_FUNCTIONS)
    if kind == "BASE_TABLE":
        path = [node["catalog_name"], node["schema_name"], node["table_name"]]
        name = ".".join(filter(None, path))
        return None if name.lower() in names and not any(path[:2]) else shorten(name)
    if not isinstance(kind, str) or kind in _QUERIES | _SOURCES | _MODIFIERS:
        return None
    if kind.endswith("_TYPE_INFO"):  # of a CAST, before DuckDB 2
        return None
    return kind.removesuffix("_NODE").removesuffix("_QUERY").removesuffix("_REF")


def _foreign_function(node: Mapping[str, Any], is_foreign: Callable[[str], bool]) -> str | None:
    name = str(node.get("function_name", ""))
    return f"{shorten(name, 100)[1:-1]}(...)" if is_foreign(name.lower()) else None


def _children(node: Mapping[str, Any], names: _Names) -> Iterator[tuple[Any, _Names]]:
    """Yield the parts of a node, each with the names of tables that it sees."""
    for named in node.get("cte_map", {"map": ()})["map"]:
        yield named["value"], names  # itself is not among them, unless it is recursive
        names |= {named["key"].lower()}
    for key, part in node.items():
        if key == "right" and node.get("type") == "RECURSIVE_CTE_NODE":
            yield part, names | {node["cte_name"].lower()}
        elif key != "cte_map":
            yield part, names
