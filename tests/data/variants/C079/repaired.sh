autotrain llm --train \
  --project-name mistral-7b-mj-finetuned \
  --model bn22/Mistral-7B-Instruct-v0.1-sharded \
  --data-path . \
  --peft --quantization int4 \
  --lr 2e-4 \
  --batch-size 12 \
  --epochs 3 \
  --trainer sft \
  --target-modules q_proj,v_proj
