"""None yet."""

CASES = []
