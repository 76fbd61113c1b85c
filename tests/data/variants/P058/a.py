from peft import PeftConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

saved = "runs/adapter"
config = PeftConfig.from_pretrained(saved)
base = AutoModelForCausalLM.from_pretrained(config.base_model_name_or_path)
model = get_peft_model(base, config)
tokenizer = AutoTokenizer.from_pretrained(saved)
model.eval()
print(tokenizer.decode(model.generate(**tokenizer("Hi", return_tensors="pt"))[0]))
