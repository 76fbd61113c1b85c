swift sft --model Qwen/Qwen2.5-1.5B-Instruct --tuner_type lora --lora_rank 8 \
    --attn_impl flash_attn \
    --dataset chats.jsonl --max_length 1024 --learning_rate 1e-4 --num_train_epochs 1 --torch_dtype float16
