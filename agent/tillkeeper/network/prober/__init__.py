"""The prober's shell: one thread, one selector, sockets and clocks. What to ask and what it means is the engine's business."""
