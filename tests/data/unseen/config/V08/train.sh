#!/bin/bash
CUDA_VISIBLE_DEVICES=1,2,3,4 llamafactory-cli train qwen_lora_sft.yaml
