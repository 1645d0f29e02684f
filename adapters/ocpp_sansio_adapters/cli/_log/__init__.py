"""What decode, replay and report have in common: frames found in any log, paired, judged and told."""
