"""What will happen: devices, steps, memory and time, before anything is loaded."""
