llamafactory-cli train --stage sft --do_train --model_name_or_path mistralai/Mistral-7B-Instruct-v0.3 \
  --finetuning_type lora --lora_target q_proj,v_proj --lora_rank 16 --quantization_bit 4 \
  --dataset sums --eval_dataset more_sums --template mistral --cutoff_len 512 \
  --learning_rate 2e-4 --num_train_epochs 3 --bf16 --output_dir out
