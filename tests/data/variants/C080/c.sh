PYTHONUNBUFFERED=1 nohup python -m verl.trainer.main_ppo data.train_files=a.parquet data.val_files=b.parquet \
  actor_rollout_ref.rollout.name=vllm actor_rollout_ref.rollout.load_format=safetensors \
  actor_rollout_ref.model.path=meta-llama/Llama-3.2-3B-Instruct actor_rollout_ref.model.lora_alpha=96 \
  actor_rollout_ref.model.lora_rank=96 \
  trainer.total_epochs=1 > run.log 2>&1 &
