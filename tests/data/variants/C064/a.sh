#!/bin/bash
# Answers of the LoRA adapter to the questions of a file.
CKPT=output/qwen2-7b-instruct/v0-20240801/checkpoint-500
CUDA_VISIBLE_DEVICES=0 swift infer \
    --ckpt_dir "$CKPT" \
    --load_dataset_config true \
    --max_new_tokens 512
