"""One module of tests for each family of the writer's methods."""
