"""Running converted modules; imports neither the capture nor any converter."""
