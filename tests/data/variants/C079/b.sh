export MODEL=mistralai/Mistral-7B-v0.1
OPTIONS=(
  --model "$MODEL"
  --project-name zephyr-support
  --data-path data/
  --peft --quantization int4
  --lora-r 16 --lora-alpha 32
  --lr 2e-4 --epochs 1
)
autotrain llm --train "${OPTIONS[@]}" \
  --gradient-accumulation-steps 4 \
  --trainer sft
