"""Front door: command line, settings, provisioning, wiring of the processes."""
