"""Notes drafted by a language model behind any OpenAI-compatible interface (extra `llm`)."""
