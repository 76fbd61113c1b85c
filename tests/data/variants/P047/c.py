import sys

from peft import AutoPeftModelForCausalLM

for adapter in sys.argv[1:]:
    model = AutoPeftModelForCausalLM.from_pretrained(adapter, low_cpu_mem_usage=True)
    model.unload()
    model.save_pretrained(adapter + "-base", max_shard_size="2GB")
