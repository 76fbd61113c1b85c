#!/bin/bash
deepspeed src/training/train.py \
    --lora_enable True \
    --bits 4 \
    --lora_rank 64 \
    --lora_alpha 128 \
    --lora_dropout 0.05 \
    --deepspeed zero2.json \
    --model_id Qwen/Qwen2-VL-72B-Instruct \
    --data_path data.json \
    --image_folder images \
    --bf16 True \
    --output_dir output/qlora \
    --num_train_epochs 1 \
    --per_device_train_batch_size 1 \
    --gradient_accumulation_steps 16 \
    --learning_rate 1e-4
