from e2lm_core.cli import main

main()
