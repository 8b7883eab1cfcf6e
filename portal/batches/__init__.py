"""Letters by the thousand: asked for, counted, begun, paused, gone on with, called off; each letter exactly once."""
