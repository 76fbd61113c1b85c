"""``python -m lora_lint``."""

import os
import sys

if sys.path and sys.path[0] in ("", os.getcwd()):
    # Python puts the folder that we run in first; nothing that is linted is to be imported.
    del sys.path[0]

from lora_lint.cli.main import main

sys.exit(main())
