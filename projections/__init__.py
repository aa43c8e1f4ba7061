"""What people look at: views folded from events, disposable and rebuildable."""
