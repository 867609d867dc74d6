# SPDX-License-Identifier: Apache-2.0
"""Lists models, chats and streams with the official openai client. Usage: openai_client.py URL"""

import sys

import openai

client = openai.OpenAI(
    base_url=sys.argv[1], api_key="none", timeout=60, max_retries=0,
    # Without the proxies of the environment, which would not find this machine's own address.
    http_client=openai.DefaultHttpxClient(trust_env=False),
)
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

several = {**settings, "n": 3, "seed": 7, "temperature": 1, "logprobs": True, "top_logprobs": 2}
answer = client.chat.completions.create(**several)
assert [choice.index for choice in answer.choices] == [0, 1, 2], answer
texts = [choice.message.content for choice in answer.choices]
assert len(set(texts)) > 1, texts
counts = [len(choice.logprobs.content) for choice in answer.choices]
assert all(0 < count <= 24 for count in counts), counts
# The prompt counts once; a token that ends an answer is not shown.
assert answer.usage.completion_tokens == sum(counts), (answer.usage, counts)
alone = client.chat.completions.create(**{**several, "n": 1, "seed": 8})
assert alone.choices[0].message.content == texts[1], (alone, texts)
assert alone.usage.prompt_tokens == answer.usage.prompt_tokens, (alone, answer)

pieces, reasons, usages = {}, {}, []
for chunk in client.chat.completions.create(
    stream=True, stream_options={"include_usage": True}, **several
):
    for choice in chunk.choices:
        pieces[choice.index] = pieces.get(choice.index, "") + (choice.delta.content or "")
        reasons[choice.index] = choice.finish_reason
    usages += [chunk.usage] if chunk.usage else []
assert [pieces[index] for index in range(3)] == texts, (pieces, texts)
assert all(reasons.values()), reasons
assert usages == [answer.usage], (usages, answer)

completion = client.completions.create(
    model=models[0], prompt="The capital of France is", max_tokens=4, temperature=1, n=2,
    seed=1, stop=["."], logprobs=1
)
assert [choice.index for choice in completion.choices] == [0, 1], completion
assert all("." not in choice.text for choice in completion.choices), completion

completion = client.completions.create(
    model=models[0], prompt="The capital of France is", max_tokens=4, temperature=0
)
assert completion.choices[0].text.startswith(" Paris"), completion

for wrong, error in (
    ({"model": "no-such-model"}, openai.NotFoundError),
    ({"temperature": 99}, openai.BadRequestError),
    ({"max_tokens": 0}, openai.BadRequestError),
    ({"n": 1000}, openai.BadRequestError),
):
    try:
        client.chat.completions.create(**{**settings, **wrong})
    except error:
        pass
    else:
        raise AssertionError(f"{wrong} was accepted")

print("all checks passed")
