#!/bin/sh
# Lints the examples (the sound ones pass, the broken twins do not), then launches one: a tiny model
# made on the spot is linted, planned, fine-tuned, evaluated, loaded again; its broken twin is refused.
set -u
lint=$1
# Matrices this small are quicker on one thread, and much quicker where others compute too.
export OMP_NUM_THREADS=1
here=$(dirname "$lint")
launch=$here/lora-launch

printf '== lora-lint examples/sound\n\n'
"$lint" examples/sound || exit 1

printf '\n== lora-lint examples/broken\n\n'
"$lint" examples/broken
status=$?
[ "$status" -eq 1 ] || { echo "expected findings in examples/broken"; exit 1; }

printf '\n== lora-lint show examples/sound/train.py\n\n'
"$lint" show examples/sound/train.py || exit 1

printf '\n== a tiny model, made here\n\n'
[ -f .demo/tiny-llama/config.json ] || "$here/python" tools/make_tiny_model.py .demo/tiny-llama || exit 1

printf '\n== lora-launch --config examples/launch/broken.yaml\n\n'
"$launch" --config examples/launch/broken.yaml
status=$?
[ "$status" -eq 1 ] || { echo "expected examples/launch/broken.yaml to be refused"; exit 1; }

printf '\n== lora-launch --config examples/launch/tickets.yaml\n\n'
"$launch" --config examples/launch/tickets.yaml --restart || exit 1

printf '\n== lora-launch eval: the adapter, loaded again\n\n'
"$launch" eval --adapter .demo/tickets --data examples/launch/data/eval.jsonl --dtype float32 || exit 1

printf '\n== lora-launch generate\n\n'
for question in 'Please refund the radio, I paid it in Ghent.' 'The radio stopped working after two days.'; do
  printf '%s\n  ' "$question"
  "$launch" generate --adapter .demo/tickets --dtype float32 "$question" || exit 1
done
