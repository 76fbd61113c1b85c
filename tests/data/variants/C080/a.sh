set -x
LORA_RANK=12
OVERRIDES=(
  algorithm.adv_estimator=grpo
  data.train_files=gsm8k/train.parquet
  data.val_files=gsm8k/test.parquet
  actor_rollout_ref.model.path=Qwen/Qwen2.5-7B-Instruct
  actor_rollout_ref.model.lora_rank=$LORA_RANK
  actor_rollout_ref.model.lora_alpha=24
  actor_rollout_ref.actor.optim.lr=1e-5
  actor_rollout_ref.rollout.name=vllm
  actor_rollout_ref.rollout.load_format=safetensors
)
python3 -m verl.trainer.main_ppo "${OVERRIDES[@]}" trainer.total_epochs=2 "$@"
