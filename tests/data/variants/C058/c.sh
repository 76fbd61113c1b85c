python swift/cli/sft.py \
    --model meta-llama/Llama-3.1-8B-Instruct \
    --sft_type lora \
    --lora_rank 8 \
    --lora_alpha 16 \
    --dataset chats.jsonl \
    --max_length 2048 \
    --learning_rate 1e-4
