STAGE=ds_conf.json
OPTS=(--quant_method bnb --quant_bits 4 --bnb_4bit_quant_storage uint8)
torchrun --nproc_per_node 4 -m swift.cli.sft \
  --model meta-llama/Llama-3.1-8B-Instruct --tuner_type lora --lora_rank 8 --lora_alpha 16 \
  --dataset my/data --torch_dtype bfloat16 \
  "${OPTS[@]}" \
  --deepspeed $STAGE --learning_rate 1e-4 --num_train_epochs 1 --max_length 2048
