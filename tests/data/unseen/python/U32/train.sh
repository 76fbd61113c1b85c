#!/bin/bash
accelerate launch --num_processes 2 --multi_gpu trl_finetune.py -m meta-llama/Llama-2-70b-hf -t data/train.csv -b 1 -ga 16
