"""Pure rules: which changes alert whom, how they group, what a message says, when to try again."""
