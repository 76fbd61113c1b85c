litgpt finetune_lora checkpoints/microsoft/phi-2 \
    --quantize bnb.int8-training \
    --precision bf16-true \
    --devices 2 \
    --lora_r 8 --lora_alpha 16
