"""Random small modules of the converters' own rows, held against eager.

``rows`` the parts, ``program`` what a module is written down as, ``build`` how one comes about, ``strategy`` what
hypothesis may choose, ``examine`` what is asked of it, ``hunt`` the long search: ``python -m tests.property.hunt``.
"""
