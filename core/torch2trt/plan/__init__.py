"""Decisions: which converter takes every call, or why none does, and what runs as one."""
