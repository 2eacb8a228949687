"""Put this folder on the path, so that tests and scripts share ``generated`` and ``nets``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
