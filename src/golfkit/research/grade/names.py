"""The graders' names, as files have them."""

LLM, OFFLINE = "llm", "offline"
