"""``python -m torch2trt`` is the command ``torch2trt``."""

from .cli import main

if __name__ == "__main__":
    main()
