"""What the published implementations compute, and the code that holds ours against it."""
