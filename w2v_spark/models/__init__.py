"""What is trained: input rows, output rows, and the tables that are drawn from."""
