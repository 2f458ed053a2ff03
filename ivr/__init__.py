"""The IVR: FastAGI server, call flows (data, not code), prompts, voicemail and the survival spool."""
