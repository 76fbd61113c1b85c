#!/bin/bash
llamafactory-cli eval lora_eval.yaml
