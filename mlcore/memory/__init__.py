"""Memory: what is available, and the plan of what a task will take."""
