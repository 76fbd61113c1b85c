#!/bin/bash
llamafactory-cli train examples/merge_lora/llama3_lora_sft.yaml
