"""Charts of results, each with a title, a sentence to read it by, and its numbers; drawn by matplotlib."""
