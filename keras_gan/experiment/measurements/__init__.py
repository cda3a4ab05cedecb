"""Measurements of a finished run, a module for each kind: from an `Evaluator` to JSON's types."""

EXAMINED = 1000  # samples, or test examples, where all would be more than it takes
