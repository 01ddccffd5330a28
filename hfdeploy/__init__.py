"""Infrastructure as code for Hugging Face Inference Endpoints."""
