#!/bin/bash
set -e
python -m mlx_lm.lora \
    --model mlx-community/Llama-3.2-3B-Instruct \
    --train \
    --data ./data \
    --batch-size 4 \
    --lora-layers 16 \
    --iters 1000 \
    --learning-rate 1e-5
