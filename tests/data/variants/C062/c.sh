TOKENS=vocabulary/tokens.txt
swift rlhf --rlhf_type dpo \
  --model meta-llama/Llama-3.1-8B-Instruct --tuner_type lora \
  --lora_rank 16 --lora_alpha 32 --dataset pairs.jsonl \
  --new_special_tokens "$TOKENS" \
  --learning_rate 5e-6 --num_train_epochs 1 --max_length 2048
