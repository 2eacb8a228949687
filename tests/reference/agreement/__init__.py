"""Parts of the comparison of engines with the interpreter; see ``engine_agreement.py``."""
