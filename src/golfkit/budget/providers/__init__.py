"""Where machines come from: RunPod by REST v2 or by its package, or one's own by ssh."""
