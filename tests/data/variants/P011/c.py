import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

NAME = "HuggingFaceTB/SmolLM2-360M"
PHONEMES = [f"[{a}{b}]" for a in "abcdefghijklmnop" for b in "aeiou0123456789xyz"]

tok = AutoTokenizer.from_pretrained(NAME, additional_special_tokens=PHONEMES)
net = AutoModelForCausalLM.from_pretrained(NAME)
net.resize_token_embeddings(len(tok))
config = LoraConfig(
    r=16,
    lora_alpha=16,
    target_modules=["q_proj", "v_proj"],
    modules_to_save=["embed_tokens"],
    ensure_weight_tying=True,
)
net = get_peft_model(net, config)
optimizer = torch.optim.AdamW((p for p in net.parameters() if p.requires_grad), lr=3e-4)
for epoch in range(3):
    for batch in torch.load("batches.pt"):
        loss = net(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
net.save_pretrained("speech")

for seed in range(4):
    torch.manual_seed(seed)
    fresh = AutoModelForCausalLM.from_pretrained(NAME)
    fresh.load_adapter("speech")
    print(tok.batch_decode(fresh.generate(do_sample=True, max_new_tokens=50)))
