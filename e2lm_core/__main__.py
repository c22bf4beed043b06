from e2lm_core.commands.main import main

main()
