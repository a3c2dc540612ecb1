"""Side-by-side measurements against other libraries, and published tables reproduced."""
