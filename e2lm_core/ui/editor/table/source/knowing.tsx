/** Whether the mini models know a question, and the nearest known fact, while it is typed. */

import { useEffect, useState } from "preact/hooks";
import { Icon } from "./row";
import type { Store } from "./store";
import type { Question } from "./types";
import { mark, say } from "./words";

const REST_MS = 300;
const BY = mark("The nearest fact shares the rarest words with your question; a word of its subject counts twice.");

interface Answer {
  known: boolean | null;
  sentence: string;
}

/** It asks beside the table's own requests, one after a rest in typing: no edit waits for it. */
export function Knowing({ store, question }: { store: Store; question: Question }) {
  const [said, setSaid] = useState<Answer | null>(null);
  const text = question.question.trim(), answer = (question.choices[question.answer] ?? "").trim(), { known, pass } = store.given;
  useEffect(() => {
    if (!known || !text) {
      setSaid(null);
      return;
    }
    const over = new AbortController();
    const ask = async () => {
      try {
        const sent = await fetch(known, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ pass, question: text, answer }),
          credentials: "same-origin",
          signal: over.signal,
        });
        setSaid(sent.ok ? await sent.json() : null);
      } catch {
        // It was typed on, or the server is away: the next text asks again.
      }
    };
    const timer = window.setTimeout(ask, REST_MS);
    return () => {
      window.clearTimeout(timer);
      over.abort();
    };
  }, [known, pass, text, answer]);
  if (!said?.sentence) return null;
  return (
    <div class={`qt-known ${said.known ? "qt-is-known" : ""}`} role="status" title={said.known ? undefined : say(BY)}>
      <Icon name={said.known ? "check" : "school"} />{said.sentence}
    </div>
  );
}
