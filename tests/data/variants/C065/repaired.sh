swift rlhf \
    --rlhf_type kto \
    --model Qwen/Qwen2.5-7B-Instruct \
    --tuner_type lora \
    --dataset kto.jsonl \
    --lora_rank 8 \
    --lora_alpha 32 \
    --learning_rate 5e-6 \
    --num_train_epochs 2
