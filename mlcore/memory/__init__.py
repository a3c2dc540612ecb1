"""Memory: what is available, and what a task will take."""
