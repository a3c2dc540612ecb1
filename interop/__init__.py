"""The model format for every language: its text, its conformance suite, its readers."""
