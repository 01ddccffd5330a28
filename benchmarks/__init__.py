"""What takes time, measured as a ratio in one run: absolute times say more about the machine than about the program."""
