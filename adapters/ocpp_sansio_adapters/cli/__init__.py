"""The command `ocpp-sansio`: main.py has the table of subcommands, each public module beside it is one."""
