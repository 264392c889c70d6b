"""What a real TensorBoard shows of what we write, over HTTP and in a browser."""
