mlx_lm.lora --model mlx-community/Phi-4-mini-instruct-8bit --optimizer adamw --data data/ --train --config lora_config.yaml
