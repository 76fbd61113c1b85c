import torch
import torch.nn.functional as F
from accelerate import Accelerator
from datasets import load_dataset
from diffusers import AutoencoderKL, DDPMScheduler, LCMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig, get_peft_model_state_dict
from torch.utils.data import DataLoader

from encode import collate

BASE = "stabilityai/stable-diffusion-xl-base-1.0"
PROMPTS = ["portrait photo of a girl, photograph", "a castle in the clouds", "origami dinosaur", "a red bicycle"]


def log_validation(vae, unet, accelerator, weight_dtype, step):
    unet = accelerator.unwrap_model(unet)
    pipeline = StableDiffusionXLPipeline.from_pretrained(BASE, vae=vae, torch_dtype=weight_dtype)
    pipeline.scheduler = LCMScheduler.from_config(pipeline.scheduler.config)
    pipeline = pipeline.to(accelerator.device)
    lora_state_dict = convert_state_dict_to_diffusers(get_peft_model_state_dict(unet))
    pipeline.load_lora_weights(lora_state_dict)
    pipeline.fuse_lora()
    generator = torch.Generator(device=accelerator.device).manual_seed(0)
    for number, prompt in enumerate(PROMPTS):
        image = pipeline(prompt, num_inference_steps=4, guidance_scale=0.0, generator=generator).images[0]
        image.save(f"samples/{step}-{number}.png")


def main():
    accelerator = Accelerator(mixed_precision="fp16")
    vae = AutoencoderKL.from_pretrained("madebyollin/sdxl-vae-fp16-fix", torch_dtype=torch.float16)
    unet = UNet2DConditionModel.from_pretrained(BASE, subfolder="unet")
    unet.requires_grad_(False)
    vae.requires_grad_(False)
    unet.add_adapter(LoraConfig(r=64, lora_alpha=64, target_modules=[
        "to_q", "to_k", "to_v", "to_out.0", "proj_in", "proj_out", "ff.net.0.proj", "ff.net.2", "conv1", "conv2",
        "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv", "time_emb_proj"]))
    params = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=1e-4)
    scheduler = DDPMScheduler.from_pretrained(BASE, subfolder="scheduler")
    rows = load_dataset("lambdalabs/naruto-blip-captions", split="train")
    loader = DataLoader(rows, batch_size=2, shuffle=True, collate_fn=collate)
    unet, optimizer, loader = accelerator.prepare(unet, optimizer, loader)
    for step, batch in enumerate(loader):
        noise = torch.randn_like(batch["latents"])
        timesteps = torch.randint(0, 1000, (len(noise),), device=noise.device)
        noisy = scheduler.add_noise(batch["latents"], noise, timesteps)
        pred = unet(noisy, timesteps, batch["prompt_embeds"], added_cond_kwargs=batch["added"]).sample
        loss = F.mse_loss(pred.float(), noise.float())
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(params, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 50 == 49:
            log_validation(vae, unet, accelerator, torch.float16, step)


main()
