"""PyYAML, imported without compiling the patterns that only its Python scanner asks.

libyaml's parser, which reads our files, needs none of them; they are a fifth of all that happens
while one YAML file is linted. They are compiled all the same when somebody asks them something.
"""

from __future__ import annotations

import re
import sys

from lora_rules.engine._startup.record import lazily

_usual = re.compile
if "yaml" not in sys.modules and "threading" not in sys.modules:  # nobody else compiles meanwhile
    setattr(re, "compile", lazily)  # noqa: B010 - mypy's sake
try:
    import yaml as yaml
finally:
    setattr(re, "compile", _usual)  # noqa: B010
