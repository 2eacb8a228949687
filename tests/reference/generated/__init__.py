"""Families of generated networks; see ``generate.py``."""
