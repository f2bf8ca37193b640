process.stdout.write("fob\n");
