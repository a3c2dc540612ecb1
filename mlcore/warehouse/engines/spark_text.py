"""What a text reads, by Spark's own parser, before the analyzer looks up tables, files and functions.

All that is not known to stay within the tables is refused: kinds of plans are those of a list.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from mlcore.errors import shorten

__all__ = ["find_foreign"]

_PLANS = set(
    "Aggregate Distinct Except Filter Generate GlobalLimit Intersect Join LateralJoin LocalLimit "
    "LocalRelation Offset OneRowRelation PipeOperator Pivot Project Repartition RepartitionByExpression "
    "Sample Sort SubqueryAlias Union Unpivot UnresolvedHaving UnresolvedHint UnresolvedInlineTable "
    "UnresolvedQualify UnresolvedRelation UnresolvedSubqueryColumnAliases UnresolvedTVFAliases "
    "UnresolvedTableValuedFunction UnresolvedWith Window WithWindowDefinition".split()
)
_TABLE_FUNCTIONS = set(
    "range explode explode_outer posexplode posexplode_outer inline inline_outer stack json_tuple "
    "variant_explode variant_explode_outer".split()
)
# Built-in ones that call Java, or read the file of a schema or of a document type, perhaps of the net.
_FUNCTIONS = set(
    "reflect java_method try_reflect from_avro to_avro schema_of_avro from_protobuf to_protobuf "
    "from_xml schema_of_xml xpath xpath_boolean xpath_double xpath_float xpath_int xpath_long "
    "xpath_number xpath_short xpath_string".split()
)


class _Plan(NamedTuple):
    """A plan, which is an object of Java, and the names of tables that it sees."""

    java: Any
    kind: str
    names: frozenset[str]


def find_foreign(session: Any, text: str, tables: Collection[str]) -> str | None:
    """Return what a query reads besides its tables, in words, or None; run and look up nothing.

    Args:
        session: of Spark.
        tables: names; Spark does not tell upper from lower case.

    Raises:
        ParseException: Spark cannot read the text.
    """
    plan = session._jsparkSession.sessionState().sqlParser().parsePlan(text)
    reader = _Reader(session._jvm)
    pending = [reader.plan(plan, frozenset(name.lower() for name in tables))]
    while pending:
        one = pending.pop()
        foreign = reader.foreign_source(one) or reader.foreign_expression(one)
        if foreign is not None:
            return foreign
        pending += reader.inner_plans(one)
    return None


class _Reader:
    """Reads plans that are not analyzed."""

    def __init__(self, jvm: Any) -> None:
        registry = jvm.org.apache.spark.sql.catalyst.analysis.FunctionRegistry.builtin()
        listed = str(registry.listFunction().mkString(" ")).split()  # such as system.builtin.abs
        own = {name.rpartition(".")[2].strip("`") for name in listed}
        self._functions = {*own, "to_hex"} - _FUNCTIONS

    def plan(self, java: Any, names: frozenset[str]) -> _Plan:
        return _Plan(java, str(java.getClass().getSimpleName()).removesuffix("$"), names)

    def foreign_source(self, plan: _Plan) -> str | None:
        """Return what a plan itself reads besides tables, in words, or None."""
        if plan.kind == "UnresolvedRelation":
            path = _list(plan.java.multipartIdentifier())
            is_table = len(path) == 1 and path[0].lower() in plan.names
            return None if is_table else shorten(".".join(path))
        if plan.kind == "UnresolvedTableValuedFunction":
            name = ".".join(_list(plan.java.name()))
            return _foreign_function(name, _TABLE_FUNCTIONS)
        return None if plan.kind in _PLANS else plan.kind

    def foreign_expression(self, plan: _Plan) -> str | None:
        """Return what the expressions of a plan call besides Spark's own functions, or None."""
        found = _list(plan.java.expressions())
        if plan.kind == "WithWindowDefinition":  # Spark does not count these among them
            found += [named._2() for named in _list(plan.java.windowDefinitions().toSeq())]
        pending: list[Any] = [json.loads(one.toJSON()) for one in found]
        queries = set()
        while pending:
            part = pending.pop()
            if isinstance(part, list):
                pending += part
            elif isinstance(part, dict) and "plan" in part:
                queries.add(part["exprId"]["id"])
            elif isinstance(part, dict):
                foreign = self._foreign_part(part)
                if foreign is not None:
                    return foreign
                pending += part.values()
        is_hidden = len(queries) > plan.java.subqueries().size()
        return "a query where Spark expects none" if is_hidden else None

    def _foreign_part(self, part: Mapping[str, Any]) -> str | None:
        kind = str(part.get("class")).rpartition(".")[2]
        if kind == "UnresolvedFunction":
            name = part["nameParts"][1:-1].replace(", ", ".")
            return _foreign_function(name, self._functions)
        if kind == "UnresolvedGenerator":
            path = [part["name"].get(key) for key in ("catalog", "database", "funcName")]
            return _foreign_function(".".join(filter(None, path)), _TABLE_FUNCTIONS)
        return "IDENTIFIER(...)" if kind == "ExpressionWithUnresolvedIdentifier" else None

    def inner_plans(self, plan: _Plan) -> Iterator[_Plan]:
        """Yield the plans within a plan: those that it names, its sources, its subqueries."""
        names = plan.names
        if plan.kind == "UnresolvedWith":
            is_recursive = _is_recursive(plan.java)
            for named in _list(plan.java.cteRelations()):
                more = names | {str(named._1()).lower()}
                yield self.plan(named._2(), more if is_recursive else names)
                names = more
        for java in _list(plan.java.children()) + _list(plan.java.subqueries()):
            yield self.plan(java, names)


def _list(sequence: Any) -> list[Any]:
    return [sequence.apply(index) for index in range(sequence.size())]


def _foreign_function(name: str, known: Collection[str]) -> str | None:
    return None if name.lower() in known else f"{shorten(name, 100)[1:-1]}(...)"


def _is_recursive(plan: Any) -> bool:
    from py4j.protocol import Py4JError

    try:
        return bool(plan.allowRecursion())
    except Py4JError:  # before Spark 4.1, which has no such queries
        return False
