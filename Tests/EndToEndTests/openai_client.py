# SPDX-License-Identifier: Apache-2.0
"""Lists models, chats and streams with the official openai client. Usage: openai_client.py URL"""

import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="none", timeout=60, max_retries=0)
question = [{"role": "user", "content": "What is the capital of France?"}]

models = [model.id for model in client.models.list()]
assert len(models) == 1, models
settings = {"model": models[0], "messages": question, "max_tokens": 24, "temperature": 0}

answer = client.chat.completions.create(**settings)
text = answer.choices[0].message.content
assert len(text) > 8, text
assert answer.choices[0].finish_reason in ("stop", "length"), answer
assert answer.usage.completion_tokens > 0, answer
assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens

pieces, reasons = [], []
for chunk in client.chat.completions.create(stream=True, **settings):
    for choice in chunk.choices:
        pieces.append(choice.delta.content or "")
        reasons.append(choice.finish_reason)
assert "".join(pieces) == text, (pieces, text)
assert len(pieces) > 2, pieces
assert reasons[-1] == answer.choices[0].finish_reason, reasons

completion = client.completions.create(
    model=models[0], prompt="The capital of France is", max_tokens=4, temperature=0
)
assert completion.choices[0].text.startswith(" Paris"), completion

for wrong, error in (
    ({"model": "no-such-model"}, openai.NotFoundError),
    ({"temperature": 99}, openai.BadRequestError),
    ({"max_tokens": -1}, openai.BadRequestError),
):
    try:
        client.chat.completions.create(**{**settings, **wrong})
    except error:
        pass
    else:
        raise AssertionError(f"{wrong} was accepted")

print("all checks passed")
