"""Data files in and out: CSV, JSON Lines, JSON, Parquet; gzip; standard input and output."""
