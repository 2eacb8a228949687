"""Pages about plans and converted modules: data in, one self-contained HTML page out."""
