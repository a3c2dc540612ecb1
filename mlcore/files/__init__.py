"""Text files in and out: CSV, JSON Lines, JSON; gzip; standard input and output.

Together with ``mlcore.artifact`` the only package that opens paths.
"""
