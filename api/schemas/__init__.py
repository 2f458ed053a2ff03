"""What goes over the wire: one file per idea, the same words as in docs/contracts.md."""
