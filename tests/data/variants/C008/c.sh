#!/bin/bash
NPROC_PER_NODE=8 swift sft \
    --model meta-llama/Llama-3.3-70B-Instruct \
    --train_type lora \
    --torch_dtype bfloat16 \
    --lora_rank 16 \
    --target_modules all-linear \
    --dataset alpaca.jsonl \
    --max_length 2048 \
    --per_device_train_batch_size 1 \
    --learning_rate 1e-4 \
    --deepspeed zero2
