"""Scientific relevance: embeddings, calibrated classifier, nearest field; uses base, people and sets.

Start here:
    `judge.judge_relevance`: Judgement of a set's questions by one embedding model.
    `judge.Relevance`: Probability of acceptance, nearest field and nearest exemplars of each question.
    `judge.missing_texts`: Texts to embed before a judgement, for an estimate of its cost.
    `judge.assess`: Judgement of questions as plain data.
    `embeddings.Embedder`: Normalised embeddings by one model, cached on disk.
    `embeddings.comparison_models`: Installed embedding models to compare a judgement with.
    `classifier.Classifier`: Fitted classifier of the exemplars, with calibrated probabilities.
    `calibration.ece`: Expected calibration error of probabilities, in [0, 1].
    `neighbours.group_by_meaning`: Group label of each question, for questions with similar embeddings.
    `tables.question_frame`: Probability, field and nearest exemplar of each question as a table.
"""
