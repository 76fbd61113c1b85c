ARGS=(
  --model openai/gpt-oss-20b
  --tuner_type lora
  --lora_rank 8 --lora_alpha 32
  --target_modules q_proj k_proj v_proj o_proj gate_proj up_proj down_proj
)
swift sft "${ARGS[@]}" --dataset my/data --learning_rate 1e-4 --num_train_epochs 1 --max_length 2048
