"""Proposals of a language model that the deployer has configured: requests, consent, answers; uses base, people and sets.

Start here:
    `client.server_of`: The configured server and model; None if there is none.
    `client.complete`: The model's answer to one text, within limits of time and bytes.
    `requests.request_of`: The exact text that is sent for proposals.
    `answers.read_proposals`: Proposals in an answer, within limits of number and length.
    `consent.has_agreed`: Whether the caller has agreed that a set's texts are sent.
    `service.prepare`: The request that would be sent; nothing is sent.
    `service.propose`: Send a request that its author agreed to, and return the proposals.
    `service.take_text`: Put a proposed text in place of a question's; one edit.
    `service.take_question`: Add a proposed question to the set; one edit.
"""
