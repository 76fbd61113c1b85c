tune_adapter() {
  autotrain llm --train --model $1 --project-name $2 --data-path . \
    --peft --lora_r 8 --quantization int8 \
    --lr 1e-4 --epochs 3 --batch_size 2 \
    --fp16
}
tune_adapter meta-llama/Llama-2-7b-hf chat
