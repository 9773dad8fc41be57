"""Batch -> Condition: which maps a system looks at."""
