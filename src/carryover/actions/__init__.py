"""What commands do, without their arguments and tables: by the daemon if one runs, else here."""
