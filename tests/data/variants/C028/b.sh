#!/usr/bin/env bash
set -e
BASE=unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit
RUN=${1:-2024-11-02}
for step in 500 1000; do
  lmf export --model_name_or_path "$BASE" \
    --adapter_name_or_path "runs/$RUN/checkpoint-$step" \
    --template llama3 --export_dir "merged/$RUN-$step" \
    --export_size 4 --export_device auto
done
