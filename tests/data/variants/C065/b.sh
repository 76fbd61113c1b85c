args=(
  --model meta-llama/Llama-3.1-8B-Instruct
  --tuner_type dora
  --use_dora true
  --lora_rank 16
  --dataset my/data
)
NPROC_PER_NODE=2 swift sft "${args[@]}" --learning_rate 1e-4 --num_train_epochs 1 --max_length 2048
