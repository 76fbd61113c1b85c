#!/bin/bash
MODEL=Qwen/Qwen2.5-7B-Instruct

CUDA_VISIBLE_DEVICES=0 swift sft \
    --model "$MODEL" \
    --tuner_type lora \
    --dataset 'AI-ModelScope/alpaca-gpt4-data-en#2000' \
    --lora_rank 8 \
    --lora_alpha 32 \
    --target_modules all-linear \
    --learning_rate 1e-4 \
    --output_dir output
