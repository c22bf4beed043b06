"""How much of lm-evaluation-harness's own tasks the studio opens, and whether their prompts are the harness's."""
