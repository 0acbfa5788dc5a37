"""The commands of `intercompany`, one module per group: arguments, help, output and exit codes, nothing else."""
