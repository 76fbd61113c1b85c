#!/bin/sh
# Lints the examples: the sound ones pass, the broken twins do not.
set -u
lint=$1

printf '== lora-lint examples/sound\n\n'
"$lint" examples/sound || exit 1

printf '\n== lora-lint examples/broken\n\n'
"$lint" examples/broken
status=$?
[ "$status" -eq 1 ] || { echo "expected findings in examples/broken"; exit 1; }

printf '\n== lora-lint show examples/sound/train.py\n\n'
"$lint" show examples/sound/train.py
