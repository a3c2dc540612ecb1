"""SQL: the queries of ``sql/`` on DuckDB, BigQuery and Spark, and the record of what they made."""
