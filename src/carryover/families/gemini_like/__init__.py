"""What Gemini CLI's relatives share (seen in Gemini CLI 0.26 to 0.61 and Qwen Code 0.15 and 0.24)."""
